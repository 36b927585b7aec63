package store_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

// simulatedSinks has two readers of a kind and one each of the others.
var simulatedSinks = []store.Sink{
	{Name: "archive", Kind: store.Observations},
	{Name: "dynamodb", Kind: store.Observations},
	{Name: "s3", Kind: store.Frames},
	{Name: "sns", Kind: store.Segments},
}

// waiting is an entry of the model's outbox: an observation where it has neither URL nor picture.
type waiting struct {
	target
	queued   time.Time
	url      string
	duration time.Duration
	jpeg     []byte
	bytes    int64
}

// size is how many bytes the entry has in the file, as docs/formats.md describes it.
func (w waiting) size() int64 {
	text, err := json.Marshal(struct {
		Media    string            `json:"media"`
		From     timeline.Position `json:"from"`
		Queued   time.Time         `json:"queued"`
		URL      string            `json:"url,omitempty"`
		Duration time.Duration     `json:"duration,omitempty"`
		Picture  int               `json:"picture,omitempty"`
	}{w.media, w.from, w.queued.UTC(), w.url, w.duration, len(w.jpeg)})
	if err != nil {
		panic(err)
	}
	n := 8 + len(text) + len(w.media) + 8 + 8
	if w.jpeg != nil {
		n += 8 + len(w.jpeg)
	}
	return int64(n)
}

// entry is what Pending says of it.
func (m *model) entry(w waiting, kind store.Kind) store.Entry {
	e := store.Entry{Queued: w.queued.UTC().Round(0)}
	switch kind {
	case store.Observations:
		o := m.observations[w.media][w.from]
		e.Observation = &o
	case store.Segments:
		e.Segment = &store.Segment{Media: w.media, URL: w.url, From: w.from, Duration: w.duration}
	case store.Frames:
		e.Frame = &store.Frame{Media: w.media, At: w.from, JPEG: w.jpeg}
	}
	return e
}

// targetOf is what an entry is of.
func targetOf(e store.Entry) target {
	switch {
	case e.Segment != nil:
		return target{e.Segment.Media, e.Segment.From}
	case e.Frame != nil:
		return target{e.Frame.Media, e.Frame.At}
	}
	return target{e.Observation.Media, e.Observation.From}
}

// queue puts an entry at the end of the outbox of the sinks of a kind.
func (m *model) queue(kind store.Kind, w waiting) {
	w.queued = time.Now()
	w.bytes = w.size()
	for _, sink := range m.sinks {
		switch {
		case sink.Kind != kind:
		case m.room > 0 && w.bytes > m.room:
			m.dropped[sink.Name]++
		default:
			m.outbox[sink.Name] = append(without(m.outbox[sink.Name], w.target), w)
		}
	}
}

func without(list []waiting, key target) []waiting {
	return slices.DeleteFunc(list, func(w waiting) bool { return w.target == key })
}

func (m *model) recordCloud(b store.Batch) {
	for _, f := range b.Frames {
		m.queue(store.Frames, waiting{target: target{b.Media, f.At}, jpeg: f.JPEG})
	}
	sorted := slices.SortedStableFunc(slices.Values(b.Segments), func(x, y store.Segment) int { return cmp.Compare(x.From, y.From) })
	for _, x := range sorted {
		if last, found := m.announced[b.Media]; !found || x.From > last {
			m.announced[b.Media] = x.From
			m.queue(store.Segments, waiting{target: target{b.Media, x.From}, url: x.URL, duration: x.Duration})
		}
	}
	m.makeRoom()
}

// makeRoom drops the oldest entries of the sinks, frames first, observations last.
func (m *model) makeRoom() {
	for _, kind := range []store.Kind{store.Frames, store.Segments, store.Observations} {
		for m.room > 0 && m.waitingBytes() > m.room {
			oldest := ""
			for _, sink := range m.sinks {
				if list := m.outbox[sink.Name]; sink.Kind == kind && len(list) > 0 &&
					(oldest == "" || list[0].queued.Before(m.outbox[oldest][0].queued)) {
					oldest = sink.Name
				}
			}
			if oldest == "" {
				break
			}
			m.outbox[oldest] = m.outbox[oldest][1:]
			m.dropped[oldest]++
		}
	}
}

func (m *model) waitingBytes() (n int64) {
	for _, list := range m.outbox {
		for _, w := range list {
			n += w.bytes
		}
	}
	return n
}

