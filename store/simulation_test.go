package store_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/store"
	"spotter/timeline"
)

// model is a store of plain maps: what the real one must look like after the same calls.
type model struct {
	observations map[string]map[timeline.Position]timeline.Observation
	analyzed     map[string]map[timeline.Position]bool // each millisecond
	breaks       map[string]map[string]timeline.Break  // by From and ID
	clocks       map[string]string
	outbox       map[string][]target // by sink, in order
}

type target struct {
	media string
	from  timeline.Position
}

func newModel(sinks []string) *model {
	m := &model{
		observations: make(map[string]map[timeline.Position]timeline.Observation),
		analyzed:     make(map[string]map[timeline.Position]bool),
		breaks:       make(map[string]map[string]timeline.Break),
		clocks:       make(map[string]string),
		outbox:       make(map[string][]target),
	}
	for _, sink := range sinks {
		m.outbox[sink] = nil
	}
	return m
}

func (m *model) record(b store.Batch) {
	if m.observations[b.Media] == nil {
		m.observations[b.Media] = make(map[timeline.Position]timeline.Observation)
		m.analyzed[b.Media] = make(map[timeline.Position]bool)
		m.breaks[b.Media] = make(map[string]timeline.Break)
	}
	all := m.observations[b.Media]
	for _, o := range b.Observations {
		old, found := all[o.From]
		if found && o.Revision == old.Revision {
			old.Until = max(old.Until, o.Until)
			all[o.From] = old
		}
		if found && o.Revision <= old.Revision {
			continue
		}
		all[o.From] = *o
		key := target{b.Media, o.From}
		for sink, list := range m.outbox {
			list = slices.DeleteFunc(list, func(k target) bool { return k == key })
			m.outbox[sink] = append(list, key)
		}
	}
	for _, s := range b.Analyzed {
		for p := s.From; p < s.Until; p++ {
			m.analyzed[b.Media][p] = true
		}
	}
	for _, x := range b.Breaks {
		m.breaks[b.Media][fmt.Sprint(x.From, x.ID)] = x
	}
	if b.Clock != nil {
		m.clocks[b.Media] = string(b.Clock)
	}
}

func (m *model) prune(media string, before timeline.Position) (n int) {
	for from, o := range m.observations[media] {
		waits := false
		for _, list := range m.outbox {
			waits = waits || slices.Contains(list, target{media, from})
		}
		if o.Until <= before && !waits {
			delete(m.observations[media], from)
			n++
		}
	}
	maps.DeleteFunc(m.analyzed[media], func(p timeline.Position, _ bool) bool { return p < before })
	maps.DeleteFunc(m.breaks[media], func(_ string, x timeline.Break) bool {
		return x.Until <= before && (x.Len() > 0 || !x.Open)
	})
	return n
}

func (m *model) timeline(media string) (list []*timeline.Observation, analyzed []timeline.Span) {
	for _, from := range slices.Sorted(maps.Keys(m.observations[media])) {
		o := m.observations[media][from]
		list = append(list, &o)
	}
	for _, p := range slices.Sorted(maps.Keys(m.analyzed[media])) {
		if n := len(analyzed); n > 0 && analyzed[n-1].Until == p {
			analyzed[n-1].Until++
		} else {
			analyzed = append(analyzed, timeline.Span{From: p, Until: p + 1})
		}
	}
	return list, analyzed
}

// compare fails the test where the store differs from the model.
func (m *model) compare(t *testing.T, s *store.Store) {
	t.Helper()
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(m.observations)), s.Media()); diff != "" {
		t.Fatalf("media (-want +got):\n%s", diff)
	}
	for media := range m.observations {
		list, analyzed := m.timeline(media)
		tl, _ := s.Timeline(media)
		if diff := gocmp.Diff(list, tl.Within(everything)); diff != "" {
			t.Fatalf("%s: observations (-want +got):\n%s", media, diff)
		}
		if got := tl.Analyzed(); !slices.Equal(analyzed, got) {
			t.Fatalf("%s: analysed %v, want %v", media, got, analyzed)
		}
		want := slices.SortedFunc(maps.Values(m.breaks[media]), func(x, y timeline.Break) int {
			return cmp.Or(int(x.From-y.From), strings.Compare(x.ID, y.ID))
		})
		if diff := gocmp.Diff(want, tl.Breaks(everything), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s: breaks (-want +got):\n%s", media, diff)
		}
		if got := string(s.Clock(media)); got != m.clocks[media] {
			t.Fatalf("%s: clock %q, want %q", media, got, m.clocks[media])
		}
	}
	for sink, want := range m.outbox {
		entries, err := s.Pending(sink, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var got []target
		for _, e := range entries {
			got = append(got, target{e.Observation.Media, e.Observation.From})
			if o := m.observations[e.Observation.Media][e.Observation.From]; !gocmp.Equal(o, *e.Observation) {
				t.Fatalf("%s: pending %+v, want %+v", sink, *e.Observation, o)
			}
		}
		if n, _ := s.Backlog(sink); !slices.Equal(want, got) || n != len(want) {
			t.Fatalf("%s: %d pending %v, want %v", sink, n, got, want)
		}
	}
}

// randomBatch makes a batch that often meets what is there already.
func randomBatch(rng *rand.Rand) store.Batch {
	b := store.Batch{Media: []string{"final", "semi-final", "f"}[rng.IntN(3)]}
	for range rng.IntN(4) {
		from := timeline.Position(rng.IntN(120) - 40)
		o := observe(from, from+timeline.Position(rng.IntN(30)), rng.IntN(4))
		o.Media = b.Media
		b.Observations = append(b.Observations, o)
	}
	for range rng.IntN(3) {
		from := timeline.Position(rng.IntN(200) - 60)
		b.Analyzed = append(b.Analyzed, timeline.Span{From: from, Until: from + timeline.Position(rng.IntN(12))})
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

func TestSimulation(t *testing.T) {
	sinks := []string{"dynamodb", "archive"}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			path := filepath.Join(t.TempDir(), "spotter.db")
			s, m := open(t, path, sinks...), newModel(sinks)
			for step := range 250 {
				switch op := rng.IntN(20); {
				case op < 12:
					b := randomBatch(rng)
					record(t, s, b)
					m.record(b)
				case op < 15: // a sink confirms some, not always the first
					sink := sinks[rng.IntN(2)]
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
				case op < 17:
					media, before := "final", timeline.Position(rng.IntN(140)-50)
					n, err := s.Prune(media, before)
					if want := m.prune(media, before); n != want || err != nil {
						t.Fatalf("step %d: pruned %d, %v; want %d", step, n, err, want)
					}
				case op < 18:
					s = reopened(t, s, path, sinks...)
				}
				if step%10 == 0 {
					m.compare(t, s)
				}
			}
			m.compare(t, s)
			s = reopened(t, s, path, sinks...)
			m.compare(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			check(t, path)
		})
	}
}
