// Package httpapi owns the two HTTP listeners: the viewer API with its page, which players read, and the admin API,
// which operators and their tools use.
package httpapi

import (
	"encoding/json"
	"errors"
	"time"

	"spotter/timeline"
)

// Media is what the API knows of the streams. All methods may be called from many goroutines at once; they are on the
// path of every look-up, so one that asks over a network must keep what it got and bound how long it waits. Errors wrap
// ErrUnknownMedia where there is no such media, and ErrUnavailable where that cannot be told for the moment.
type Media interface {
	// IDs returns the ids of all media, in the order in which they are shown.
	IDs() ([]string, error)
	// Status tells how a media is doing.
	Status(id string) (Status, error)
	// Timeline returns the newest immutable snapshot of a media as far as the closed window w needs it: its observations are
	// right within w, its breaks and what was analysed everywhere. For a window that ends before it begins it needs none.
	Timeline(id string, w timeline.Span) (*timeline.Timeline, error)
	// Settled returns the position before which nothing will be revised any more; false when there is none.
	Settled(id string) (timeline.Position, bool, error)
	// PositionAt returns the position that was live at t; false when the stream tells no wall clock.
	PositionAt(id string, t time.Time) (timeline.Position, bool, error)
}

// nowhere is the window that needs no observations.
var nowhere = timeline.Span{From: 0, Until: -1}

// States of a media.
const (
	StateWaiting = "waiting" // it is outside its schedule, or the origin has no playlist yet
	StateLive    = "live"    // new segments arrive
	StateStalled = "stalled" // the playlist no longer grows or cannot be fetched
	StateEnded   = "ended"   // the playlist says that the event is over
	StateStopped = "stopped" // an operator stopped it
)

// Status is how one media is doing. Nil pointers and an empty Source mean unknown and are written as null.
type Status struct {
	Media string
	// State is one of the State constants.
	State string
	// LiveEdge is the end of the newest segment seen, AnalyzedUntil the end of what was analysed.
	LiveEdge      *timeline.Position
	AnalyzedUntil *timeline.Position
	StartedAt     *time.Time
	// Source is the source of the newest observation.
	Source string
	// Faults are the latest faults, newest first.
	Faults []Fault
}

// Fault is something that went wrong, with how often it did.
type Fault struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
}

// statusJSON is a Status as GET /v1/media/{media} shows it.
type statusJSON struct {
	Media         string             `json:"media"`
	State         string             `json:"state"`
	LiveEdge      *timeline.Position `json:"live_edge"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	StartedAt     *time.Time         `json:"started_at"`
	Source        *string            `json:"source"`
	Faults        []Fault            `json:"faults"`
}

// MarshalJSON writes the status as GET /v1/media/{media} shows it; faults are never null.
func (s Status) MarshalJSON() ([]byte, error) {
	out := statusJSON{s.Media, s.State, s.LiveEdge, s.AnalyzedUntil, s.StartedAt, nil, s.Faults}
	if s.Source != "" {
		out.Source = &s.Source
	}
	if out.Faults == nil {
		out.Faults = []Fault{}
	}
	return marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Status) UnmarshalJSON(text []byte) error {
	var in statusJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = Status{in.Media, in.State, in.LiveEdge, in.AnalyzedUntil, in.StartedAt, "", in.Faults}
	if in.Source != nil {
		s.Source = *in.Source
	}
	return nil
}

// Control starts and stops media at an operator's wish. Both are idempotent; an error wraps ErrUnknownMedia when there
// is no such media.
type Control interface {
	Start(id string) error
	Stop(id string) error
}

var (
	// ErrUnknownMedia is wrapped by the errors of Media and Control when there is no such media.
	ErrUnknownMedia = errors.New("unknown media")
	// ErrUnavailable is wrapped by the errors of Media while what it reads from does not answer.
	ErrUnavailable = errors.New("not available at the moment")
)