// compareOutbox fails the test where what waits differs from the model, or what is counted from what is in the file.
func (m *model) compareOutbox(t *testing.T, s *store.Store) {
	t.Helper()
	if n := m.waitingBytes(); m.room > 0 && n > m.room {
		t.Fatalf("%d bytes wait in room for %d", n, m.room)
	}
	for _, sink := range m.sinks {
		var want []store.Entry
		backlog := store.Backlog{Dropped: m.dropped[sink.Name]}
		for _, w := range m.outbox[sink.Name] {
			want = append(want, m.entry(w, sink.Kind))
			backlog.Entries++
			backlog.Bytes += w.bytes
			if backlog.Oldest.IsZero() {
				backlog.Oldest = w.queued
			}
		}
		if diff := gocmp.Diff(want, numberless(paged(t, s, sink.Name))); diff != "" {
			t.Fatalf("%s: pending (-want +got):\n%s", sink.Name, diff)
		}
		if diff := gocmp.Diff(backlog, s.Backlog(sink.Name)); diff != "" {
			t.Fatalf("%s: backlog (-want +got):\n%s", sink.Name, diff)
		}
		counted := scan(t, s, sink)
		counted.Dropped = backlog.Dropped
		if diff := gocmp.Diff(counted, s.Backlog(sink.Name)); diff != "" {
			t.Fatalf("%s: backlog (-what the file has +got):\n%s", sink.Name, diff)
		}
		m.compareNewest(t, s, sink, want)
		m.compareSpans(t, s, sink)
	}
}

// compareNewest asks for some of the newest entries, and for those since the middle one.
func (m *model) compareNewest(t *testing.T, s *store.Store, sink store.Sink, all []store.Entry) {
	t.Helper()
	middle := time.Time{}
	if len(all) > 0 {
		middle = all[len(all)/2].Queued
	}
	since := slices.DeleteFunc(slices.Clone(all), func(e store.Entry) bool { return e.Queued.Before(middle) })
	for limit, want := range map[int][]store.Entry{3: since[max(0, len(since)-3):], 30: since[max(0, len(since)-30):]} {
		got, err := s.PendingSince(sink.Name, middle, limit)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(append([]store.Entry(nil), want...), numberless(got)); diff != "" {
			t.Fatalf("%s: pending since %v (-want +got):\n%s", sink.Name, middle, diff)
		}
	}
}

func (m *model) compareSpans(t *testing.T, s *store.Store, sink store.Sink) {
	t.Helper()
	if sink.Kind != store.Observations {
		return
	}
	for media := range m.observations {
		waits := make(map[timeline.Position]bool) // each half millisecond, so that spans without a length count
		for _, w := range m.outbox[sink.Name] {
			if w.media == media {
				for p := 2 * w.from; p <= 2*m.observations[media][w.from].Until; p++ {
					waits[p] = true
				}
			}
		}
		var want []timeline.Span
		for p := 2 * timeline.Position(-1000); p < 2*1000; p++ {
			if waits[p] && !waits[p-1] {
				want = append(want, timeline.Span{From: p / 2})
			}
			if waits[p] && !waits[p+1] {
				want[len(want)-1].Until = p / 2
			}
		}
		got, err := s.PendingSpans(sink.Name, media)
		if err != nil || !slices.Equal(want, got) {
			t.Fatalf("%s: spans of %s %v, %v; want %v", sink.Name, media, got, err, want)
		}
	}
}

// paged reads all that waits for a sink, a few at a time.
func paged(t testing.TB, s *store.Store, sink string) (all []store.Entry) {
	t.Helper()
	for after := uint64(0); ; after = all[len(all)-1].Seq {
		list, err := s.Pending(sink, after, 7)
		if err != nil || len(list) > 7 || len(list) > 0 && list[0].Seq <= after {
			t.Fatalf("%d entries after %d, %v", len(list), after, err)
		}
		if len(list) == 0 {
			return all
		}
		all = append(all, list...)
	}
}

// numberless are the entries without their sequences, which must rise.
func numberless(list []store.Entry) (out []store.Entry) {
	for i, e := range list {
		if i > 0 && e.Seq <= list[i-1].Seq {
			return nil
		}
		e.Seq = 0
		out = append(out, e)
	}
	return out
}

// scan counts what the file has for a sink.
func scan(t testing.TB, s *store.Store, sink store.Sink) (b store.Backlog) {
	t.Helper()
	err := s.View(func(tx *bolt.Tx) error {
		top := tx.Bucket([]byte("outbox")).Bucket([]byte(sink.Name))
		add := func(k, v []byte) error { b.Bytes += int64(len(k) + len(v)); return nil }
		if pictures := top.Bucket([]byte("pictures")); pictures != nil {
			if err := pictures.ForEach(add); err != nil {
				return err
			}
		}
		return errors.Join(top.Bucket([]byte("keys")).ForEach(add), top.Bucket([]byte("entries")).ForEach(func(k, v []byte) error {
			var ticket struct {
				Queued time.Time `json:"queued"`
			}
			if b.Entries++; b.Entries == 1 {
				if err := json.Unmarshal(v, &ticket); err != nil {
					return err
				}
				b.Oldest = ticket.Queued
			}
			return add(k, v)
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
