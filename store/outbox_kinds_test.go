package store_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

var (
	tableSink = store.Sink{Name: "dynamodb", Kind: store.Observations}
	topicSink = store.Sink{Name: "sns", Kind: store.Segments}
	picSink   = store.Sink{Name: "s3", Kind: store.Frames}
)

func segment(from timeline.Position) store.Segment {
	return store.Segment{Media: media, URL: fmt.Sprintf("https://origin.example/%v.ts", from), From: from, Duration: 4 * time.Second}
}

func frame(at timeline.Position, size int) store.Frame {
	return store.Frame{Media: media, At: at, JPEG: bytes.Repeat([]byte{byte(at)}, size)}
}

// waitingFor are the positions of what waits for a sink, in order.
func waitingFor(t testing.TB, s *store.Store, sink string) (list []timeline.Position) {
	t.Helper()
	for _, e := range paged(t, s, sink) {
		list = append(list, targetOf(e).from)
	}
	return list
}

func wantWaiting(t testing.TB, s *store.Store, sink string, want ...timeline.Position) {
	t.Helper()
	if diff := cmp.Diff(want, waitingFor(t, s, sink)); diff != "" {
		t.Errorf("%s: waiting (-want +got):\n%s", sink, diff)
	}
}

func TestSegmentsAreQueuedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSinks(t, path, 0, topicSink, tableSink)
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(4), segment(-4), segment(0), segment(4)}})
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(0), segment(8)}})
	wantWaiting(t, s, "sns", -4, 0, 4, 8)
	wantWaiting(t, s, "dynamodb")
	for _, e := range paged(t, s, "sns") {
		if want := segment(e.Segment.From); *e.Segment != want || e.Observation != nil || e.Frame != nil {
			t.Errorf("entry %+v, want the segment %+v", e, want)
		}
		if err := s.Done("sns", e.Seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openSinks(t, path, 0, topicSink)
	other := segment(4)
	other.Media = "other"
	record(t, s, store.Batch{Media: "other", Segments: []store.Segment{other}})
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(4), segment(8), segment(12)}})
	wantWaiting(t, s, "sns", 4, 12)
}

// TestSegmentsWithoutASink are announced to one that comes later.
func TestSegmentsWithoutASink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSinks(t, path, 0, tableSink)
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(4)}, Frames: []store.Frame{frame(1, 1)}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openSinks(t, path, 0, topicSink, picSink)
	wantWaiting(t, s, "s3")
	record(t, s, store.Batch{Media: media, Segments: []store.Segment{segment(4)}})
	wantWaiting(t, s, "sns", 4)
}

func TestFramesTakeThePlaceOfOlder(t *testing.T) {
	s := openSinks(t, filepath.Join(t.TempDir(), "spotter.db"), 0, picSink)
	record(t, s, store.Batch{Media: media, Frames: []store.Frame{frame(1, 10), frame(2, 20)}})
	first := paged(t, s, "s3")[0].Seq
	record(t, s, store.Batch{Media: media, Frames: []store.Frame{frame(1, 30)}})
	if err := s.Done("s3", first); err != nil { // too late: the newer picture has to be sent
		t.Fatal(err)
	}
	wantWaiting(t, s, "s3", 2, 1)
	list := paged(t, s, "s3")
	if diff := cmp.Diff(frame(1, 30), *list[1].Frame); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
	list[1].Frame.JPEG[0]++ // the caller's own
	if diff := cmp.Diff(frame(1, 30), *paged(t, s, "s3")[1].Frame); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
}

