package store_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

// pendingKeys are the positions that wait for a sink, in order.
func pendingKeys(t testing.TB, s *store.Store, sink string, limit int) (keys []timeline.Position, seqs []uint64) {
	t.Helper()
	list, err := s.Pending(sink, 0, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		keys = append(keys, e.Observation.From)
		seqs = append(seqs, e.Seq)
	}
	return keys, seqs
}

func TestOutboxCoalesces(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "a", "b")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(1, 5, 1), observe(6, 9, 1), observe(-3, 0, 1)}})
	_, old := pendingKeys(t, s, "a", 1)
	revise(t, s, 1)

	keys, seqs := pendingKeys(t, s, "a", 10)
	if diff := cmp.Diff([]timeline.Position{6, -3, 1}, keys); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	// A sink that confirms the superseded entry late must still get the newer one.
	if err := s.Done("a", old...); err != nil {
		t.Fatal(err)
	}
	if n := s.Backlog("a").Entries; n != 3 {
		t.Errorf("backlog is %d after a late confirmation, want 3", n)
	}
	for range 2 { // to be told twice is harmless
		if err := s.Done("a", seqs...); err != nil {
			t.Fatal(err)
		}
	}
	if b := s.Backlog("a"); b != (store.Backlog{}) {
		t.Errorf("backlog is %+v, want none", b)
	}
	if n := s.Backlog("b").Entries; n != 3 {
		t.Errorf("the other sink's backlog is %d, want 3", n)
	}
}

func TestOutboxHoldsPruneBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "a", "b")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(1, 5, 1), observe(6, 9, 1)}})
	_, seqs := pendingKeys(t, s, "a", 1)
	if err := s.Done("a", seqs...); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(media, 100); n != 0 || err != nil {
		t.Fatalf("pruned %d, %v, while sinks wait", n, err)
	}
	if err := s.Done("b", seqs...); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(media, 100); n != 1 || err != nil {
		t.Fatalf("pruned %d, %v; want the one that both sinks have", n, err)
	}

	// A sink that is no longer named holds nothing back; named again, it skips what is gone.
	s = reopened(t, s, path)
	if n, err := s.Prune(media, 100); n != 1 || err != nil {
		t.Fatalf("pruned %d, %v; want 1", n, err)
	}
	s = reopened(t, s, path, "a")
	if n := s.Backlog("a").Entries; n != 1 {
		t.Errorf("backlog is %d before the first look, want 1", n)
	}
	if keys, _ := pendingKeys(t, s, "a", 10); keys != nil {
		t.Errorf("pending %v of pruned observations", keys)
	}
	if n := s.Backlog("a").Entries; n != 0 {
		t.Errorf("backlog is %d, want 0", n)
	}
}

func TestOutboxSignals(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "a")
	signalled := func() bool {
		select {
		case <-s.Changed("a"):
			return true
		default:
			return false
		}
	}
	observations := func(list ...*timeline.Observation) func() {
		return func() { record(t, s, store.Batch{Media: media, Observations: list}) }
	}
	for _, step := range []struct {
		name string
		do   func()
		want bool
	}{
		{"spans only", func() { record(t, s, store.Batch{Media: media, Analyzed: spans(0, 5)}) }, false},
		{"new", observations(lasting(0, 5)), true},
		{"longer", observations(lasting(0, 9)), true},
		{"no longer", observations(lasting(0, 9)), false},
		{"revised", func() { revise(t, s, 0) }, true},
		{"ended", observations(observe(0, 9, 1)), true},
		{"ended again", observations(observe(0, 9, 1)), false},
	} {
		step.do()
		if got := signalled(); got != step.want {
			t.Errorf("%s: signalled %v, want %v", step.name, got, step.want)
		}
	}
}

func TestOutboxTellsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "a")
		start := time.Now()
		for i := range timeline.Position(3) {
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(i, i+1, 1)}})
			<-time.After(time.Minute)
		}
		if b := s.Backlog("a"); b.Entries != 3 || !b.Oldest.Equal(start) {
			t.Errorf("backlog is %+v, want 3 since %v", b, start)
		}
	})
}

func TestOutboxUnknownSink(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "a")
	if _, err := s.Pending("b", 0, 1); err == nil {
		t.Error("pending of an unknown sink is no error")
	}
	if err := s.Done("b"); err == nil {
		t.Error("done for an unknown sink is no error")
	}
	if n := s.Backlog("b").Entries; n != 0 || s.Changed("b") != nil {
		t.Error("an unknown sink has a backlog or a signal")
	}
}
