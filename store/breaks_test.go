package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

func adBreak(id string, from, until timeline.Position, open bool) timeline.Break {
	return timeline.Break{ID: id, Span: timeline.Span{From: from, Until: until}, Open: open}
}

func TestRecordBreaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "dynamodb")
	first := []timeline.Break{adBreak("7", -1500, -1500, true), adBreak("", 9000, 12_000, false)}
	record(t, s, store.Batch{Media: media, Breaks: first})
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1)}})
	second := []timeline.Break{adBreak("7", -1500, 4250, false), adBreak("Zoë", -1500, 2000, false)}
	second[0].Skipped = true
	for range 2 { // again changes nothing
		record(t, s, store.Batch{Media: media, Breaks: second})
	}
	for _, when := range []string{"recorded", "reopened"} {
		tl, _ := s.Timeline(media)
		if diff := cmp.Diff([]timeline.Break{second[0], second[1], first[1]}, tl.Breaks(everything)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if n := s.Backlog("dynamodb").Entries; n != 1 || tl.Len() != 1 {
			t.Errorf("%s: %d observations, %d in the outbox; want 1 of each", when, tl.Len(), n)
		}
		s = reopened(t, s, path, "dynamodb")
	}
}

func TestRecordRefusesBreaks(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	for name, b := range map[string]timeline.Break{
		"ends before it begins": adBreak("7", 10, 5, false),
		"an endless id":         adBreak(strings.Repeat("x", 257), 0, 5, false),
		"an id that is no text": adBreak("\xff", 0, 5, false),
		"beyond all time":       adBreak("", 0, timeline.MaxPosition+1, false),
	} {
		if err := s.Record(store.Batch{Media: media, Breaks: []timeline.Break{b}}); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	if _, ok := s.Timeline(media); ok {
		t.Error("something was recorded")
	}
}

func TestPruneBreaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	record(t, s, store.Batch{Media: media, Analyzed: spans(0, 100), Breaks: []timeline.Break{
		adBreak("a", 0, 10, false), adBreak("b", 5, 5, true), adBreak("c", 8, 20, false), adBreak("d", 9, 18, true),
	}})
	if n, err := s.Prune(media, 18); n != 0 || err != nil {
		t.Fatalf("pruned %d observations, %v", n, err)
	}
	for _, when := range []string{"pruned", "reopened"} {
		tl, _ := s.Timeline(media)
		if diff := cmp.Diff([]timeline.Break{adBreak("b", 5, 5, true), adBreak("c", 8, 20, false)}, tl.Breaks(everything)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		s = reopened(t, s, path)
	}
}

func TestOpenRefusesDamagedBreaks(t *testing.T) {
	for name, value := range map[string]string{"no JSON": "{", "another place": `{"from":2.0,"until":3.0}`} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := open(t, path)
			record(t, s, store.Batch{Media: media, Breaks: []timeline.Break{adBreak("7", 1000, 2000, false)}})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error {
				b := tx.Bucket([]byte("media")).Bucket([]byte(media)).Bucket([]byte("breaks"))
				k, _ := b.Cursor().First()
				return b.Put(append([]byte(nil), k...), []byte(value))
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
		})
	}
}

// TestBreaksFormat holds the writer to docs/formats.md.
func TestBreaksFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	x := adBreak("7", -1500, 4250, true)
	x.Skipped = true
	record(t, s, store.Batch{Media: media, Breaks: []timeline.Break{x, adBreak("", 9000, 12_000, false)}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const want = `    "breaks" (sequence 0)
      7ffffffffffffa2437: {"id":"7","from":-1.5,"until":4.25,"open":true,"skipped":true}
      8000000000002328: {"from":9.0,"until":12.0}
`
	if got := dump(t, path); !strings.Contains(got, want) {
		t.Errorf("%s\nwant in it\n%s", got, want)
	}
}
