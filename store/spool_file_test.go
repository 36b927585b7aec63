package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

// TestPruneSpool has frames go with their scenes, and no scene twice.
func TestPruneSpool(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSpool(t, path, 1<<20, "dynamodb")
	kept := []store.SpooledFrame{missed(90, 9, 1), until(missed(70, 8, 1), 101), missed(50, 7, 1), of("other", missed(0, 6, 1))}
	for i := range 450 { // more than one transaction takes
		spool(t, s, missed(timeline.Position(-1-i), i%6, 1))
	}
	spool(t, s, missed(80, 5, 1), until(missed(60, 4, 1), 90), missed(40, 3, 1))
	spool(t, s, kept...)
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{
		observe(40, 90, 1), // no longer of use, but a sink waits for it
		observe(50, 91, 1),
	}, Analyzed: spans(0, 200)})
	if n, err := s.Prune(media, 90); n != 0 || err != nil {
		t.Fatalf("pruned %d, %v; want none, as a sink waits", n, err)
	}
	for _, when := range []string{"pruned", "reopened"} {
		holds(t, s, when, kept...)
		s.Close()
		s = openSpool(t, path, 1<<20)
	}
	if n, err := s.Prune("other", 1); n != 0 || err != nil {
		t.Fatalf("pruned %d of a media without a record, %v", n, err)
	}
	holds(t, s, "the other pruned", kept[:3]...)
}

func TestSpoolClosed(t *testing.T) {
	s := openSpool(t, filepath.Join(t.TempDir(), "spotter.db"), 100)
	spool(t, s, missed(1, 1, 1))
	s.Close()
	if _, err := s.Spool(missed(2, 2, 1)); err == nil {
		t.Error("spooled into a closed store")
	}
	if _, _, err := s.NewestSpooled(nil); err == nil {
		t.Error("read from a closed store")
	}
	if _, err := s.Unspool(media, 1, nil); err == nil {
		t.Error("unspooled from a closed store")
	}
	if n, b := s.SpooledFrames(); n != 1 || b != 1 {
		t.Errorf("%d frames with %d bytes are counted", n, b)
	}
}

func TestOpenRefusesDamagedSpool(t *testing.T) {
	for name, harm := range map[string]func(b *bolt.Bucket) error{
		"a part is missing": func(b *bolt.Bucket) error { return b.DeleteBucket([]byte("pictures")) },
		"a short key":       func(b *bolt.Bucket) error { return b.Bucket([]byte("times")).Put([]byte("short"), make([]byte, 8)) },
		"no size":           func(b *bolt.Bucket) error { return b.Bucket([]byte("times")).Put(make([]byte, 20), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := openSpool(t, path, 100)
			spool(t, s, missed(1, 1, 1))
			s.Close()
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error { return harm(tx.Bucket([]byte("spool"))) })
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
		})
	}
}

// TestSpoolFormat holds the writer to docs/formats.md.
func TestSpoolFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSpool(t, path, 100)
	f := until(missed(-1500, 1, 3), 4250)
	f.JPEG = []byte("JFIF")
	spool(t, s, f)
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(2000, 2500)}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := dump(t, path)
	for _, want := range []string{`"spool"
  "frames" (sequence 0)
    "cup-final" (sequence 0)
      7ffffffffffffa24: {"until":4.25,"at":"2026-11-23T14:00:01.123456Z","want":3,"width":1920,"height":1080}
  "pictures" (sequence 0)
    "cup-final" (sequence 0)
      7ffffffffffffa24: JFIF
  "times" (sequence 0)
    800660f202889c806375702d66696e616c7ffffffffffffa24: 0000000000000004
`, `"at":"2026-11-23T14:00:01Z","open":true}
`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nwant in it\n%s", got, want)
		}
	}
}

// TestSpoolReadWhileWritten has readers beside the writer, who see frames whole or not at all.
func TestSpoolReadWhileWritten(t *testing.T) {
	s := openSpool(t, filepath.Join(t.TempDir(), "spotter.db"), 500)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				f, ok, err := s.NewestSpooled(nil)
				if err != nil || ok && len(f.JPEG) != 100 {
					t.Errorf("%d bytes, %v", len(f.JPEG), err)
					return
				}
				s.OldestSpooled(media)
				if n, b := s.SpooledFrames(); b != int64(n)*100 {
					t.Errorf("%d frames with %d bytes", n, b)
				}
			}
		})
	}
	for p := range timeline.Position(100) {
		spool(t, s, missed(p, int(p), 100))
		if _, err := s.Unspool(media, p-3, nil); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// BenchmarkSpool keeps a picture of 200 kB in a spool that is full, and BenchmarkNewestSpooled reads one of it.
func BenchmarkSpool(b *testing.B) {
	s := openSpool(b, filepath.Join(b.TempDir(), "spotter.db"), 100_000_000)
	p := timeline.Position(0)
	for ; p < 500; p++ {
		spool(b, s, missed(p, int(p), 200_000))
	}
	for ; b.Loop(); p++ {
		spool(b, s, missed(p, int(p), 200_000))
	}
}

func BenchmarkNewestSpooled(b *testing.B) {
	s := openSpool(b, filepath.Join(b.TempDir(), "spotter.db"), 100_000_000)
	for p := range timeline.Position(500) {
		spool(b, s, missed(p, int(p), 200_000))
	}
	for b.Loop() {
		if _, ok, err := s.NewestSpooled(nil); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
