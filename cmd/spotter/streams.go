package main

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// answersWithin is how far behind the analysed end an answer is never replaced any more, unless a frame was spooled.
const answersWithin = timeline.Position(60_000)

// streams are all media of the box, as the HTTP API sees them: those that are configured, and after them those of which
// something is stored and that are configured no more. The set changes while it is read: publish puts another in its place.
type streams struct {
	set   atomic.Pointer[streamSet]
	store interface {
		Media() []string
		Timeline(media string) (*timeline.Timeline, bool)
		OldestSpooled(media string) (timeline.Position, bool)
	}
	// boxFaults returns the faults of the box that keep every stream from being watched; nil where there are none.
	boxFaults func() []httpapi.Fault
	// keptUnknown returns where the first unknown face of a media is kept that may still be given a name; nil where none are.
	keptUnknown func(media string) (timeline.Position, bool)
}

// streamSet are the streams that are configured, in the order of the file. It never changes.
type streamSet struct {
	order []string
	byID  map[string]*stream
}

var (
	_ httpapi.Media      = (*streams)(nil)
	_ httpapi.Timestamps = (*streams)(nil)
	_ httpapi.Control    = (*streams)(nil)
)

// publish makes these the streams that are configured.
func (s *streams) publish(list []*stream) {
	set := &streamSet{byID: make(map[string]*stream, len(list))}
	for _, x := range list {
		id := x.pipeline.media.ID
		set.order = append(set.order, id)
		set.byID[id] = x
	}
	s.set.Store(set)
}

// configured returns the streams as they are now.
func (s *streams) configured() *streamSet {
	if set := s.set.Load(); set != nil {
		return set
	}
	return new(streamSet) // before the first is published
}

// IDs implements httpapi.Media.
func (s *streams) IDs() ([]string, error) {
	set := s.configured()
	ids := slices.Clone(set.order)
	for _, id := range s.store.Media() {
		if _, ok := set.byID[id]; !ok && s.kept(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// kept reports whether something of a media can be looked up, be it configured or not.
func (s *streams) kept(id string) bool {
	t, ok := s.store.Timeline(id)
	return ok && (t.Len() > 0 || len(t.Analyzed()) > 0)
}

// stream returns a media's, which is configured.
func (s *streams) stream(id string) (*stream, error) {
	x, ok := s.configured().byID[id]
	if !ok {
		return nil, unknownMedia(id)
	}
	return x, nil
}

func unknownMedia(id string) error { return fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id) }

// Status implements httpapi.Media. What is configured no more is stopped.
func (s *streams) Status(id string) (httpapi.Status, error) {
	if x, ok := s.configured().byID[id]; ok {
		out := x.status()
		if s.boxFaults != nil {
			out.Faults = append(s.boxFaults(), out.Faults...)
		}
		return out, nil
	}
	if !s.kept(id) {
		return httpapi.Status{}, unknownMedia(id)
	}
	out := httpapi.Status{Media: id, State: httpapi.StateStopped}
	if t, ok := s.store.Timeline(id); ok {
		tellAnalyzed(&out, t)
	}
	return out, nil
}

// Timeline implements httpapi.Media: the store's snapshot is right everywhere. Of a media without observations it is empty.
func (s *streams) Timeline(id string, _ timeline.Span) (*timeline.Timeline, error) {
	t, stored := s.store.Timeline(id)
	if _, ok := s.configured().byID[id]; !ok && !s.kept(id) {
		return nil, unknownMedia(id)
	}
	if stored {
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
		if s.kept(id) { // nobody tells its wall clock any more
			err = nil
		}
		return 0, false, err
	}
	p, ok := x.positionAt(t)
	return p, ok, nil
}

// Timestamps implements httpapi.Timestamps.
func (s *streams) Timestamps(id string) (zero int64, discontinuity uint64, ok bool, err error) {
	x, err := s.stream(id)
	if err != nil {
		if s.kept(id) {
			err = nil
		}
		return 0, 0, false, err
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

// tellAnalyzed adds what a timeline says of how far the analysis came.
func tellAnalyzed(out *httpapi.Status, t *timeline.Timeline) {
	if until, ok := t.AnalyzedUntil(); ok {
		out.AnalyzedUntil = &until
	}
	if o := t.Last(); o != nil {
		out.Source = o.Source
	}
}
