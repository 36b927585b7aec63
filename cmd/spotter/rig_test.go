package main

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/capture"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
)

// recognizeFunc is a vision.Recognizer.
type recognizeFunc func(ctx context.Context, p vision.Picture) (vision.Answer, error)

func (f recognizeFunc) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	return f(ctx, p)
}

var errCloud = errors.New("cloud is down")

func broken(context.Context, vision.Picture) (vision.Answer, error) {
	return vision.Answer{}, errCloud
}

func tells(source string, celebrities ...string) recognizeFunc {
	return func(context.Context, vision.Picture) (vision.Answer, error) {
		return vision.Answer{Source: source, Celebrities: entities(celebrities...), Objects: entities(source)}, nil
	}
}

func entities(names ...string) (out []timeline.Entity) {
	for _, n := range names {
		out = append(out, timeline.Entity{Name: n, Confidence: 90})
	}
	return out
}

// rigged is the observing side of one stream, over a real store.
type rigged struct {
	*observing
	t     *testing.T
	store *store.Store
	ctx   context.Context
}

func rig(t *testing.T, mode vision.Mode, cloud, local vision.Recognizer, faces *vision.Identities) *rigged {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{SpoolBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := &recognizers{mode: mode, local: timeline.SourceClassic, findsFaces: faces != nil}
	if mode == vision.CloudOnly {
		r.local = ""
	}
	if err := r.openAskersFor(cloud, local, vision.AskOptions{Deadline: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.asker.Close)
	metrics := newMeters(prometheus.NewRegistry()).stream("m")
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	p := &pipeline{
		media: mediaConfig{ID: "m", SampleInterval: time.Second}, maxScene: 30 * time.Second, recognizers: r, recorder: s, upgrades: new(upgrades),
		metrics: metrics, faults: newFaultLog(log, metrics.fault), log: log,
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	o := &observing{pipeline: p, gate: vision.NewGate(vision.GateOptions{MaxScene: p.maxScene}), asking: newAsking(p, faces)}
	return &rigged{observing: o, t: t, store: s, ctx: ctx}
}

// openAskersFor is openAskers without Rekognition.
func (r *recognizers) openAskersFor(cloud, local vision.Recognizer, o vision.AskOptions) (err error) {
	if r.mode.UsesCloud() {
		o = live(r.mode, o)
	}
	r.asker, err = vision.NewAsker(r.mode, cloud, local, o)
	return err
}

func (r *rigged) do(steps ...step) {
	r.t.Helper()
	for _, x := range steps {
		if err := r.step(r.ctx, x); err != nil {
			r.t.Fatal(err)
		}
	}
}

func segment(from, until timeline.Position) *capture.Segment {
	return &capture.Segment{Span: timeline.Span{From: from, Until: until}}
}

func picture() *vision.Picture {
	return &vision.Picture{Small: image.NewRGBA(image.Rect(0, 0, 64, 36)), JPEG: make([]byte, 1<<10), Width: 64, Height: 36}
}

// asked is a look at a picture that is worth asking about.
func asked(at timeline.Position, scene int, begins bool) step {
	return step{look: &look{verdict: vision.Verdict{At: at, Scene: scene, Begins: begins, Ask: vision.WantAll, Due: !begins}, picture: picture()}}
}

// seen is a look at a scene that needs no asking.
func seen(at timeline.Position, scene int, begins bool) step {
	return step{look: &look{verdict: vision.Verdict{At: at, Scene: scene, Begins: begins}}}
}

func (r *rigged) at(from timeline.Position) *timeline.Observation {
	all, ok := r.store.Timeline("m")
	if !ok {
		return nil
	}
	for _, o := range all.Within(timeline.Span{From: from, Until: from}) {
		if o.From == from {
			return o
		}
	}
	return nil
}

// spool runs a spooler that asks cloud, until the test ends.
func (r *rigged) spool(cloud vision.Recognizer) {
	asker, err := vision.NewAsker(vision.CloudOnly, cloud, nil, vision.AskOptions{Deadline: time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	s := &spooler{store: r.store, asker: asker, upgrades: r.upgrades, metrics: newMeters(prometheus.NewRegistry()), log: r.log}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-done; asker.Close() })
}

func within(t *testing.T, what string, d time.Duration, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

func (r *rigged) source(from timeline.Position) string {
	if o := r.at(from); o != nil {
		return o.Source
	}
	return ""
}
