package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

var errAway = errors.New("the sink is away")

// cloud is a sink that keeps the highest revision, as the real ones do, and fails on demand.
type cloud struct {
	mu     sync.Mutex
	rows   map[timeline.Position]int
	puts   int
	refuse func(o *timeline.Observation) error
}

func (c *cloud) put(_ context.Context, o *timeline.Observation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts++
	if c.refuse != nil {
		if err := c.refuse(o); err != nil {
			return err
		}
	}
	c.rows[o.From] = max(c.rows[o.From], o.Revision)
	return nil
}

// mend ends the refusals.
func (c *cloud) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = nil
}

func observe(from timeline.Position) *timeline.Observation {
	return &timeline.Observation{Media: "m", Span: timeline.Span{From: from, Until: from + 1}}
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

// start runs a drainer of a new store; stop ends it and fails the test on an error.
func start(t *testing.T, c *cloud, before ...*timeline.Observation) (s *store.Store, stop func()) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "spotter.db"), store.Options{Sinks: []string{"cloud"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	record(t, s, before...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- (&outbox.Drainer{Sink: "cloud", Store: s, Put: c.put}).Run(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// check compares the sink with the store, which has sent all.
func check(t *testing.T, s *store.Store, c *cloud) {
	t.Helper()
	tl, _ := s.Timeline("m")
	for _, o := range tl.Within(timeline.Span{From: -1, Until: timeline.MaxPosition}) {
		if c.rows[o.From] != o.Revision {
			t.Errorf("at %v the sink has revision %d, want %d", o.From, c.rows[o.From], o.Revision)
		}
	}
	if n, _ := s.Backlog("cloud"); n != 0 || len(c.rows) != tl.Len() {
		t.Errorf("%d wait, the sink has %d of %d", n, len(c.rows), tl.Len())
	}
}

func TestDrainBacklogThenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{rows: make(map[timeline.Position]int)}
		var backlog []*timeline.Observation
		for p := range timeline.Position(250) {
			backlog = append(backlog, observe(p))
		}
		s, stop := start(t, c, backlog...)
		synctest.Wait()
		check(t, s, c)
		record(t, s, observe(1000))
		revise(t, s, 3)
		synctest.Wait()
		check(t, s, c)
		if c.puts != 252 {
			t.Errorf("%d puts, want 252", c.puts)
		}
		stop()
	})
}

func TestDrainOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{rows: make(map[timeline.Position]int), refuse: func(*timeline.Observation) error { return errAway }}
		s, stop := start(t, c)
		defer stop()
		const hours = 3
		for p := range timeline.Position(hours * 60) {
			record(t, s, observe(p))
			<-time.After(time.Minute)
		}
		synctest.Wait()
		if n, oldest := s.Backlog("cloud"); n != hours*60 || time.Since(oldest) != hours*time.Hour {
			t.Errorf("%d wait for %v", n, time.Since(oldest))
		}
		if most := hours*60*4 + 30; c.puts > most || c.puts < most/2 {
			t.Errorf("%d puts in %d hours without a cloud, want some four a minute", c.puts, hours)
		}
		c.mend()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		check(t, s, c)
	})
}

func TestDrainRefusedEntryHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{rows: make(map[timeline.Position]int), refuse: func(o *timeline.Observation) error {
			if o.From == 0 {
				return errors.New("never")
			}
			return nil
		}}
		s, stop := start(t, c, observe(0))
		defer stop()
		for p := range timeline.Position(50) {
			record(t, s, observe(1+p))
			<-time.After(3 * time.Second)
		}
		<-time.After(5 * time.Minute)
		synctest.Wait()
		if n, _ := s.Backlog("cloud"); n != 1 || len(c.rows) != 50 {
			t.Errorf("%d wait, the sink has %d; want all but the refused one", n, len(c.rows))
		}
	})
}

// TestDrainSimulation revises at random while the sink fails at random and the drainer is stopped and started.
func TestDrainSimulation(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 0))
				sink := rand.New(rand.NewPCG(seed, 1))
				c := &cloud{rows: make(map[timeline.Position]int)}
				c.refuse = func(*timeline.Observation) error {
					if sink.IntN(2) == 0 {
						return errAway
					}
					return nil
				}
				s, stop := start(t, c)
				for range 150 {
					from := timeline.Position(rng.IntN(60))
					record(t, s, observe(from)) // changes nothing where it is recorded
					if rng.IntN(2) == 0 {
						revise(t, s, from)
					}
					if rng.IntN(3) == 0 {
						<-time.After(time.Duration(rng.IntN(5)) * time.Second)
					}
					if rng.IntN(20) == 0 {
						stop()
						ctx, cancel := context.WithCancel(context.Background())
						done := make(chan error)
						go func() { done <- (&outbox.Drainer{Sink: "cloud", Store: s, Put: c.put}).Run(ctx) }()
						stop = func() { cancel(); <-done }
					}
				}
				synctest.Wait()
				c.mend()
				<-time.After(3 * time.Minute)
				synctest.Wait()
				check(t, s, c)
				stop()
			})
		})
	}
}

// broken is a store whose file cannot be read.
type broken struct{}

func (broken) Pending(string, int) ([]store.Entry, error) { return nil, store.ErrCorrupt }
func (broken) Done(string, ...uint64) error               { return nil }
func (broken) Changed(string) <-chan struct{}             { return nil }

func TestDrainReportsStore(t *testing.T) {
	err := (&outbox.Drainer{Sink: "cloud", Store: broken{}}).Run(context.Background())
	if !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("error %v, want the store's", err)
	}
}

func TestDrainStopsWithinRound(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "spotter.db"), store.Options{Sinks: []string{"cloud"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	record(t, s, observe(1), observe(2), observe(3))
	ctx, cancel := context.WithCancel(context.Background())
	var sent []timeline.Position
	err = (&outbox.Drainer{Sink: "cloud", Store: s, Put: func(ctx context.Context, o *timeline.Observation) error {
		sent = append(sent, o.From)
		if o.From == 2 {
			cancel()
			return ctx.Err()
		}
		return nil
	}}).Run(ctx)
	if n, _ := s.Backlog("cloud"); err != nil || n != 2 || !slices.Equal(sent, []timeline.Position{1, 2}) {
		t.Errorf("sent %v, %d wait, %v; want the first one sent and cleared", sent, n, err)
	}
}
