package store_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store"
)

// TestBacklogAfterClockWasPutBack has what waits be queued later than now, as it seems: it waits for no time, and not for less.
func TestBacklogAfterClockWasPutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSinks(t, path, 0, topicSink)
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(4)}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // whose time begins in the year 2000
		s := openSinks(t, path, 0, topicSink)
		if b := s.Backlog("sns"); b.Entries != 1 || time.Since(b.Oldest) < 0 {
			t.Errorf("%d entries wait, for %v", b.Entries, time.Since(b.Oldest))
		}
	})
}
