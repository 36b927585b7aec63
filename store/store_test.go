package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

const media = "cup-final"

var everything = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}

// observe makes an observation of the tests' media as it stands with a revision, of which its content tells. What Record is
// given of the first is what then stands.
func observe(from, until timeline.Position, revision int) *timeline.Observation {
	return &timeline.Observation{
		Media:       media,
		Span:        timeline.Span{From: from, Until: until},
		Source:      timeline.SourceONNX,
		Revision:    revision,
		Celebrities: []timeline.Entity{},
		Objects:     []timeline.Entity{{Name: "Person", Confidence: 90 + float64(revision)}},
		At:          time.Date(2026, 11, 23, 14, 0, revision, 0, time.UTC),
	}
}

// lasting makes the first revision of one whose scene is still on screen.
func lasting(from, until timeline.Position) *timeline.Observation {
	o := observe(from, until, 1)
	o.Open = true
	return o
}

// ended makes the second revision of one, which only tells that its scene is over.
func ended(from, until timeline.Position) *timeline.Observation {
	o := observe(from, until, 1)
	o.Revision = 2
	return o
}

// revise makes the next revision of the observation at from, with the content that observe gives it.
func revise(t testing.TB, s *store.Store, from timeline.Position) {
	t.Helper()
	found, err := s.Revise(media, from, say)
	if err != nil || !found {
		t.Fatalf("revise: found %v, %v", found, err)
	}
}

// say fills in what observe says of the revision that o becomes.
func say(o *timeline.Observation) bool {
	c := observe(0, 0, o.Revision+1)
	o.Source, o.Celebrities, o.Objects, o.At = c.Source, c.Celebrities, c.Objects, c.At
	return true
}

// observers are sinks of observations.
func observers(names ...string) (list []store.Sink) {
	for _, name := range names {
		list = append(list, store.Sink{Name: name, Kind: store.Observations})
	}
	return list
}

func open(t testing.TB, path string, sinks ...string) *store.Store {
	t.Helper()
	return openSinks(t, path, 0, observers(sinks...)...)
}

func openSinks(t testing.TB, path string, room int64, sinks ...store.Sink) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{Sinks: sinks, OutboxBytes: room})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func record(t testing.TB, s *store.Store, b store.Batch) {
	t.Helper()
	if err := s.Record(b); err != nil {
		t.Fatal(err)
	}
}

func spans(list ...timeline.Position) (out []timeline.Span) {
	for i := 0; i < len(list); i += 2 {
		out = append(out, timeline.Span{From: list[i], Until: list[i+1]})
	}
	return out
}

// reopened closes s and opens its file again.
func reopened(t testing.TB, s *store.Store, path string, sinks ...string) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path, sinks...)
}

// check lets bbolt look through all of a closed file.
func check(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecordSettles(t *testing.T) {
	type batch = []*timeline.Observation
	numbered := observe(0, 5, 1)
	numbered.Revision = 9 // which the store numbers itself
	for name, tc := range map[string]struct {
		batches []batch
		want    *timeline.Observation
		queued  uint64 // sequence of the one pending entry
	}{
		"new":                     {[]batch{{observe(0, 5, 1)}}, observe(0, 5, 1), 1},
		"of any revision":         {[]batch{{numbered}}, observe(0, 5, 1), 1},
		"on screen":               {[]batch{{lasting(0, 5)}}, lasting(0, 5), 1},
		"it lasts":                {[]batch{{lasting(0, 5)}, {lasting(0, 9)}, {lasting(0, 7)}}, lasting(0, 9), 2},
		"its end":                 {[]batch{{lasting(0, 5)}, {observe(0, 9, 1)}}, ended(0, 9), 2},
		"its end is not earlier":  {[]batch{{lasting(0, 5)}, {observe(0, 3, 1)}}, ended(0, 5), 2},
		"again changes nothing":   {[]batch{{lasting(0, 5)}, {observe(0, 9, 1)}, {lasting(0, 5)}, {observe(0, 9, 1)}}, ended(0, 9), 2},
		"seen a second time":      {[]batch{{observe(0, 5, 1)}, {lasting(0, 7)}, {observe(0, 9, 1)}}, observe(0, 5, 1), 1},
		"all of it in a batch":    {[]batch{{lasting(0, 5), lasting(0, 7), observe(0, 8, 1), observe(0, 9, 1)}}, ended(0, 8), 3},
		"negative position":       {[]batch{{lasting(-9, -5)}, {lasting(-9, -2)}}, lasting(-9, -2), 2},
		"of no length, then some": {[]batch{{lasting(0, 0)}, {lasting(0, 5)}}, lasting(0, 5), 2},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := open(t, path, "dynamodb")
			for _, list := range tc.batches {
				record(t, s, store.Batch{Media: media, Observations: list})
			}
			for _, when := range []string{"recorded", "reopened"} {
				stands(t, s, when, tc.want, tc.queued)
				s = reopened(t, s, path, "dynamodb")
			}
		})
	}
}

