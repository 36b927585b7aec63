package store_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"spotter/store"
	"spotter/timeline"
)

// TestSnapshotUnderWrites copies a store again and again while it is written: each copy is one moment's.
func TestSnapshotUnderWrites(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "dynamodb")
	var writing sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(func() {
		for p := timeline.Position(0); ; p++ {
			select {
			case <-stop:
				return
			default:
			}
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(p*1000, p*1000+1000, 1)}, Analyzed: spans(p*1000, p*1000+1000)})
			if p%50 == 49 {
				if _, err := s.Prune(media, (p-30)*1000); err != nil {
					t.Error(err)
				}
			}
		}
	})
	defer func() {
		close(stop)
		writing.Wait()
	}()
	last := timeline.Position(-1)
	for range 12 {
		for newest := last; newest <= last; { // until something was recorded since
			if tl, ok := s.Timeline(media); ok && tl.Last() != nil {
				newest = tl.Last().From
			}
		}
		last = checkCopy(t, s, last)
	}
}

// checkCopy makes a copy and returns the newest observation in it.
func checkCopy(t *testing.T, s *store.Store, before timeline.Position) timeline.Position {
	t.Helper()
	var copied bytes.Buffer
	size := int64(0)
	if err := s.Snapshot(func(n int64) (io.Writer, error) { size = n; return &copied, nil }); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil || int64(copied.Len()) != size {
		t.Fatalf("%d bytes, announced %d, %v", copied.Len(), size, err)
	}
	if err := store.Check(path); err != nil {
		t.Fatal(err)
	}
	c := open(t, path, "dynamodb")
	tl, ok := c.Timeline(media)
	if !ok || tl.Last().From <= before || !tl.Complete(tl.Last().Span) {
		t.Fatalf("the copy ends at %v, the one before at %v", tl.Last(), before)
	}
	return tl.Last().From
}

func TestSnapshotIsStopped(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	gone := errors.New("the reader is gone")
	err := s.Snapshot(func(int64) (io.Writer, error) { return nil, gone })
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	record(t, s, store.Batch{Media: media, Analyzed: spans(0, 1)})
}

func TestCompact(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 160 MiB")
	}
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSinks(t, path, 0, store.Sink{Name: "s3", Kind: store.Frames})
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 1000, 1)}, Analyzed: spans(0, 1000)})
	big := store.Frame{Media: media, JPEG: bytes.Repeat([]byte{1}, 1<<20)}
	for i := range timeline.Position(160) {
		big.At = i
		record(t, s, store.Batch{Media: media, Frames: []store.Frame{big}})
	}
	if freed, err := store.Compact(path, 1<<40); err == nil || freed != 0 {
		t.Errorf("an open store: %d freed, %v", freed, err)
	}
	for range 40 {
		list, err := s.Pending("s3", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if err := s.Done("s3", e.Seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if freed, err := store.Compact(path, 0); err != nil || freed != 0 {
		t.Errorf("without room: %d freed, %v", freed, err)
	}
	freed, err := store.Compact(path, 1<<40)
	after, serr := os.Stat(path)
	if err != nil || serr != nil || freed < 100<<20 || before.Size()-after.Size() != freed || after.Mode() != 0o600 {
		t.Errorf("%d freed of %d, %v, %v", freed, before.Size(), err, serr)
	}
	if freed, err := store.Compact(path, 1<<40); err != nil || freed != 0 {
		t.Errorf("again: %d freed, %v", freed, err)
	}
	check(t, path)
	s = openSinks(t, path, 0, store.Sink{Name: "s3", Kind: store.Frames})
	if tl, ok := s.Timeline(media); !ok || tl.Len() != 1 {
		t.Error("what was observed is gone")
	}
}
