package outbox_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

var (
	errAway      = awsfault.New(awsfault.Away, "the sink is away", "")
	errThrottled = awsfault.New(awsfault.Throttled, "the sink is asked too fast", "")
	errRefused   = awsfault.New(awsfault.Refused, "the sink refuses this entry", "")
	errDenied    = awsfault.New(awsfault.Denied, "the sink takes nothing", "allow it")
)

// cloud is a sink that keeps what is newest of each key, as the real ones do, and fails on demand.
type cloud struct {
	mu      sync.Mutex
	rows    map[timeline.Position]*timeline.Observation
	sent    []timeline.Position // one for each put, in order of their beginning
	times   []time.Time         // of sent
	refuse  func(o *timeline.Observation) error
	latency time.Duration
	flying  int
	most    int // puts at once
}

func newCloud() *cloud { return &cloud{rows: make(map[timeline.Position]*timeline.Observation)} }

func (c *cloud) put(_ context.Context, e store.Entry) error {
	o := e.Observation
	c.mu.Lock()
	c.sent, c.times = append(c.sent, o.From), append(c.times, time.Now())
	c.flying++
	c.most = max(c.most, c.flying)
	latency := c.latency
	c.mu.Unlock()
	if latency > 0 {
		<-time.After(latency)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying--
	if c.refuse != nil {
		if err := c.refuse(o); err != nil {
			return err
		}
	}
	if newer(c.rows[o.From], o) {
		c.rows[o.From] = o
	}
	return nil
}

// newer is the condition of a write: there is none, a lower revision, or the same one of a scene that has lasted since.
func newer(there, o *timeline.Observation) bool {
	return there == nil || cmp.Or(cmp.Compare(there.Revision, o.Revision), cmp.Compare(there.Until, o.Until)) < 0
}

// fails makes every put fail; nil mends the cloud.
func (c *cloud) fails(err error) {
	c.failsFor(func(*timeline.Observation) error { return err })
}

func (c *cloud) failsFor(refuse func(o *timeline.Observation) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = refuse
}

// puts returns how many puts there were, and forgets them.
func (c *cloud) puts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.sent)
	c.sent, c.times = nil, nil
	return n
}

// has reports whether the sink has an observation.
func (c *cloud) has(from timeline.Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rows[from] != nil
}

// slows makes every put last so long, and forgets how many there were at once.
func (c *cloud) slows(latency time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latency, c.most = latency, c.flying
}

// putsOf returns how many puts of an observation there were.
func (c *cloud) putsOf(from timeline.Position) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.sent {
		if p == from {
			n++
		}
	}
	return n
}

func observe(from timeline.Position) *timeline.Observation {
	return &timeline.Observation{Media: "m", Span: timeline.Span{From: from, Until: from + 1}}
}

func observations(from, n int) (list []*timeline.Observation) {
	for i := range n {
		list = append(list, observe(timeline.Position(from+i)))
	}
	return list
}

func record(t *testing.T, s *store.Store, list ...*timeline.Observation) {
	t.Helper()
	if err := s.Record(store.Batch{Media: "m", Observations: list}); err != nil {
		t.Fatal(err)
	}
}

// revise makes the next revision of the observation at from.
func revise(t *testing.T, s *store.Store, from timeline.Position) {
	t.Helper()
	if found, err := s.Revise("m", from, func(*timeline.Observation) bool { return true }); !found || err != nil {
		t.Fatalf("found %v, %v", found, err)
	}
}

// folder returns a new folder, in memory where that is possible: what these tests wait for is no disk.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spotter-outbox-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{Sinks: []store.Sink{{Name: "cloud"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// box is a new store and a drainer of it.
type box struct {
	*outbox.Drainer
	s *store.Store
	// faults are what OnFault heard; to be read when the drainer waits.
	faults []awsfault.Kind
}

func newBox(t *testing.T, c *cloud, before ...*timeline.Observation) *box {
	t.Helper()
	s := open(t, filepath.Join(folder(t), "spotter.db"))
	t.Cleanup(func() { s.Close() })
	record(t, s, before...)
	b := &box{s: s}
	b.Drainer = &outbox.Drainer{Sink: "cloud", Store: s, Put: c.put, Workers: 8, OnFault: func(err error) {
		b.faults = append(b.faults, awsfault.KindOf(err))
	}}
	return b
}

// start runs the drainer; stop ends it and fails the test on an error.
func (b *box) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// check compares the sink with the store, which has sent all it will. It is for a bubble.
func (b *box) check(t *testing.T, c *cloud) {
	t.Helper()
	synctest.Wait()
	tl, _ := b.s.Timeline("m")
	want := tl.Within(timeline.Span{From: -1, Until: timeline.MaxPosition})
	got := make([]*timeline.Observation, 0, len(c.rows))
	for _, o := range c.rows {
		got = append(got, o)
	}
	slices.SortFunc(got, func(a, b *timeline.Observation) int { return cmp.Compare(a.From, b.From) })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("the sink (-want +got):\n%s", diff)
	}
	b.waits(t, 0)
}

// waits fails the test unless n entries are in the outbox.
func (b *box) waits(t *testing.T, n int) {
	t.Helper()
	if got := b.s.Backlog("cloud").Entries; got != n {
		t.Errorf("%d entries wait, want %d", got, n)
	}
}
