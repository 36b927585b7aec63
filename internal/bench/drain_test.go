//go:build bench

package bench_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"spotter/internal/scorecard/record"
	"spotter/store"
	"spotter/sync/outbox"
)

const drainSink = "dynamodb"

// TestDrain prints how fast the outbox empties after hours without a cloud: into one that takes all at once, which shows the
// box's own pace, and into one that takes 10 ms for each. Run it with
//
//	go test -tags bench -v -run TestDrain ./internal/bench
func TestDrain(t *testing.T) {
	const workers = 16 // as many as the program has
	entries := record.Rounds(72*3600/5, 3600)
	rounds := record.Rounds(3, 1)
	for _, tt := range []struct {
		name string
		late time.Duration
	}{
		{"a cloud that takes all at once", 0},
		{"a cloud that takes 10 ms for each, 16 under way", 10 * time.Millisecond},
	} {
		var paces []float64
		for range rounds {
			paces = append(paces, drained(t, entries, workers, tt.late))
		}
		fmt.Printf("outbox into %s: %s\n", tt.name, spread(slices.Clone(paces), "%.0f entries/s"))
		record.Add(t, record.Measurement{Group: "Outbox, after an outage", Name: tt.name, Unit: "entries/s", Values: paces})
	}
}

// drained returns how many entries a second the outbox gives away.
func drained(t *testing.T, entries, workers int, late time.Duration) float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter.db")
	fillStore(t, path, viewerMedia, entries)
	s := openStore(t, path)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var taken atomic.Int64
	all := make(chan struct{})
	d := &outbox.Drainer{Sink: drainSink, Store: s, Workers: workers, Put: func(context.Context, store.Entry) error {
		time.Sleep(late)
		if taken.Add(1) == int64(entries) {
			close(all)
		}
		return nil
	}}
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- d.Run(ctx) }()
	select {
	case <-all:
	case <-time.After(10 * time.Minute):
		t.Errorf("%d of %d entries were taken", taken.Load(), entries)
	}
	took := time.Since(began).Seconds()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return float64(taken.Load()) / took
}
