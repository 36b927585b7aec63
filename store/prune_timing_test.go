package store_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// TestPruneLetsRecordThrough prunes a quarter of a million observations while others are recorded: go test ./store -run PruneLets -v
// prints how long those took.
func TestPruneLetsRecordThrough(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	const n = timeline.Position(250_000)
	for p := timeline.Position(0); p < n; p += 50_000 {
		var b store.Batch
		for q := p; q < p+50_000; q++ {
			b.Observations = append(b.Observations, observe(q*1000, q*1000+1000, 1))
		}
		b.Media, b.Analyzed = media, spans(p*1000, (p+50_000)*1000)
		record(t, s, b)
	}
	var pruning sync.WaitGroup
	done := make(chan struct{})
	pruning.Go(func() {
		defer close(done)
		if dropped, err := s.Prune(media, n/2*1000); err != nil || dropped != int(n/2) {
			t.Error(dropped, err)
		}
	})
	var took []time.Duration
	for p, over := n, false; !over; p++ {
		begin := time.Now()
		record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(p*1000, p*1000+1000, 1)}, Analyzed: spans(p*1000, p*1000+1000)})
		took = append(took, time.Since(begin))
		select {
		case <-done:
			over = true
		default:
		}
	}
	pruning.Wait()
	slices.Sort(took)
	worst := took[len(took)-1]
	t.Logf("%d recorded meanwhile: median %v, worst %v", len(took), took[len(took)/2], worst)
	if worst > time.Second {
		t.Errorf("one took %v", worst)
	}
}
