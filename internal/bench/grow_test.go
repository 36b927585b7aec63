//go:build bench

package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"spotter/internal/scorecard/record"
	"spotter/store"
	"spotter/timeline"
)

// TestGrowObservations prints what an event of more and more observations takes in memory and a look-up in it. Run it with
//
//	go test -tags bench -v -timeout 30m -run GrowObservations ./internal/bench
func TestGrowObservations(t *testing.T) {
	const (
		group = record.Growth + "observations"
		note  = "A look-up searches by halves, so it grows with the logarithm, and by a step where the event no longer fits the CPU's caches."
		index = "The snapshot's index, an entry for each block of scenes, is copied, so that readers need no lock."
	)
	numbers := []int{1e4, 1e5, 1e6, 1e7}
	if record.Quick() {
		numbers = []int{1e4, 1e6}
	}
	rounds := record.Rounds(3, 1)
	for _, n := range numbers {
		before := heap()
		// Scenes share their entities, as those that the store reads do once the timeline has made them one.
		tl := timeline.New(sharedEvent(n), []timeline.Span{{From: 0, Until: timeline.Position(n) * viewerScene}})
		took := float64(max(0, heap()-before))
		var looks, withs []float64
		for range rounds {
			looks = append(looks, float64(testing.Benchmark(func(b *testing.B) { look(b, tl) }).NsPerOp()))
			withs = append(withs, float64(testing.Benchmark(func(b *testing.B) { with(b, tl, n) }).NsPerOp())/1e3)
		}
		fmt.Printf("%d observations: look-up %s, one more %s, %.0f MB\n", n, spread(slices.Clone(looks), "%.0f ns"), spread(slices.Clone(withs), "%.1f us"), took/1e6)
		for _, m := range []record.Measurement{
			{Name: "look-up of 15 s, in process", Unit: "ns", Values: looks, Note: note},
			{Name: "one more observation in the snapshot", Unit: "us", Values: withs, Note: index},
			{Name: "memory", Unit: "MB", Values: []float64{took / 1e6}},
		} {
			m.Group, m.Axis, m.X = group, "observations", float64(n)
			record.Add(t, m)
		}
		runtime.KeepAlive(tl)
	}
}

// sharedEvent is busyEvent with the entities of its first scenes over and over: those repeat after as many.
func sharedEvent(n int) []*timeline.Observation {
	const period = 200 // of busyEvent's 40 people and 25 objects
	different := busyEvent(period)
	scenes, list := make([]timeline.Observation, n), make([]*timeline.Observation, n)
	for i := range list {
		scenes[i] = *different[i%period]
		from := timeline.Position(i) * viewerScene
		scenes[i].Span = timeline.Span{From: from, Until: from + viewerScene}
		list[i] = &scenes[i]
	}
	return list
}

// with adds the newest scene to a timeline of n.
func with(b *testing.B, tl *timeline.Timeline, n int) {
	from := timeline.Position(n) * viewerScene
	next := *busyEvent(1)[0]
	next.Span = timeline.Span{From: from, Until: from + viewerScene}
	for b.Loop() {
		tl.With([]*timeline.Observation{&next}, nil)
	}
}

func heap() int64 {
	runtime.GC() // twice, for what finalizers and pools held
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestGrowEvent prints what events of 1, 12 and 72 h on disk take: the file, the time to open it, and one more observation. Run
// it with
//
//	go test -tags bench -v -run GrowEvent ./internal/bench
func TestGrowEvent(t *testing.T) {
	const (
		group = record.Growth + "the length of an event"
		note  = "All of an event is read at the start, so that is in proportion."
		pages = "It writes the same few pages whatever came before, and waits for the disk."
	)
	rounds := record.Rounds(5, 2)
	for _, hours := range []int{1, 12, 72} {
		n := hours * 3600 * 1000 / int(viewerScene)
		path := filepath.Join(t.TempDir(), "spotter.db")
		fillStore(t, path, viewerMedia, n)
		var opened, recorded []float64
		for round := range rounds {
			began := time.Now()
			s := openStore(t, path)
			opened = append(opened, time.Since(began).Seconds())
			recorded = append(recorded, recordSome(t, s, n+round*recordings))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		size, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%d h: open %s, one more %s, file %.1f MB\n", hours, spread(slices.Clone(opened), "%.3f s"), spread(slices.Clone(recorded), "%.2f ms"), float64(size.Size())/1e6)
		for _, m := range []record.Measurement{
			{Name: "from opening the database to look-ups", Unit: "s", Values: opened, Note: note},
			{Name: "one more observation, on disk", Unit: "ms", Values: recorded, Note: pages},
			{Name: "database file", Unit: "MB", Values: []float64{float64(size.Size()) / 1e6}},
		} {
			m.Group, m.Axis, m.X = group, "hours", float64(hours)
			record.Add(t, m)
		}
	}
}

// recordings is how many observations recordSome records.
const recordings = 50

// recordSome records observations one by one after the first n, and returns the median in milliseconds.
func recordSome(t *testing.T, s *store.Store, n int) float64 {
	t.Helper()
	var took []float64
	for i := range recordings {
		o := busyEvent(1)[0]
		from := timeline.Position(n+i) * viewerScene
		o.Span = timeline.Span{From: from, Until: from + viewerScene}
		began := time.Now()
		if err := s.Record(store.Batch{Media: viewerMedia, Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span}}); err != nil {
			t.Fatal(err)
		}
		took = append(took, float64(time.Since(began))/1e6)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// openStore opens a database whose observations wait for a sink, as they do in a box that copies them.
func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{Sinks: []store.Sink{{Name: drainSink}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fillStore makes a database of busy scenes.
func fillStore(t *testing.T, path, media string, observations int) {
	t.Helper()
	s := openStore(t, path)
	const batch = 1000
	list := busyEvent(observations)
	for _, o := range list {
		o.Media = media
	}
	for part := range slices.Chunk(list, batch) {
		b := store.Batch{Media: media, Observations: part, Analyzed: []timeline.Span{{From: part[0].From, Until: part[len(part)-1].Until}}}
		if err := s.Record(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
