package mediatest

import (
	"fmt"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// Box is the backend as one box is it: all there is lies in memory. Its fields may be changed between two questions.
type Box struct {
	Order     []string
	Timelines map[string]*timeline.Timeline
	Statuses  map[string]httpapi.Status
	Before    map[string]timeline.Position // what Settled answers
	// Zero is the wall-clock time of position 0; without one the streams tell no time.
	Zero time.Time
}

var _ httpapi.Media = (*Box)(nil)

// NewBox returns a box that shows the events; the first's Zero is that of all.
func NewBox(events ...Event) *Box {
	b := &Box{
		Timelines: make(map[string]*timeline.Timeline), Statuses: make(map[string]httpapi.Status), Before: make(map[string]timeline.Position),
		Zero: events[0].Zero,
	}
	for _, e := range events {
		id := e.Status.Media
		b.Order = append(b.Order, id)
		b.Timelines[id], b.Statuses[id] = e.Timeline, e.Status
		if e.Settled != nil {
			b.Before[id] = *e.Settled
		}
	}
	return b
}

// IDs implements httpapi.Media.
func (b *Box) IDs() ([]string, error) { return b.Order, nil }

// Status implements httpapi.Media.
func (b *Box) Status(id string) (httpapi.Status, error) {
	s, ok := b.Statuses[id]
	if !ok {
		return s, unknown(id)
	}
	return s, nil
}

// Timeline implements httpapi.Media.
func (b *Box) Timeline(id string, _ timeline.Span) (*timeline.Timeline, error) {
	t, ok := b.Timelines[id]
	if !ok {
		return nil, unknown(id)
	}
	return t, nil
}

// Settled implements httpapi.Media.
func (b *Box) Settled(id string) (timeline.Position, bool, error) {
	if _, ok := b.Timelines[id]; !ok {
		return 0, false, unknown(id)
	}
	p, ok := b.Before[id]
	return p, ok, nil
}

// PositionAt implements httpapi.Media.
func (b *Box) PositionAt(id string, t time.Time) (timeline.Position, bool, error) {
	if _, ok := b.Timelines[id]; !ok {
		return 0, false, unknown(id)
	}
	if b.Zero.IsZero() {
		return 0, false, nil
	}
	return timeline.FromDuration(t.Sub(b.Zero)), true, nil
}

func unknown(id string) error { return fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id) }
