package store_test

import (
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

// TestNoSinkIsToldOfWhatIsNotOnDisk holds a commit up where bbolt's readers see it already. A cloud that is told then has what the box
// may lose with its power: so it was in one of some 7,000 power cuts.
func TestNoSinkIsToldOfWhatIsNotOnDisk(t *testing.T) {
	const sink = "dynamodb"
	reads := map[string]func(s *store.Store) (waiting int, err error){
		"Pending": func(s *store.Store) (int, error) {
			list, err := s.Pending(sink, 0, 10)
			return len(list), err
		},
		"PendingSince": func(s *store.Store) (int, error) {
			list, err := s.PendingSince(sink, time.Time{}, 10)
			return len(list), err
		},
		"PendingSpans": func(s *store.Store) (int, error) {
			list, err := s.PendingSpans(sink, media)
			return len(list), err
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			s := open(t, filepath.Join(t.TempDir(), "spotter.db"), sink)
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 1000, 1)}})
			before := transaction(t, s)
			waiting := make(chan int, 1)
			err := s.PutHeld(observe(5000, 6000, 1), func() {
				if transaction(t, s) == before {
					t.Error("bbolt's readers do not see the commit: this test shows nothing")
				}
				if tl, _ := s.Timeline(media); tl.Len() != 1 {
					t.Errorf("viewers are told of %d observations, want 1", tl.Len())
				}
				go func() {
					n, err := read(s)
					if err != nil {
						t.Error(err)
					}
					waiting <- n
				}()
				select {
				case n := <-waiting:
					t.Errorf("%d entries were read before all were on disk", n)
					waiting <- n
				case <-time.After(100 * time.Millisecond):
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := <-waiting; n != 2 {
				t.Errorf("%d entries when all were on disk, want 2", n)
			}
		})
	}
}

// transaction returns the newest transaction that bbolt's readers see.
func transaction(t *testing.T, s *store.Store) (id int) {
	t.Helper()
	if err := s.View(func(tx *bolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Error(err)
	}
	return id
}
