package capture

import (
	"net/url"
	"time"

	"spotter/timeline"
)

// State of a stream, as the viewer API names it.
type State string

// The states a follower can be in.
const (
	Waiting State = "waiting" // nothing could be read yet
	Live    State = "live"    // segments come
	Stalled State = "stalled" // the playlist fails or no longer grows
	Ended   State = "ended"   // the playlist says so
)

// Status is where a stream stands.
type Status struct {
	State State
	// LiveEdge is the end of the newest published segment; Placed tells whether it is known.
	LiveEdge timeline.Position
	Placed   bool
	// Duration is the sum of the durations of a recording's segments.
	Duration time.Duration
	// URL is that of the playlist in use; nil before there is one.
	URL *url.URL

	clock   Clock   // as of the newest placed segment
	pending []piece // all that the playlist lists
	silent  bool    // what comes has no pictures
}

// Status returns where the stream stands. It may be called from any goroutine.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	if s.State == "" {
		s.State = Waiting
	}
	s.Placed, s.LiveEdge = s.clock.Started, s.clock.End
	for i := range s.pending {
		s.LiveEdge += s.clock.ahead(&s.pending[i])
	}
	s.pending = nil
	return s
}

// PositionAt returns the position at wall-clock time t; ok is false while the stream has told no wall clock. It may
// be called from any goroutine.
func (f *Follower) PositionAt(t time.Time) (p timeline.Position, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status.clock.PositionAt(t)
}

// Timestamps is the clock's. It may be called from any goroutine.
func (f *Follower) Timestamps() (zero int64, discontinuity uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status.clock.Timestamps()
}
