package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

// TestOutboxFormat holds the writer to docs/formats.md.
func TestOutboxFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spotter.db")
		s := openSinks(t, path, 0, topicSink, picSink)
		f := frame(2000, 4)
		f.JPEG = []byte("JFIF")
		x := segment(1500)
		record(t, s, store.Batch{Media: media, Segments: []store.Segment{x}, Frames: []store.Frame{frame(1000, 9), f}})
		if err := s.Done("s3", 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got := dump(t, path)
		for _, want := range []string{
			`    "announced": 80000000000005dc
`, `
  "s3" (sequence 0)
    "entries" (sequence 2)
      0000000000000002: {"media":"cup-final","from":2.0,"queued":"2000-01-01T00:00:00Z","picture":4}
    "keys" (sequence 0)
      "cup-final\x80\x00\x00\x00\x00\x00\a\xd0": 0000000000000002
    "kind": frames
    "pictures" (sequence 0)
      0000000000000002: JFIF
`, `
  "sns" (sequence 0)
    "entries" (sequence 1)
      0000000000000001: {"media":"cup-final","from":1.5,"queued":"2000-01-01T00:00:00Z","url":"https://origin.example/1.5.ts","duration":4000000000}
    "keys" (sequence 0)
      "cup-final\x80\x00\x00\x00\x00\x00\x05\xdc": 0000000000000001
    "kind": segments
`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the dump lacks\n%sand is\n%s", want, got)
			}
		}
	})
}

func TestDamagedOutbox(t *testing.T) {
	entries := func(sink *bolt.Bucket) *bolt.Bucket { return sink.Bucket([]byte("entries")) }
	first := []byte{0, 0, 0, 0, 0, 0, 0, 1}
	for name, tc := range map[string]struct {
		sink  store.Sink
		harm  func(sink *bolt.Bucket) error
		opens bool // and Pending tells
	}{
		"no entries": {tableSink, func(b *bolt.Bucket) error { return b.DeleteBucket([]byte("entries")) }, false},
		"no keys":    {tableSink, func(b *bolt.Bucket) error { return b.DeleteBucket([]byte("keys")) }, false},
		"a key is missing": {tableSink, func(b *bolt.Bucket) error {
			k, _ := b.Bucket([]byte("keys")).Cursor().First()
			return b.Bucket([]byte("keys")).Delete(k)
		}, false},
		"a short sequence":  {topicSink, func(b *bolt.Bucket) error { return entries(b).Put([]byte("short"), []byte("{}")) }, false},
		"no ticket":         {tableSink, func(b *bolt.Bucket) error { return entries(b).Put(first, []byte("{")) }, false},
		"a negative size":   {picSink, func(b *bolt.Bucket) error { return entries(b).Put(first, []byte(`{"picture":-4}`)) }, false},
		"no URL":            {topicSink, func(b *bolt.Bucket) error { return entries(b).Put(first, []byte(`{"media":"cup-final"}`)) }, true},
		"no picture":        {picSink, func(b *bolt.Bucket) error { return b.Bucket([]byte("pictures")).Delete(first) }, true},
		"half of a picture": {picSink, func(b *bolt.Bucket) error { return b.Bucket([]byte("pictures")).Put(first, []byte{1}) }, true},
		"no such media":     {tableSink, func(b *bolt.Bucket) error { return entries(b).Put(first, []byte(`{"media":"x"}`)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := openSinks(t, path, 0, tc.sink)
			record(t, s, store.Batch{
				Media: media, Observations: []*timeline.Observation{observe(0, 1, 1), observe(1, 2, 1)},
				Segments: []store.Segment{segment(0)}, Frames: []store.Frame{frame(0, 50)},
			})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error { return tc.harm(tx.Bucket([]byte("outbox")).Bucket([]byte(tc.sink.Name))) })
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			s, err = store.Open(path, store.Options{Sinks: []store.Sink{tc.sink}})
			if tc.opens && err == nil {
				defer s.Close()
				_, err = s.Pending(tc.sink.Name, 0, 10)
			} else if tc.opens {
				t.Fatal(err)
			}
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
		})
	}
}

func TestOpenRefusesSinks(t *testing.T) {
	for name, sinks := range map[string][]store.Sink{
		"twice":        {tableSink, {Name: tableSink.Name, Kind: store.Frames}},
		"without name": {{Kind: store.Frames}},
		"of no kind":   {{Name: "a", Kind: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.Open(filepath.Join(t.TempDir(), "spotter.db"), store.Options{Sinks: sinks}); err == nil {
				t.Error("is no error")
			}
		})
	}
}

func TestRecordRefusesForTheCloud(t *testing.T) {
	s := openSinks(t, filepath.Join(t.TempDir(), "spotter.db"), 0, topicSink, picSink)
	for name, b := range map[string]store.Batch{
		"another media's segment": {Segments: []store.Segment{{Media: "x", URL: "u"}}},
		"a segment without URL":   {Segments: []store.Segment{{Media: media}}},
		"a segment of no time":    {Segments: []store.Segment{{Media: media, URL: "u", Duration: -1}}},
		"a segment far away":      {Segments: []store.Segment{{Media: media, URL: "u", From: timeline.MaxPosition + 1}}},
		"another media's frame":   {Frames: []store.Frame{{Media: "x", JPEG: []byte{1}}}},
		"a frame without picture": {Frames: []store.Frame{{Media: media}}},
		"a frame far away":        {Frames: []store.Frame{{Media: media, JPEG: []byte{1}, At: -timeline.MaxPosition - 1}}},
	} {
		b.Media = media
		if err := s.Record(b); err == nil || len(s.Media()) > 0 {
			t.Errorf("%s: error %v, media %v", name, err, s.Media())
		}
	}
}
