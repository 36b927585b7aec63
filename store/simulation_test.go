package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// randomBatch makes a batch that often meets what is there already.
func randomBatch(rng *rand.Rand) store.Batch {
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
	sinks := []string{"dynamodb", "archive"}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			path := filepath.Join(t.TempDir(), "spotter.db")
			s, m := openSpool(t, path, simulatedSpool, sinks...), newModel(sinks)
			reopen := func() {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openSpool(t, path, simulatedSpool, sinks...)
			}
			for step := range 250 {
				simulate(t, rng, s, m)
				if rng.IntN(20) == 0 {
					reopen()
				}
				if step%10 == 0 {
					m.compare(t, s)
				}
			}
			m.compare(t, s)
			reopen()
			m.compare(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			check(t, path)
		})
	}
}

// simulate does one random thing to store and model.
func simulate(t *testing.T, rng *rand.Rand, s *store.Store, m *model) {
	t.Helper()
	switch op := rng.IntN(20); {
	case op < 7:
		b := randomBatch(rng)
		record(t, s, b)
		m.record(b)
	case op < 10: // a sink confirms some, not always the first
		sink := []string{"dynamodb", "archive"}[rng.IntN(2)]
		entries, err := s.Pending(sink, 1+rng.IntN(10))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if rng.IntN(3) == 0 {
				continue
			}
			if err := s.Done(sink, e.Seq); err != nil {
				t.Fatal(err)
			}
			key := target{e.Observation.Media, e.Observation.From}
			m.outbox[sink] = slices.DeleteFunc(m.outbox[sink], func(k target) bool { return k == key })
		}
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
