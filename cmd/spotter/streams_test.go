package main

import (
	"errors"
	"testing"

	"spotter/httpapi"
	"spotter/timeline"
)

// spooling is a store with a frame in its spool.
type spooling struct {
	timeline *timeline.Timeline
	oldest   timeline.Position
	spooled  bool
}

func (s spooling) Timeline(string) (*timeline.Timeline, bool) { return s.timeline, s.timeline != nil }

func (s spooling) OldestSpooled(string) (timeline.Position, bool) { return s.oldest, s.spooled }

func TestSettled(t *testing.T) {
	analyzed := timeline.New(nil, []timeline.Span{{From: 0, Until: 100_000}})
	kept := func(p timeline.Position, ok bool) func(string) (timeline.Position, bool) {
		return func(string) (timeline.Position, bool) { return p, ok }
	}
	for name, c := range map[string]struct {
		store spooling
		kept  func(string) (timeline.Position, bool)
		want  timeline.Position
		ok    bool
	}{
		"nothing recorded":              {spooling{}, nil, 0, false},
		"nothing analysed":              {spooling{timeline: new(timeline.Timeline)}, nil, 0, false},
		"late answers":                  {spooling{timeline: analyzed}, nil, 40_000, true},
		"a spooled frame":               {spooling{analyzed, 10_000, true}, nil, 10_000, true},
		"a spooled frame of just now":   {spooling{analyzed, 90_000, true}, nil, 40_000, true},
		"no unknown face":               {spooling{timeline: analyzed}, kept(0, false), 40_000, true},
		"an unknown face":               {spooling{analyzed, 10_000, true}, kept(5_000, true), 5_000, true},
		"an unknown face after a frame": {spooling{analyzed, 10_000, true}, kept(15_000, true), 10_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &streams{byID: map[string]*stream{"m": nil}, store: c.store, keptUnknown: c.kept}
			if p, ok, err := s.Settled("m"); p != c.want || ok != c.ok || err != nil {
				t.Errorf("settled before %v, %v, %v; want %v, %v", p, ok, err, c.want, c.ok)
			}
			if _, _, err := s.Settled("other"); !errors.Is(err, httpapi.ErrUnknownMedia) {
				t.Errorf("an unknown media is settled: %v", err)
			}
		})
	}
}
