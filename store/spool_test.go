package store_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

// missed makes a frame of the tests' media that was missed some seconds into the event and whose picture has size bytes.
func missed(from timeline.Position, second, size int) store.SpooledFrame {
	return store.SpooledFrame{
		Media: media, From: from, Until: from, At: time.Date(2026, 11, 23, 14, 0, second, 123_456_000, time.UTC),
		Want: 3, Width: 1920, Height: 1080, JPEG: bytes.Repeat([]byte{byte(second)}, size),
	}
}

func openSpool(t testing.TB, path string, limit int64, sinks ...string) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{Sinks: observers(sinks...), SpoolBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func spool(t testing.TB, s *store.Store, list ...store.SpooledFrame) (dropped int) {
	t.Helper()
	for _, f := range list {
		n, err := s.Spool(f)
		if err != nil {
			t.Fatal(err)
		}
		dropped += n
	}
	return dropped
}

// newest returns all spooled frames, newest first.
func newest(t testing.TB, s *store.Store) (list []store.SpooledFrame) {
	t.Helper()
	had := make(map[string]bool)
	for {
		f, ok, err := s.NewestSpooled(func(media string, from timeline.Position) bool { return had[fmt.Sprint(media, from)] })
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return list
		}
		had[fmt.Sprint(f.Media, f.From)] = true
		list = append(list, f)
	}
}

