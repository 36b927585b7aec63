package store_test

import (
	"path/filepath"
	"testing"

	"spotter/store"
	"spotter/timeline"
)

// BenchmarkRecord is a live batch of one observation, on disk when it returns, into timelines of two sizes.
func BenchmarkRecord(b *testing.B) {
	for name, n := range map[string]timeline.Position{"empty": 0, "22000": 22_000} {
		b.Run(name, func(b *testing.B) {
			s := filled(b, filepath.Join(b.TempDir(), "spotter.db"), n)
			b.ReportAllocs()
			for p := n; b.Loop(); p++ {
				o := observe(p*2000, p*2000+2000, 1)
				record(b, s, store.Batch{Media: media, Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span}})
			}
		})
	}
}

// BenchmarkOpen reads a file of an event's 200,000 observations.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "spotter.db")
	if err := filled(b, path, 200_000).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, path)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func filled(b *testing.B, path string, n timeline.Position) *store.Store {
	s := open(b, path, "dynamodb")
	batch := store.Batch{Media: media}
	for p := range n {
		batch.Observations = append(batch.Observations, observe(p*2000, p*2000+2000, 1))
	}
	record(b, s, batch)
	return s
}

// TestTimelineAllocatesNothing holds the path of viewers' look-ups to what Timeline promises.
func TestTimelineAllocatesNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1)}})
	if n := testing.AllocsPerRun(100, func() { s.Timeline(media) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
