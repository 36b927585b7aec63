package outbox

import (
	"time"

	"spotter/store"
	"spotter/timeline"
)

const (
	// refusedFor is how long an entry that the sink refused is set aside.
	refusedFor = time.Hour
	// struckFor is how long one is set aside that failed maxStrikes times while the sink took others.
	struckFor  = time.Minute
	maxStrikes = 3
	// revisitEvery is how often at most the whole backlog is read for what is due again.
	revisitEvery = time.Minute
)

// key is what an outbox has once.
type key struct {
	media string
	at    timeline.Position
}

func keyOf(e store.Entry) key {
	switch {
	case e.Observation != nil:
		return key{e.Observation.Media, e.Observation.From}
	case e.Segment != nil:
		return key{e.Segment.Media, e.Segment.From}
	case e.Frame != nil:
		return key{e.Frame.Media, e.Frame.At}
	}
	return key{at: timeline.Position(e.Seq)}
}

// aside is what is not offered for a while, so that the rest goes on. It is in memory only: a restart tries all again.
type aside struct {
	until map[key]leave
	due   time.Time // when the backlog is to be read from its begin; zero when nothing is set aside
}

// leave is that of one entry; one of the same key that is queued later has none.
type leave struct {
	seq   uint64
	until time.Time
}

func (a *aside) has(e store.Entry) bool {
	l, ok := a.until[keyOf(e)]
	return ok && l.seq == e.Seq
}

// put sets an entry aside.
func (a *aside) put(e store.Entry, until, now time.Time) {
	if a.until == nil {
		a.until = make(map[key]leave)
	}
	a.until[keyOf(e)] = leave{e.Seq, until}
	a.plan(until, now)
}

// drop forgets an entry's key, which the sink has taken.
func (a *aside) drop(e store.Entry) { delete(a.until, keyOf(e)) }

// revisit takes back what is due, and reports whether the backlog is to be read from its begin for it.
func (a *aside) revisit(now time.Time) bool {
	if a.due.IsZero() || now.Before(a.due) {
		return false
	}
	a.due = time.Time{}
	for k, l := range a.until {
		if l.until.After(now) {
			a.plan(l.until, now)
		} else {
			delete(a.until, k)
		}
	}
	return true
}

// plan makes due no later than until, but for revisitEvery.
func (a *aside) plan(until, now time.Time) {
	if next := now.Add(revisitEvery); until.Before(next) {
		until = next
	}
	if a.due.IsZero() || until.Before(a.due) {
		a.due = until
	}
}

// strikes counts how often an entry has failed as if the sink were away while that took others: whatever its error says,
// one entry must not hold up all.
type strikes map[key]strike

type strike struct {
	n    int
	last time.Time
}

// out counts a failure, and reports whether it was one too many. took is when the sink last took an entry.
func (s *strikes) out(e store.Entry, took, now time.Time) bool {
	if *s == nil {
		*s = make(strikes)
	}
	k := keyOf(e)
	last, again := (*s)[k]
	if again && !took.After(last.last) {
		return false
	}
	if last.n+1 == maxStrikes {
		delete(*s, k)
		return true
	}
	(*s)[k] = strike{last.n + 1, now}
	return false
}