// stands fails the test unless want is all that is recorded, and what the one entry of the outbox brings.
func stands(t *testing.T, s *store.Store, when string, want *timeline.Observation, queued uint64) {
	t.Helper()
	tl, ok := s.Timeline(media)
	if !ok {
		t.Fatalf("%s: no timeline", when)
	}
	if diff := cmp.Diff([]*timeline.Observation{want}, tl.Within(everything)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	pending, err := s.Pending("dynamodb", 0, 10)
	if err != nil || len(pending) != 1 {
		t.Fatalf("%s: %d entries pending, %v; want one", when, len(pending), err)
	}
	if diff := cmp.Diff(want, pending[0].Observation); diff != "" || pending[0].Seq != queued {
		t.Errorf("%s: pending sequence %d, want %d (-want +got):\n%s", when, pending[0].Seq, queued, diff)
	}
}

func TestRecordCopies(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	o, clock := observe(0, 5, 1), []byte("anchor")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{o}, Clock: clock})
	o.Until, clock[0] = 99, 'X'
	s.Clock(media)[1] = 'X'
	tl, _ := s.Timeline(media)
	if got := tl.Last().Until; got != 5 {
		t.Errorf("until is %v after the caller changed its observation, want 0.005", got)
	}
	if got := string(s.Clock(media)); got != "anchor" {
		t.Errorf("clock is %q after the caller changed its bytes", got)
	}
}

func TestRecordSnapshotsAreImmutable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(0, 5)}, Analyzed: spans(0, 5)})
	before, _ := s.Timeline(media)
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(0, 9), observe(9, 12, 1)}, Analyzed: spans(5, 12)})
	revise(t, s, 0)
	if diff := cmp.Diff([]*timeline.Observation{lasting(0, 5)}, before.Within(everything)); diff != "" {
		t.Errorf("the older snapshot changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spans(0, 5), before.Analyzed()); diff != "" {
		t.Errorf("the older snapshot's spans changed (-want +got):\n%s", diff)
	}
}

func TestRecordRefuses(t *testing.T) {
	far := timeline.MaxPosition + 1
	for name, b := range map[string]store.Batch{
		"no media":          {Observations: []*timeline.Observation{observe(0, 5, 1)}},
		"another media":     {Media: "other", Observations: []*timeline.Observation{observe(0, 5, 1)}},
		"nil observation":   {Media: media, Observations: []*timeline.Observation{nil}},
		"ends before begin": {Media: media, Observations: []*timeline.Observation{observe(5, 0, 1)}},
		"too far":           {Media: media, Observations: []*timeline.Observation{observe(0, far, 1)}},
		"span reversed":     {Media: media, Analyzed: spans(5, 0)},
		"span too early":    {Media: media, Analyzed: spans(-far, 0)},
		"missed reversed":   {Media: media, Missed: spans(5, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
			if err := s.Record(b); err == nil {
				t.Error("recorded without an error")
			}
			if got := s.Media(); len(got) != 0 {
				t.Errorf("media %q after a refused batch", got)
			}
		})
	}
}

func TestMediaStayApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	for i, m := range []string{"a", "a/b", "ab"} {
		o := observe(timeline.Position(i), 9, 1)
		o.Media = m
		record(t, s, store.Batch{Media: m, Observations: []*timeline.Observation{o}, Clock: []byte(m)})
	}
	record(t, s, store.Batch{Media: "clock only", Clock: []byte{}})
	s = reopened(t, s, path)
	if diff := cmp.Diff([]string{"a", "a/b", "ab", "clock only"}, s.Media()); diff != "" {
		t.Errorf("media (-want +got):\n%s", diff)
	}
	for i, m := range []string{"a", "a/b", "ab"} {
		tl, _ := s.Timeline(m)
		if tl.Len() != 1 || tl.Last().From != timeline.Position(i) || string(s.Clock(m)) != m {
			t.Errorf("%s: %d observations, the last %+v, clock %q", m, tl.Len(), tl.Last(), s.Clock(m))
		}
	}
	if _, ok := s.Timeline("nobody"); ok || s.Clock("nobody") != nil {
		t.Error("a media that was never recorded is known")
	}
}

func TestPruneIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	var list []*timeline.Observation
	for i := range timeline.Position(5000) {
		list = append(list, observe(i*10, i*10+10, 1))
	}
	list = append(list, observe(5, 60_000, 1)) // begins early and is still on screen
	record(t, s, store.Batch{Media: media, Observations: list, Analyzed: spans(0, 50_000)})
	n, err := s.Prune(media, 45_001)
	if err != nil || n != 4500 {
		t.Fatalf("pruned %d, %v; want 4500", n, err)
	}
	for range 2 {
		tl, _ := s.Timeline(media)
		if tl.Len() != 501 || !tl.Complete(timeline.Span{From: 45_001, Until: 50_000}) || tl.Analyzed()[0].From != 45_001 {
			t.Errorf("%d observations left, analysed %v", tl.Len(), tl.Analyzed())
		}
		s = reopened(t, s, path)
	}
	if n, err := s.Prune("nobody", 0); n != 0 || err != nil {
		t.Errorf("pruned %d of an unknown media, %v", n, err)
	}
}
