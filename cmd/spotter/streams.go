package main

import (
	"fmt"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// answersWithin is how far behind the analysed end an answer is never replaced any more, unless a frame was spooled.
const answersWithin = timeline.Position(60_000)

// streams are all media of the box, as the HTTP API sees them.
type streams struct {
	order []string
	byID  map[string]*stream
	store interface {
		Timeline(media string) (*timeline.Timeline, bool)
		OldestSpooled(media string) (timeline.Position, bool)
	}
	// keptUnknown returns where the first unknown face of a media is kept that may still be given a name; nil where none are.
	keptUnknown func(media string) (timeline.Position, bool)
}

var (
	_ httpapi.Media      = (*streams)(nil)
	_ httpapi.Timestamps = (*streams)(nil)
	_ httpapi.Control    = (*streams)(nil)
)

// IDs implements httpapi.Media.
func (s *streams) IDs() ([]string, error) { return s.order, nil }

// stream returns a media's.
func (s *streams) stream(id string) (*stream, error) {
	x, ok := s.byID[id]
	if !ok {
		return nil, fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id)
	}
	return x, nil
}

// Status implements httpapi.Media.
func (s *streams) Status(id string) (httpapi.Status, error) {
	x, err := s.stream(id)
	if err != nil {
		return httpapi.Status{}, err
	}
	return x.status(), nil
}

// Timeline implements httpapi.Media: the store's snapshot is right everywhere. Of a media without observations it is empty.
func (s *streams) Timeline(id string, _ timeline.Span) (*timeline.Timeline, error) {
	if _, err := s.stream(id); err != nil {
		return nil, err
	}
	if t, ok := s.store.Timeline(id); ok {
		return t, nil
	}
	return new(timeline.Timeline), nil
}

// Settled implements httpapi.Media: the cloud's late answers come within answersWithin, and later only for frames that are
// spooled, and for faces that are kept to be named.
func (s *streams) Settled(id string) (timeline.Position, bool, error) {
	t, err := s.Timeline(id, timeline.Span{})
	if err != nil {
		return 0, false, err
	}
	before, ok := t.AnalyzedUntil()
	if !ok {
		return 0, false, nil
	}
	before -= answersWithin
	if p, ok := s.store.OldestSpooled(id); ok {
		before = min(before, p)
	}
	if s.keptUnknown != nil {
		if p, ok := s.keptUnknown(id); ok {
			before = min(before, p)
		}
	}
	return before, true, nil
}

// PositionAt implements httpapi.Media.
func (s *streams) PositionAt(id string, t time.Time) (timeline.Position, bool, error) {
	x, err := s.stream(id)
	if err != nil {
		return 0, false, err
	}
	p, ok := x.positionAt(t)
	return p, ok, nil
}

// Timestamps implements httpapi.Timestamps.
func (s *streams) Timestamps(id string) (zero int64, discontinuity uint64, ok bool, err error) {
	x, known := s.byID[id]
	if !known {
		return 0, 0, false, fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id)
	}
	zero, discontinuity, ok = x.timestamps()
	return zero, discontinuity, ok, nil
}

// Start implements httpapi.Control: a stream with a schedule runs until that next changes.
func (s *streams) Start(id string) error { return s.say(id, true) }

// Stop implements httpapi.Control: a stream with a schedule stands still until that next changes, and so until it next
// starts.
func (s *streams) Stop(id string) error { return s.say(id, false) }

func (s *streams) say(id string, run bool) error {
	x, err := s.stream(id)
	if err != nil {
		return err
	}
	x.permit.say(run)
	return nil
}