// holds fails the test unless the spool has the frames, newest first.
func holds(t testing.TB, s *store.Store, when string, want ...store.SpooledFrame) {
	t.Helper()
	if diff := cmp.Diff(want, newest(t, s)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	sum := int64(0)
	for _, f := range want {
		sum += int64(len(f.JPEG))
	}
	if n, b := s.SpooledFrames(); n != len(want) || b != sum {
		t.Errorf("%s: %d frames with %d bytes are counted, want %d with %d", when, n, b, len(want), sum)
	}
}

func of(media string, f store.SpooledFrame) store.SpooledFrame {
	f.Media = media
	return f
}

func until(f store.SpooledFrame, p timeline.Position) store.SpooledFrame {
	f.Until = p
	return f
}

func TestSpool(t *testing.T) {
	a, b, c := missed(5, 3, 40), missed(-9, 1, 30), missed(7, 2, 20)
	for name, tc := range map[string]struct {
		in      []store.SpooledFrame
		dropped int
		want    []store.SpooledFrame // newest first
		oldest  timeline.Position    // of the tests' media
	}{
		"newest first":              {[]store.SpooledFrame{a, b, c}, 0, []store.SpooledFrame{a, c, b}, -9},
		"over all media":            {[]store.SpooledFrame{a, of("cup", b), of("cup-final/2", c)}, 0, []store.SpooledFrame{a, of("cup-final/2", c), of("cup", b)}, 5},
		"a later one replaces":      {[]store.SpooledFrame{a, b, missed(5, 0, 10)}, 0, []store.SpooledFrame{b, missed(5, 0, 10)}, -9},
		"but keeps a known end":     {[]store.SpooledFrame{until(a, 50), missed(5, 4, 10)}, 0, []store.SpooledFrame{until(missed(5, 4, 10), 50)}, 5},
		"full, the oldest goes":     {[]store.SpooledFrame{a, b, c, missed(8, 4, 11)}, 1, []store.SpooledFrame{missed(8, 4, 11), a, c}, 5},
		"full, as many as it takes": {[]store.SpooledFrame{a, b, c, missed(8, 4, 100)}, 3, []store.SpooledFrame{missed(8, 4, 100)}, 8},
		"full, the new one is old":  {[]store.SpooledFrame{a, b, c, missed(8, 0, 11)}, 1, []store.SpooledFrame{a, c, b}, -9},
		"just full":                 {[]store.SpooledFrame{a, b, c, missed(8, 4, 10)}, 0, []store.SpooledFrame{missed(8, 4, 10), a, c, b}, -9},
		"replaced in a full one":    {[]store.SpooledFrame{a, b, missed(8, 4, 30), missed(5, 5, 40)}, 0, []store.SpooledFrame{missed(5, 5, 40), missed(8, 4, 30), b}, -9},
		"missed at one moment":      {[]store.SpooledFrame{missed(1, 1, 1), missed(2, 1, 1)}, 0, []store.SpooledFrame{missed(2, 1, 1), missed(1, 1, 1)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := openSpool(t, path, 100)
			if n := spool(t, s, tc.in...); n != tc.dropped {
				t.Errorf("%d dropped, want %d", n, tc.dropped)
			}
			for _, when := range []string{"spooled", "reopened"} {
				holds(t, s, when, tc.want...)
				if p, ok := s.OldestSpooled(media); !ok || p != tc.oldest {
					t.Errorf("%s: the oldest is at %v, %v; want %v", when, p, ok, tc.oldest)
				}
				if p, ok := s.OldestSpooled("other"); ok {
					t.Errorf("%s: another media has one at %v", when, p)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				check(t, path)
				s = openSpool(t, path, 100)
			}
			if len(s.Media()) != 0 {
				t.Errorf("media %q: nothing was recorded", s.Media())
			}
		})
	}
}

func TestSpoolRefuses(t *testing.T) {
	for name, f := range map[string]store.SpooledFrame{
		"no media":          of("", missed(0, 0, 1)),
		"no picture":        missed(0, 0, 0),
		"ends before begin": until(missed(5, 0, 1), 4),
		"too far":           until(missed(5, 0, 1), timeline.MaxPosition+1),
		"too large":         missed(0, 0, 101),
	} {
		t.Run(name, func(t *testing.T) {
			s := openSpool(t, filepath.Join(t.TempDir(), "spotter.db"), 100)
			spool(t, s, missed(1, 1, 100))
			if n, err := s.Spool(f); err == nil || n != 0 {
				t.Errorf("spooled, %d dropped", n)
			}
			holds(t, s, "after", missed(1, 1, 100))
		})
	}
	s := openSpool(t, filepath.Join(t.TempDir(), "spotter.db"), 100)
	if _, err := s.Spool(missed(0, 0, 101)); err == nil || !strings.Contains(err.Error(), "give the spool more room") {
		t.Errorf("%v does not say the mend", err)
	}
}

// TestSpoolOff has no room given: nothing is kept, and what an earlier run kept stays until it is taken out.
func TestSpoolOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	if n := spool(t, s, missed(0, 0, 10)); n != 0 {
		t.Errorf("%d dropped", n)
	}
	holds(t, s, "off")
	s.Close()
	s = openSpool(t, path, 100)
	spool(t, s, missed(1, 1, 100))
	s = reopened(t, s, path)
	spool(t, s, missed(2, 2, 1))
	holds(t, s, "off again", missed(1, 1, 100))
	if _, err := s.Unspool(media, 1, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, s, "taken out")
}

// TestSpoolShrinks has less room than an earlier run had.
func TestSpoolShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSpool(t, path, 100)
	spool(t, s, missed(1, 1, 40), missed(2, 2, 40), missed(3, 3, 20))
	s.Close()
	s = openSpool(t, path, 50)
	if n := spool(t, s, missed(4, 4, 10)); n != 2 {
		t.Errorf("%d dropped, want 2", n)
	}
	holds(t, s, "smaller", missed(4, 4, 10), missed(3, 3, 20))
}

func TestSpoolSignals(t *testing.T) {
	s := openSpool(t, filepath.Join(t.TempDir(), "spotter.db"), 100)
	signalled := func() bool {
		select {
		case <-s.SpoolChanged():
			return true
		default:
			return false
		}
	}
	if signalled() {
		t.Error("a signal before the first frame")
	}
	spool(t, s, missed(1, 1, 1), missed(2, 2, 1))
	if !signalled() || signalled() {
		t.Error("want one signal for two frames")
	}
	if _, err := s.Unspool(media, 1, nil); err != nil || signalled() {
		t.Errorf("a signal for a frame that went, %v", err)
	}
}

func TestMissed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSpool(t, path, 100, "dynamodb")
	record(t, s, store.Batch{Media: media, Missed: spans(0, 10)}) // of a file without a spool
	spool(t, s, missed(5, 1, 1), of("other", missed(5, 0, 1)))
	for _, list := range [][]timeline.Span{spans(5, 20, 6, 30), spans(5, 15), spans(5, 20)} {
		record(t, s, store.Batch{Media: media, Missed: list})
	}
	for _, when := range []string{"recorded", "reopened"} {
		holds(t, s, when, until(missed(5, 1, 1), 20), of("other", missed(5, 0, 1)))
		s.Close()
		s = openSpool(t, path, 100, "dynamodb")
	}
	if tl, _ := s.Timeline(media); tl.Len() != 0 || tl.Analyzed() != nil {
		t.Errorf("%d observations, analysed %v; want none", tl.Len(), tl.Analyzed())
	}
}

