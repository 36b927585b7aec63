package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"spotter/capture"
	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/timeline"
)

// catalog is the states of all media as one reading found them.
type catalog struct {
	number     uint64 // that of each reading which began after this one had ended is higher
	asked, got time.Time
	ids        []string // sorted
	media      map[string]*medium
}

// medium is the state of one media. It is not changed.
type medium struct {
	state State
	// heard is when, by this machine's clock, the box told this at the latest.
	heard time.Time
	// base is the timeline without its observations.
	base *timeline.Timeline
	// clock is only asked for positions, which changes nothing in it; nil where there is none.
	clock      *capture.Clock
	clockFault error
}

var errNoState = errors.New("the state that goes with what was read is no longer held")

// catalog returns the states, read anew when they are older than a second. An error says that they could not be: the catalog
// is then the last there was, or nil.
func (v *View) catalog() (*catalog, error) {
	if c, err, ok := v.latest(); ok {
		return c, err
	}
	v.flights.Do("", func() (any, error) {
		// Who came too late for the last flight finds what it brought.
		if _, _, ok := v.latest(); !ok {
			v.readStates()
		}
		return nil, nil
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.newest(), v.fault.err
}

// latest returns what catalog does, unless the table is to be asked.
func (v *View) latest() (*catalog, error, bool) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.newest()
	if c != nil && now.Sub(c.got) < refresh {
		return c, nil, true
	}
	return c, v.fault.err, v.fault.recent(now)
}

// newest returns the newest catalog, or nil; v.mu is held.
func (v *View) newest() *catalog {
	if len(v.catalogs) == 0 {
		return nil
	}
	return v.catalogs[len(v.catalogs)-1]
}

// before returns the newest catalog that was read before the reading of a number.
func (v *View) before(number uint64) *catalog {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range slices.Backward(v.catalogs) {
		if c.number < number {
			return c
		}
	}
	return nil
}

// usable returns an error when a catalog is too old to tell what may have changed since; away is why it is old.
func (v *View) usable(c *catalog, away error) error {
	if away != nil && (c == nil || time.Since(c.asked) > v.o.Stale) {
		return unavailable(away)
	}
	return nil
}

// readStates asks for the states.
func (v *View) readStates() {
	next := &catalog{asked: time.Now()}
	var states []State
	err := v.read(func(ctx context.Context) (err error) {
		states, err = v.reader.States(ctx)
		return err
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	next.number, next.got = v.reads, time.Now()
	if err != nil && awsfault.KindOf(err) == awsfault.Refused { // one item, which is no fault of the other media
		err = nil
	}
	if v.fault = (fault{err, next.got}); err != nil {
		return
	}
	next.fill(states, v.newest())
	v.catalogs = append(slices.DeleteFunc(v.catalogs, func(c *catalog) bool { return next.asked.Sub(c.asked) > v.o.Stale }), next)
}

// fill takes in states; those that are as the catalog before has them are the same medium.
func (c *catalog) fill(states []State, before *catalog) {
	c.media = make(map[string]*medium, len(states))
	for i := range states {
		id := states[i].Status.Media
		if before != nil {
			if old := before.media[id]; old != nil && old.state.Updated.Equal(states[i].Updated) {
				c.media[id] = old
			}
		}
		if c.media[id] == nil {
			c.media[id] = newMedium(&states[i])
			c.media[id].heard = c.hears(id, states[i].Updated, before)
		}
		c.ids = append(c.ids, id)
	}
	slices.SortFunc(c.ids, strings.Compare)
}

// hears returns when a state that is new was told. The box's clock need not be this one's: where there was another state not
// long before, it was told since.
func (c *catalog) hears(id string, updated time.Time, before *catalog) time.Time {
	if before != nil && before.media[id] != nil && c.asked.Sub(before.asked) < silent {
		return c.asked
	}
	if updated.After(c.asked) {
		return c.asked
	}
	return updated
}

func newMedium(s *State) *medium {
	m := &medium{state: *s, base: timeline.New(nil, s.Analyzed).WithBreaks(s.Breaks)}
	m.clock, m.clockFault = readClock(s.Clock)
	return m
}

// readClock returns the clock that a box stored, which says itself what its zero is; nil where it stored none.
func readClock(stored []byte) (*capture.Clock, error) {
	if len(stored) == 0 {
		return nil, nil
	}
	var anchor struct {
		Zero string `json:"zero"`
	}
	if err := json.Unmarshal(stored, &anchor); err != nil {
		return nil, fmt.Errorf("read stored clock: %w", err)
	}
	zero, err := capture.ParseZero(anchor.Zero)
	if err != nil {
		return nil, fmt.Errorf("read stored clock: %w", err)
	}
	return capture.NewClock(zero, stored)
}

// status returns what the box last said, and that it says nothing where it should.
func (m *medium) status(now time.Time) httpapi.Status {
	s := m.state.Status
	s.AnalyzedUntil = nil
	if p, ok := m.base.AnalyzedUntil(); ok {
		s.AnalyzedUntil = &p
	}
	if s.State == httpapi.StateLive && now.Sub(m.heard) > silent {
		s.State = httpapi.StateStalled
		s.Faults = append([]httpapi.Fault{{
			At: m.heard, Kind: "silent", Message: "the box that watches it has written nothing to the table since", Count: 1,
		}}, s.Faults...)
	}
	return s
}

// longestSample is how long a scene may go on beyond what it may last: until the next picture is looked at.
const longestSample = timeline.Position(60_000)

// longest is the length that no scene exceeds.
func (m *medium) longest() timeline.Position {
	most := m.state.MaxScene
	if most <= 0 {
		most = 30 * time.Second
	}
	return timeline.FromDuration(most) + longestSample
}

// reach returns where the observations begin that may meet the window w; false when there can be none. What lies far beyond
// the analysed end is not asked for: nothing is there, and anybody may ask.
func (m *medium) reach(w timeline.Span) (part timeline.Span, some bool) {
	end, analyzed := m.base.AnalyzedUntil()
	part = timeline.Span{From: w.From - m.longest(), Until: min(w.Until, end+chunkLength)}
	return part, analyzed && w.Until >= w.From && part.Until >= part.From
}
