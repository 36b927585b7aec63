package engage_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/timeline"
)

// noon is when most tests take place.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// openLedger opens a ledger that the test closes, unless it was closed before.
func openLedger(t testing.TB, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// newEngine makes an engine whose ledger is its own, unless the config has one.
func newEngine(t testing.TB, c engage.Config, instruments ...instrument.Instrument) *engage.Engine {
	t.Helper()
	if c.Ledger == nil {
		c.Ledger = openLedger(t, t.TempDir())
	}
	e, err := engage.New(c)
	if err != nil {
		t.Fatal(err)
	}
	e.UseFile(instruments)
	return e
}

// run lets the engine run until the test, or the function that is returned, ends it.
func run(t testing.TB, e *engage.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// flush lets the engine do once what Run does again and again.
func flush(t testing.TB, e *engage.Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// some returns an instrument that may be shown at any time, changed by f.
func some(id string, f ...func(*instrument.Instrument)) instrument.Instrument {
	i := instrument.Instrument{ID: id, Type: "trivia", Payload: []byte(`{}`)}
	for _, f := range f {
		f(&i)
	}
	return i
}

func perViewer(n int) func(*instrument.Instrument) {
	return func(i *instrument.Instrument) { i.Caps.PerViewer = n }
}

func total(n int) func(*instrument.Instrument) {
	return func(i *instrument.Instrument) { i.Caps.Total = n }
}

func prioritised(n int) func(*instrument.Instrument) {
	return func(i *instrument.Instrument) { i.Priority = n }
}

func aimedAt(names ...string) func(*instrument.Instrument) {
	return func(i *instrument.Instrument) { i.Targets.Any = names }
}

// look returns what a window shows in which these objects are on screen.
func look(names ...string) *timeline.Look {
	o := &timeline.Observation{Media: "cup-final", Span: timeline.Span{From: 0, Until: 60_000}, Source: timeline.SourceONNX}
	for _, n := range names {
		o.Objects = append(o.Objects, timeline.Entity{Name: n, Confidence: 90})
	}
	l := new(timeline.Look)
	timeline.New([]*timeline.Observation{o}, nil).Look(l, timeline.Span{From: 0, Until: 10_000})
	return l
}

// ask returns a question of a viewer at noon.
func ask(viewer string, f ...func(*engage.Question)) *engage.Question {
	q := &engage.Question{Media: "cup-final", Position: 5_000, Viewer: viewer, Now: noon}
	for _, f := range f {
		f(q)
	}
	return q
}

func at(t time.Time) func(*engage.Question) { return func(q *engage.Question) { q.Now = t } }

func seeing(names ...string) func(*engage.Question) {
	return func(q *engage.Question) { q.Look = look(names...) }
}

func keeping(id string) func(*engage.Question) { return func(q *engage.Question) { q.Keep = id } }

// decided returns the id of the instrument that is chosen, or "none".
func decided(e *engage.Engine, q *engage.Question) string {
	if d, ok := e.Decide(q); ok {
		return d.Instrument.ID
	}
	return "none"
}

// must decides and fails the test when nothing is chosen.
func must(t testing.TB, e *engage.Engine, q *engage.Question) engage.Decision {
	t.Helper()
	d, ok := e.Decide(q)
	if !ok {
		t.Fatal("no instrument was chosen")
	}
	return d
}

// count returns how often each instrument was chosen for each viewer, and in all, by the ledger.
func count(t testing.TB, l *ledger.Ledger) (perViewer, total map[string]int) {
	t.Helper()
	perViewer, total = make(map[string]int), make(map[string]int)
	if err := l.Replay(0, func(r *ledger.Record) error {
		if d := r.Decision; d != nil {
			id := d.Case.Arms[d.Choice].Instrument
			perViewer[fmt.Sprintf("%x %s", d.Viewer, id)]++
			total[id]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return perViewer, total
}

// logged is a log that a test reads.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