func TestUnspool(t *testing.T) {
	type batch = store.Batch
	made := observe(5, 20, 1)
	for name, tc := range map[string]struct {
		frame    []store.SpooledFrame
		batch    batch
		change   func(o *timeline.Observation) bool
		found    bool
		want     []*timeline.Observation
		analyzed []timeline.Span
		queued   int
	}{
		"revises": {
			[]store.SpooledFrame{missed(5, 1, 9)},
			batch{Observations: []*timeline.Observation{observe(5, 9, 1)}, Analyzed: spans(5, 9)},
			say, true,
			[]*timeline.Observation{observe(5, 9, 2)},
			spans(5, 9), 1,
		},
		"revises though the frame was dropped": {
			nil,
			batch{Observations: []*timeline.Observation{observe(5, 9, 1)}},
			say, true,
			[]*timeline.Observation{observe(5, 9, 2)},
			nil, 1,
		},
		"makes what was missed": {
			[]store.SpooledFrame{missed(5, 1, 9)},
			batch{Missed: spans(5, 20), Analyzed: spans(0, 5)},
			say, true,
			[]*timeline.Observation{made},
			spans(0, 20), 1,
		},
		"makes it of a media without a record": {
			[]store.SpooledFrame{until(missed(5, 1, 9), 20)},
			batch{},
			say, true,
			[]*timeline.Observation{made},
			spans(5, 20), 1,
		},
		"knows no end": {
			[]store.SpooledFrame{missed(5, 1, 9)}, batch{Analyzed: spans(0, 5)}, say, false, nil, spans(0, 5), 0,
		},
		"nothing to tell of what was missed": {
			[]store.SpooledFrame{until(missed(5, 1, 9), 20)},
			batch{Analyzed: spans(0, 5)},
			func(*timeline.Observation) bool { return false }, false, nil, spans(0, 5), 0,
		},
		"nothing to tell": {
			[]store.SpooledFrame{missed(5, 1, 9)},
			batch{Observations: []*timeline.Observation{observe(5, 9, 1)}},
			func(*timeline.Observation) bool { return false }, true,
			[]*timeline.Observation{observe(5, 9, 1)},
			nil, 1,
		},
		"not worth asking": {
			[]store.SpooledFrame{until(missed(5, 1, 9), 20)}, batch{Analyzed: spans(0, 5)}, nil, false, nil, spans(0, 5), 0,
		},
		"an end that the observation knows better": {
			[]store.SpooledFrame{until(missed(5, 1, 9), 20)},
			batch{Observations: []*timeline.Observation{observe(5, 9, 1)}},
			say, true,
			[]*timeline.Observation{observe(5, 9, 2)},
			nil, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := openSpool(t, path, 100, "dynamodb")
			spool(t, s, tc.frame...)
			spool(t, s, missed(6, 0, 1), of("other", missed(5, 2, 1)))
			if tc.batch.Media = media; len(tc.batch.Observations)+len(tc.batch.Analyzed)+len(tc.batch.Missed) > 0 {
				record(t, s, tc.batch)
			}
			if found, err := s.Unspool(media, 5, tc.change); err != nil || found != tc.found {
				t.Fatalf("found %v, %v; want %v", found, err, tc.found)
			}
			for _, when := range []string{"unspooled", "reopened"} {
				holds(t, s, when, of("other", missed(5, 2, 1)), missed(6, 0, 1))
				tl, ok := s.Timeline(media)
				if !ok {
					t.Fatal("no timeline")
				}
				if diff := cmp.Diff(tc.want, tl.Within(everything)); diff != "" {
					t.Errorf("%s: observations (-want +got):\n%s", when, diff)
				}
				if diff := cmp.Diff(tc.analyzed, tl.Analyzed()); diff != "" {
					t.Errorf("%s: analysed (-want +got):\n%s", when, diff)
				}
				if n := s.Backlog("dynamodb").Entries; n != tc.queued {
					t.Errorf("%s: %d in the outbox, want %d", when, n, tc.queued)
				}
				s.Close()
				s = openSpool(t, path, 100, "dynamodb")
			}
		})
	}
}
