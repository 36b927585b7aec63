package main

import (
	"errors"
	"testing"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// spooling is a store with a frame in its spool.
type spooling struct {
	timeline *timeline.Timeline
	oldest   timeline.Position
	spooled  bool
}

func (s spooling) Media() []string { return []string{"m"} }

func (s spooling) Timeline(media string) (*timeline.Timeline, bool) {
	return s.timeline, s.timeline != nil && media == "m"
}

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
			s := &streams{store: c.store, keptUnknown: c.kept}
			s.publish([]*stream{{pipeline: &pipeline{media: mediaConfig{ID: "m"}}}})
			if p, ok, err := s.Settled("m"); p != c.want || ok != c.ok || err != nil {
				t.Errorf("settled before %v, %v, %v; want %v, %v", p, ok, err, c.want, c.ok)
			}
			if _, _, err := s.Settled("other"); !errors.Is(err, httpapi.ErrUnknownMedia) {
				t.Errorf("an unknown media is settled: %v", err)
			}
		})
	}
}

// TestRemovedMedia: what a media has recorded is answered after it was taken out of the configuration.
func TestRemovedMedia(t *testing.T) {
	s := &streams{store: spooling{timeline: timeline.New(nil, []timeline.Span{{From: 0, Until: 100_000}})}}
	s.publish(nil)
	if ids, err := s.IDs(); err != nil || len(ids) != 1 || ids[0] != "m" {
		t.Errorf("media %v, %v", ids, err)
	}
	got, err := s.Status("m")
	if err != nil || got.State != httpapi.StateStopped || got.AnalyzedUntil == nil || *got.AnalyzedUntil != 100_000 {
		t.Errorf("status %+v, %v", got, err)
	}
	if x, err := s.Timeline("m", timeline.Span{}); err != nil || len(x.Analyzed()) != 1 {
		t.Errorf("timeline %v, %v", x, err)
	}
	if p, ok, err := s.Settled("m"); p != 40_000 || !ok || err != nil {
		t.Errorf("settled before %v, %v, %v", p, ok, err)
	}
	if _, ok, err := s.PositionAt("m", time.Now()); ok || err != nil {
		t.Errorf("position now: %v, %v", ok, err)
	}
	if err := s.Start("m"); !errors.Is(err, httpapi.ErrUnknownMedia) {
		t.Errorf("start: %v", err)
	}
	if _, err := s.Status("other"); !errors.Is(err, httpapi.ErrUnknownMedia) {
		t.Errorf("status of what never was: %v", err)
	}
	s.store = spooling{timeline: new(timeline.Timeline)}
	if _, err := s.Timeline("m", timeline.Span{}); !errors.Is(err, httpapi.ErrUnknownMedia) {
		t.Errorf("timeline of what is kept no more: %v", err)
	}
}
