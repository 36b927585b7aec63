// Package httpapi owns the two HTTP listeners: the viewer API with its page, which players read, and the admin API,
// which operators and their tools use.
package httpapi

import (
	"errors"
	"time"

	"spotter/timeline"
)

// Media is what the API knows of the streams. All methods may be called from many goroutines at once and must return
// without waiting for disk or network: they are on the path of every look-up.
type Media interface {
	// IDs returns the ids of all media in configured order.
	IDs() []string
	// Status tells how a media is doing; false when there is no such media.
	Status(id string) (Status, bool)
	// Timeline returns the newest immutable snapshot of a media; false when there is no such media.
	Timeline(id string) (*timeline.Timeline, bool)
	// Settled returns the position before which nothing will be revised any more; false when there is none.
	Settled(id string) (timeline.Position, bool)
	// PositionAt returns the position that was live at t; false when the stream tells no wall clock.
	PositionAt(id string, t time.Time) (timeline.Position, bool)
}

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

// MarshalJSON writes the status as GET /v1/media/{media} shows it; faults are never null.
func (s Status) MarshalJSON() ([]byte, error) {
	out := struct {
		Media         string             `json:"media"`
		State         string             `json:"state"`
		LiveEdge      *timeline.Position `json:"live_edge"`
		AnalyzedUntil *timeline.Position `json:"analyzed_until"`
		StartedAt     *time.Time         `json:"started_at"`
		Source        *string            `json:"source"`
		Faults        []Fault            `json:"faults"`
	}{s.Media, s.State, s.LiveEdge, s.AnalyzedUntil, s.StartedAt, nil, s.Faults}
	if s.Source != "" {
		out.Source = &s.Source
	}
	if out.Faults == nil {
		out.Faults = []Fault{}
	}
	return marshal(out)
}

// Control starts and stops media at an operator's wish. Both are idempotent; an error wraps ErrUnknownMedia when there
// is no such media.
type Control interface {
	Start(id string) error
	Stop(id string) error
}

// Check is one line of GET /readyz.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// ErrUnknownMedia is wrapped by a Control's errors when there is no such media.
var ErrUnknownMedia = errors.New("unknown media")
