package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// randomBatch makes a batch that often meets what is there already.
func randomBatch(rng *rand.Rand, announced map[string]timeline.Position) store.Batch {
	b := store.Batch{Media: []string{"final", "semi-final", "f"}[rng.IntN(3)]}
	for range rng.IntN(4) {
		from := timeline.Position(rng.IntN(120) - 40)
		o := observe(from, from+timeline.Position(rng.IntN(30)), rng.IntN(4))
		o.Media, o.Open = b.Media, rng.IntN(2) == 0
		b.Observations = append(b.Observations, o)
	}
	for range rng.IntN(3) {
		from := timeline.Position(rng.IntN(200) - 60)
		b.Analyzed = append(b.Analyzed, timeline.Span{From: from, Until: from + timeline.Position(rng.IntN(12))})
	}
	for range rng.IntN(3) {
		from := timeline.Position(rng.IntN(120) - 40)
		b.Missed = append(b.Missed, timeline.Span{From: from, Until: from + timeline.Position(rng.IntN(30))})
	}
	for range rng.IntN(3) {
		from := timeline.Position(rng.IntN(120) - 40)
		x := timeline.Break{ID: fmt.Sprint(rng.IntN(2)), Span: timeline.Span{From: from, Until: from + 1 + timeline.Position(rng.IntN(20))}}
		if rng.IntN(3) == 0 {
			x.Open, x.Until = true, from
		}
		b.Breaks = append(b.Breaks, x)
	}
	for range rng.IntN(3) {
		from := announced[b.Media] + timeline.Position(rng.IntN(40)-10)
		x := store.Segment{Media: b.Media, URL: fmt.Sprintf("https://origin.example/%d.ts?a&b", from), From: from, Duration: time.Duration(rng.IntN(3)) * 4004 * time.Millisecond}
		b.Segments = append(b.Segments, x)
	}
	for range rng.IntN(3) {
		size := 1 + rng.IntN(400)
		if rng.IntN(20) == 0 {
			size = 10_000
		}
		at := timeline.Position(rng.IntN(120) - 40)
		b.Frames = append(b.Frames, store.Frame{Media: b.Media, At: at, JPEG: bytes.Repeat([]byte{byte(size)}, size)})
	}
	if rng.IntN(4) == 0 {
		b.Clock = fmt.Append(nil, "anchor ", rng.IntN(100))
	}
	return b
}

// randomFrame makes a frame that often meets what is there already.
func randomFrame(rng *rand.Rand) store.SpooledFrame {
	from := timeline.Position(rng.IntN(120) - 40)
	f := missed(from, rng.IntN(60), 1+rng.IntN(simulatedSpool/4))
	f.Media = []string{"final", "semi-final", "f"}[rng.IntN(3)]
	f.At = f.At.Add(time.Duration(rng.IntN(1000)) * time.Microsecond)
	if rng.IntN(2) == 0 {
		f.Until += timeline.Position(rng.IntN(20))
	}
	return f
}

// randomChange makes a better answer, or one that is none.
func randomChange(rng *rand.Rand) func(o *timeline.Observation) bool {
	c := observe(0, 0, 10+rng.IntN(9))
	wanted := rng.IntN(4) > 0
	return func(o *timeline.Observation) bool {
		o.Source, o.Objects, o.At, o.Until = timeline.SourceRekognition, c.Objects, c.At, o.Until+99
		return wanted
	}
}

// simulatedSpool is how many bytes of pictures the simulated spool may hold.
const simulatedSpool = 400

func TestSimulation(t *testing.T) {
	for seed, room := range []int64{0, 1000, 4000, 9000} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // its clock moves with the steps, so the model knows each entry's size
				simulation(t, rand.New(rand.NewPCG(uint64(seed), 0)), room)
			})
		})
	}
}

func simulation(t *testing.T, rng *rand.Rand, room int64) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	m := newModel(simulatedSinks, room)
	start := func() *store.Store {
		s, err := store.Open(path, store.Options{Sinks: m.sinks, OutboxBytes: m.room, SpoolBytes: simulatedSpool})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	reopen := func(room int64) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		m.room = room
		clear(m.dropped)
		m.makeRoom()
		s = start()
	}
	for step := range 250 {
		<-time.After(time.Duration(rng.IntN(3)) * 777 * time.Microsecond)
		simulate(t, rng, s, m)
		if rng.IntN(20) == 0 {
			reopen(room)
		}
		if step%20 == 0 {
			m.compare(t, s)
		}
	}
	m.compare(t, s)
	reopen(room / 2)
	m.compare(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
}

// simulate does one random thing to store and model.
func simulate(t *testing.T, rng *rand.Rand, s *store.Store, m *model) {
	t.Helper()
	switch op := rng.IntN(20); {
	case op < 7:
		b := randomBatch(rng, m.announced)
		record(t, s, b)
		m.record(b)
	case op < 10:
		confirm(t, rng, s, m)
	case op < 11:
		media, before := "final", timeline.Position(rng.IntN(140)-50)
		n, err := s.Prune(media, before)
		if want := m.prune(media, before); n != want || err != nil {
			t.Fatalf("pruned %d, %v; want %d", n, err, want)
		}
	case op < 14:
		f := randomFrame(rng)
		n, err := s.Spool(f)
		if want := m.spool(f); n != want || err != nil {
			t.Fatalf("%d frames dropped, %v; want %d", n, err, want)
		}
	case op < 17: // the newest, or one that was not asked for
		key, change := randomFrame(rng), randomChange(rng)
		if f, ok, err := s.NewestSpooled(nil); err != nil {
			t.Fatal(err)
		} else if ok && rng.IntN(3) > 0 {
			key = f
		}
		if rng.IntN(6) == 0 {
			change = nil
		}
		found, err := s.Unspool(key.Media, key.From, change)
		if want := m.unspool(target{key.Media, key.From}, change); found != want || err != nil {
			t.Fatalf("unspooled %v, %v; want %v", found, err, want)
		}
	default:
		key, change := randomFrame(rng), randomChange(rng)
		found, err := s.Revise(key.Media, key.From, change)
		if want := m.revise(target{key.Media, key.From}, change); found != want || err != nil {
			t.Fatalf("revised %v, %v; want %v", found, err, want)
		}
	}
}

// confirm lets a sink confirm some of a few that wait, not always the first.
func confirm(t *testing.T, rng *rand.Rand, s *store.Store, m *model) {
	t.Helper()
	sink := m.sinks[rng.IntN(len(m.sinks))].Name
	list, err := s.Pending(sink, 0, 1+rng.IntN(10))
	if rng.IntN(2) == 0 {
		list, err = s.PendingSince(sink, time.Time{}, 1+rng.IntN(10))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if rng.IntN(3) == 0 {
			continue
		}
		if err := s.Done(sink, e.Seq); err != nil {
			t.Fatal(err)
		}
		m.outbox[sink] = without(m.outbox[sink], targetOf(e))
	}
}
