// Package schedule owns when a stream is to be watched: start and stop times, and iCalendar events (RFC 5545) with their
// recurrences and time zones.
package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// ErrCalendar is wrapped when a calendar cannot be used.
var ErrCalendar = errors.New("unusable calendar")

// Caps on a calendar.
const (
	MaxSize    = 4 << 20 // bytes
	MaxEvents  = 10_000
	maxPeriods = 200_000
	// maxWork is how long finding a calendar's events in a span of time may take. Rules that never hold are looked for
	// up to the year 9999.
	maxWork = 2 * time.Second
)

// near and far are how far ahead changes are looked for: first where nearly all calendars have one, then where a rule
// such as 29 February has. Both are found anew when fresh has passed.
const (
	near  = 400 * 24 * time.Hour
	far   = 3660 * 24 * time.Hour
	fresh = 30 * 24 * time.Hour
)

// Options say what a schedule is made of. None of them: always on.
type Options struct {
	Start, Stop time.Time // outside [Start, Stop) nothing is on; zero: no such bound
	// Calendar is the text of an iCalendar file: on are its events that are not cancelled. Nil: no calendar.
	Calendar []byte
	// Name, where not empty, leaves only events whose SUMMARY contains it, in any letter case.
	Name string
	// Zone is that of times without one, where the calendar has no X-WR-TIMEZONE; nil: the machine's.
	Zone *time.Location
}

// Schedule says when a stream is on. It is safe for concurrent use.
type Schedule struct {
	start, stop int64
	calendar    bool
	events      []event

	mu      sync.Mutex
	windows [2]window // near and far
}

// period is a half-open span of Unix seconds.
type period struct{ from, until int64 }

// window holds the periods that begin before to and end after from: none touches the next.
type window struct {
	from, to int64
	periods  []period
}

// New returns a schedule. Its errors wrap ErrCalendar and name the event at fault.
func New(o Options) (*Schedule, error) {
	s := &Schedule{start: math.MinInt64, stop: math.MaxInt64, calendar: o.Calendar != nil}
	if !o.Start.IsZero() {
		s.start = o.Start.Unix()
	}
	if !o.Stop.IsZero() {
		s.stop = o.Stop.Unix()
	}
	if s.stop <= s.start {
		return nil, fmt.Errorf("stop %s is not after start %s", o.Stop.Format(time.RFC3339), o.Start.Format(time.RFC3339))
	}
	if !s.calendar {
		return s, nil
	}
	zone := o.Zone
	if zone == nil {
		zone = time.Local
	}
	err := contain(func() (err error) {
		s.events, err = parse(o.Calendar, o.Name, zone)
		return err
	})
	if err == nil {
		_, err = s.window(0, time.Now().Unix())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	return s, nil
}

// contain turns a panic into an error: the libraries below have some for hostile rules.
func contain(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a rule that makes no sense (%v)", v)
		}
	}()
	return fn()
}

// At reports whether the stream is on at t, and when that next changes; zero where it does not within ten years.
func (s *Schedule) At(t time.Time) (on bool, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.windows {
		w, err := s.window(i, t.Unix())
		if err != nil {
			break
		}
		var change int64
		on, change = w.at(t.Unix())
		if change < w.to {
			return on, time.Unix(change, 0).In(t.Location())
		}
	}
	return on, time.Time{}
}

// at returns whether t is in a period, and when that changes; math.MaxInt64: not that is known.
func (w *window) at(t int64) (on bool, change int64) {
	i, _ := slices.BinarySearchFunc(w.periods, t, func(p period, t int64) int {
		if p.until <= t {
			return -1
		}
		return 1
	})
	switch {
	case i == len(w.periods):
		return false, math.MaxInt64
	case w.periods[i].from <= t:
		return true, w.periods[i].until
	}
	return false, w.periods[i].from
}

// window returns the near or the far periods around t. The caller holds mu, or has the schedule for itself.
func (s *Schedule) window(i int, t int64) (*window, error) {
	w := &s.windows[i]
	if w.from <= t && t < min(w.from+int64(fresh/time.Second), w.to) {
		return w, nil
	}
	if !s.calendar {
		*w = window{math.MinInt64 / 2, math.MaxInt64, s.bound([]period{{math.MinInt64, math.MaxInt64}})}
		return w, nil
	}
	ahead := near
	if i > 0 {
		ahead = far
	}
	out := window{from: t, to: t + int64(ahead/time.Second)}
	x := &expansion{from: out.from, to: out.to, began: time.Now()}
	for _, e := range s.events {
		if err := contain(func() error { return e.expand(x) }); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	out.periods = s.bound(union(x.periods))
	*w = out
	return w, nil
}

// union joins periods that overlap or touch.
func union(p []period) []period {
	slices.SortFunc(p, func(a, b period) int { return cmp.Compare(a.from, b.from) })
	out := p[:0]
	for _, x := range p {
		if n := len(out); n > 0 && x.from <= out[n-1].until {
			out[n-1].until = max(out[n-1].until, x.until)
		} else {
			out = append(out, x)
		}
	}
	return slices.Clip(out)
}

// bound cuts periods to the start and stop times.
func (s *Schedule) bound(p []period) []period {
	out := p[:0]
	for _, x := range p {
		x.from, x.until = max(x.from, s.start), min(x.until, s.stop)
		if x.from < x.until {
			out = append(out, x)
		}
	}
	return out
}
