// Package offline says from the ledger what another policy would have earned: it joins decisions with their rewards, writes
// them for other programs to learn from, and estimates a policy's value from choices that another one made.
package offline

import (
	"cmp"
	"errors"
	"iter"
	"sort"
	"time"

	"spotter/engage/ledger"
)

// disorder is how much a record's clock may lag behind that of one appended before it: both are read before the append.
const disorder = time.Minute

// Sample is a decision and what came of it.
type Sample struct {
	// Number is the decision's in the ledger.
	Number uint64
	*ledger.Decision
	// Reward is the sum of its events' rewards, 0 to 1.
	Reward float64
	// Events are those that came within the window, in the ledger's order.
	Events []*ledger.Event
}

// Samples gives decisions in the ledger's order. It can be iterated more than once; an error is the last that it gives.
type Samples = iter.Seq2[*Sample, error]

// Replay calls f with each record numbered higher than after, in order, until f returns an error, which it returns. f may
// keep the record. It is the method of ledger.Ledger.
type Replay func(after uint64, f func(*ledger.Record) error) error

// errStop ends a replay that nobody listens to any more.
var errStop = errors.New("stop")

// Join gives each decision with the events that came within window after it. It holds only the decisions of one window in
// memory, by the clock of the records: a decision is given out when its window has passed or the log has ended.
func Join(replay Replay, window time.Duration) Samples {
	return func(yield func(*Sample, error) bool) {
		j := joiner{window: window}
		err := replay(0, func(r *ledger.Record) error {
			j.add(r)
			for len(j.open) > 0 && j.clock.Sub(j.open[0].At) > window+disorder {
				s := j.open[0]
				j.open[0] = nil
				j.open = j.open[1:]
				if !yield(s, nil) {
					return errStop
				}
			}
			return nil
		})
		if errors.Is(err, errStop) {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for _, s := range j.open {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// joiner holds the decisions whose events may still come.
type joiner struct {
	window time.Duration
	clock  time.Time // the latest of the records seen
	open   []*Sample // by number
}

func (j *joiner) add(r *ledger.Record) {
	if d := r.Decision; d != nil {
		j.open = append(j.open, &Sample{Number: r.Number, Decision: d})
		j.tick(d.At)
		return
	}
	e := r.Event
	j.tick(e.At)
	i, found := sort.Find(len(j.open), func(i int) int { return cmp.Compare(e.Decision, j.open[i].Number) })
	if !found || e.At.Sub(j.open[i].At) > j.window {
		return
	}
	s := j.open[i]
	s.Events = append(s.Events, e)
	s.Reward = min(s.Reward+e.Reward, 1)
}

func (j *joiner) tick(at time.Time) {
	if at.After(j.clock) {
		j.clock = at
	}
}

// Of gives samples that are in memory.
func Of(samples []*Sample) Samples {
	return func(yield func(*Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}
