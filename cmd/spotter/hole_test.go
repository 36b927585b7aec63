package main

import (
	"image"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
)

// TestStreamGoesOnAfterItsEnd has a playlist end by mistake: the scene that goes on is one that begins.
func TestStreamGoesOnAfterItsEnd(t *testing.T) {
	d := &decoding{gate: vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second}), steps: make(chan step, 8)}
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 8)
	}
	d.gate.Admit(t.Context(), 0, m)
	d.gate.Admit(t.Context(), 1000, m)
	if err := d.over(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.gate.Admit(t.Context(), 2000, m)
	if v := d.gate.Verdict(); !v.Begins {
		t.Errorf("%+v", v)
	}
}

// TestSceneDoesNotSpanAHole has a segment that is analysed already between two that are not.
func TestSceneDoesNotSpanAHole(t *testing.T) {
	r := rig(t, vision.LocalOnly, nil, tells(timeline.SourceClassic), nil)
	if err := r.store.Record(store.Batch{Media: "m", Analyzed: []timeline.Span{{From: 4000, Until: 8000}}}); err != nil {
		t.Fatal(err)
	}
	d := &decoding{pipeline: r.pipeline, gate: r.gate, planner: capture.NewPlanner(time.Second), steps: make(chan step, 8)}
	s := segment(4000, 8000)
	if err := d.segment(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	next := segment(8000, 12_000)
	next.Video = new(container.Video)
	func() {
		defer func() { _ = recover() }() // there is no decoder
		_ = d.segment(t.Context(), next)
	}()
	if !next.Jump {
		t.Error("the segment behind the hole goes on with the scene before it")
	}
}