func TestFramesArePaged(t *testing.T) {
	s := openSinks(t, filepath.Join(t.TempDir(), "spotter.db"), 0, picSink)
	for at, mib := range []int{9, 3, 4, 1, 2} {
		record(t, s, store.Batch{Media: media, Frames: []store.Frame{frame(timeline.Position(at), mib<<20)}})
	}
	positions := func(list []store.Entry, err error) (out []timeline.Position) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, e.Frame.At)
		}
		return out
	}
	for _, tc := range []struct {
		name  string
		list  []timeline.Position
		wants []timeline.Position
	}{
		{"one that is too large by itself", positions(s.Pending("s3", 0, 9)), []timeline.Position{0}},
		{"8 MiB", positions(s.Pending("s3", 1, 9)), []timeline.Position{1, 2, 3}},
		{"a limit", positions(s.Pending("s3", 1, 2)), []timeline.Position{1, 2}},
		{"the rest", positions(s.Pending("s3", 4, 9)), []timeline.Position{4}},
		{"nothing after the last", positions(s.Pending("s3", 5, 9)), nil},
		{"nothing after all", positions(s.Pending("s3", 1<<64-1, 9)), nil},
		{"the newest 8 MiB", positions(s.PendingSince("s3", time.Time{}, 9)), []timeline.Position{2, 3, 4}},
		{"the newest two", positions(s.PendingSince("s3", time.Time{}, 2)), []timeline.Position{3, 4}},
		{"none that new", positions(s.PendingSince("s3", time.Now().Add(time.Hour), 9)), nil},
	} {
		if !cmp.Equal(tc.wants, tc.list) {
			t.Errorf("%s: %v, want %v", tc.name, tc.list, tc.wants)
		}
	}
}

func TestOutboxBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock stands, so each entry has the same size
		path := filepath.Join(t.TempDir(), "spotter.db")
		s := openSinks(t, path, 0, tableSink, topicSink, picSink)
		for p := range timeline.Position(3) {
			record(t, s, store.Batch{
				Media: media, Observations: []*timeline.Observation{observe(p, p+1, 1)},
				Segments: []store.Segment{segment(p)}, Frames: []store.Frame{frame(p, 1000)},
			})
		}
		size := func(sink string) int64 { return s.Backlog(sink).Bytes }
		observations, segments, frames := size("dynamodb"), size("sns"), size("s3")
		for _, step := range []struct {
			name             string
			room             int64
			table, topic, s3 []timeline.Position
		}{
			{"room for all", observations + segments + frames, []timeline.Position{0, 1, 2}, []timeline.Position{0, 1, 2}, []timeline.Position{0, 1, 2}},
			{"the oldest frame goes", observations + segments + frames - 1, []timeline.Position{0, 1, 2}, []timeline.Position{0, 1, 2}, []timeline.Position{1, 2}},
			{"then all frames", observations + segments, []timeline.Position{0, 1, 2}, []timeline.Position{0, 1, 2}, nil},
			{"then a segment", observations + segments - 1, []timeline.Position{0, 1, 2}, []timeline.Position{1, 2}, nil},
			{"last an observation", observations - 1, []timeline.Position{1, 2}, nil, nil},
		} {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openSinks(t, path, step.room, tableSink, topicSink, picSink)
			t.Log(step.name)
			wantWaiting(t, s, "dynamodb", step.table...)
			wantWaiting(t, s, "sns", step.topic...)
			wantWaiting(t, s, "s3", step.s3...)
		}
		if tl, _ := s.Timeline(media); tl.Len() != 3 || s.Backlog("dynamodb").Dropped != 1 || s.Backlog("sns").Dropped != 2 {
			t.Errorf("%d observations, backlogs %+v and %+v", tl.Len(), s.Backlog("dynamodb"), s.Backlog("sns"))
		}
		if n, err := s.Prune(media, 1); n != 1 || err != nil {
			t.Errorf("pruned %d, %v; want the one that was dropped from the outbox", n, err)
		}
	})
}

func TestOutboxBoundIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := store.Open(filepath.Join(t.TempDir(), "spotter.db"), store.Options{
			Sinks: []store.Sink{picSink}, OutboxBytes: 2500, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		const all = 90
		for p := range timeline.Position(all) {
			record(t, s, store.Batch{Media: media, Frames: []store.Frame{frame(p, 1000)}})
			<-time.After(time.Second)
		}
		record(t, s, store.Batch{Media: media, Frames: []store.Frame{frame(all, 2500)}}) // has no room by itself
		wantWaiting(t, s, "s3", all-2, all-1)
		if b := s.Backlog("s3"); b.Dropped != all-1 || b.Bytes > 2500 {
			t.Errorf("backlog %+v, want %d dropped", b, all-1)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(log.String(), "level=WARN")
		if lines != 3 || !strings.Contains(log.String(), "dropped=1\n") || !strings.Contains(log.String(), "dropped=60\n") ||
			!strings.Contains(log.String(), "dropped=28\n") {
			t.Errorf("%d warnings; want the first at once, then one a minute and the rest at the end:\n%s", lines, log.String())
		}
	})
}

func TestSinksThatAreNoLongerNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := openSinks(t, path, 0, tableSink, topicSink, picSink)
	record(t, s, store.Batch{
		Media: media, Observations: []*timeline.Observation{observe(0, 1, 1)},
		Segments: []store.Segment{segment(0)}, Frames: []store.Frame{frame(0, 5000)},
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{}) // who only looks
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openSinks(t, path, 0, tableSink, topicSink, picSink)
	wantWaiting(t, s, "dynamodb", 0)
	wantWaiting(t, s, "sns", 0)
	wantWaiting(t, s, "s3", 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err = store.Open(path, store.Options{Sinks: []store.Sink{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "entries=1"); n != 2 {
		t.Errorf("%d sinks were deleted, want 2:\n%s", n, log.String())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
	if got := dump(t, path); strings.Contains(got, "sns") || strings.Contains(got, "s3") {
		t.Errorf("segments or frames were kept:\n%s", got)
	}
	s = openSinks(t, path, 0, tableSink, topicSink, picSink)
	wantWaiting(t, s, "dynamodb", 0)
	wantWaiting(t, s, "sns")
	wantWaiting(t, s, "s3")
}

// TestSinkOfAnotherKind begins anew: what waited cannot be sent.
func TestSinkOfAnotherKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	for _, kind := range []store.Kind{store.Frames, store.Observations, store.Segments, store.Frames} {
		s := openSinks(t, path, 0, store.Sink{Name: "cloud", Kind: kind})
		wantWaiting(t, s, "cloud")
		p := timeline.Position(kind)
		record(t, s, store.Batch{
			Media: media, Observations: []*timeline.Observation{observe(p, 9, 1)},
			Segments: []store.Segment{segment(p)}, Frames: []store.Frame{frame(p, 5)},
		})
		wantWaiting(t, s, "cloud", p)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openSinks(t, path, 0, store.Sink{Name: "cloud", Kind: kind})
		wantWaiting(t, s, "cloud", p)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPendingSpans(t *testing.T) {
	s := openSinks(t, filepath.Join(t.TempDir(), "spotter.db"), 0, tableSink, topicSink)
	for _, m := range []string{media, media + "-2", "cup"} {
		var list []*timeline.Observation
		for _, o := range []*timeline.Observation{observe(-9, -5, 1), lasting(-6, -2), observe(-2, 0, 1), observe(1, 1, 1), observe(3, 9, 1), observe(4, 5, 1)} {
			o.Media = m
			list = append(list, o)
		}
		record(t, s, store.Batch{Media: m, Observations: list})
	}
	for name, want := range map[string][]timeline.Span{media: spans(-9, 0, 1, 1, 3, 9), "cup": spans(-9, 0, 1, 1, 3, 9), "cu": nil, "": nil} {
		if got, err := s.PendingSpans("dynamodb", name); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%q: %v, %v; want %v", name, got, err, want)
		}
	}
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(-6, 2)}})
	if got, err := s.PendingSpans("dynamodb", media); err != nil || !cmp.Equal(spans(-9, 2, 3, 9), got) {
		t.Errorf("%v, %v after a scene lasted", got, err)
	}
	for _, sink := range []string{"sns", "unknown"} {
		if _, err := s.PendingSpans(sink, media); err == nil {
			t.Errorf("spans for %s are no error", sink)
		}
	}
}
