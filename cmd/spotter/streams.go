package main

import (
	"fmt"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// streams are all media of the box, as the HTTP API sees them.
type streams struct {
	order []string
	byID  map[string]*stream
	store interface {
		Timeline(media string) (*timeline.Timeline, bool)
	}
}

var (
	_ httpapi.Media   = (*streams)(nil)
	_ httpapi.Control = (*streams)(nil)
)

// IDs implements httpapi.Media.
func (s *streams) IDs() []string { return s.order }

// Status implements httpapi.Media.
func (s *streams) Status(id string) (httpapi.Status, bool) {
	x, ok := s.byID[id]
	if !ok {
		return httpapi.Status{}, false
	}
	return x.status(), true
}

// Timeline implements httpapi.Media. Of a media without observations it is empty.
func (s *streams) Timeline(id string) (*timeline.Timeline, bool) {
	if _, ok := s.byID[id]; !ok {
		return nil, false
	}
	if t, ok := s.store.Timeline(id); ok {
		return t, true
	}
	return new(timeline.Timeline), true
}

// PositionAt implements httpapi.Media.
func (s *streams) PositionAt(id string, t time.Time) (timeline.Position, bool) {
	x, ok := s.byID[id]
	if !ok {
		return 0, false
	}
	return x.positionAt(t)
}

// Start implements httpapi.Control: a stream with a schedule runs until that next changes.
func (s *streams) Start(id string) error { return s.say(id, true) }

// Stop implements httpapi.Control: a stream with a schedule stands still until that next changes, and so until it next
// starts.
func (s *streams) Stop(id string) error { return s.say(id, false) }

func (s *streams) say(id string, run bool) error {
	x, ok := s.byID[id]
	if !ok {
		return fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id)
	}
	x.permit.say(run)
	return nil
}
