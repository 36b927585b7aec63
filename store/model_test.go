package store_test

import (
	"cmp"
	"fmt"
	"maps"
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
	frames       map[target]store.SpooledFrame

	sinks     []store.Sink
	room      int64
	outbox    map[string][]waiting // by sink, in order
	dropped   map[string]int64     // by sink
	announced map[string]timeline.Position
}

type target struct {
	media string
	from  timeline.Position
}

func newModel(sinks []store.Sink, room int64) *model {
	return &model{
		observations: make(map[string]map[timeline.Position]timeline.Observation),
		analyzed:     make(map[string]map[timeline.Position]bool),
		breaks:       make(map[string]map[string]timeline.Break),
		clocks:       make(map[string]string),
		frames:       make(map[target]store.SpooledFrame),
		sinks:        sinks,
		room:         room,
		outbox:       make(map[string][]waiting),
		dropped:      make(map[string]int64),
		announced:    make(map[string]timeline.Position),
	}
}

// medium makes what is kept of a media.
func (m *model) medium(media string) {
	if m.observations[media] == nil {
		m.observations[media] = make(map[timeline.Position]timeline.Observation)
		m.analyzed[media] = make(map[timeline.Position]bool)
		m.breaks[media] = make(map[string]timeline.Break)
	}
}

// put keeps an observation that is news to the sinks.
func (m *model) put(o timeline.Observation) {
	m.observations[o.Media][o.From] = o
	m.queue(store.Observations, waiting{target: target{o.Media, o.From}})
}

func (m *model) record(b store.Batch) {
	m.medium(b.Media)
	all := m.observations[b.Media]
	for _, o := range b.Observations {
		old, found := all[o.From]
		switch {
		case !found:
			now := *o
			now.Revision = 1
			m.put(now)
		case !old.Open:
		case o.Open && o.Until <= old.Until:
		case o.Open:
			old.Until = o.Until
			m.put(old)
		default:
			old.Until, old.Open, old.Revision = max(old.Until, o.Until), false, old.Revision+1
			m.put(old)
		}
	}
	for _, s := range b.Missed {
		if f, found := m.frames[target{b.Media, s.From}]; found {
			f.Until = max(f.Until, s.Until)
			m.frames[target{b.Media, s.From}] = f
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
	m.recordCloud(b)
}

func (m *model) revise(key target, change func(*timeline.Observation) bool) bool {
	old, found := m.observations[key.media][key.from]
	if now := old; found && change(&now) {
		now.Span, now.Revision = old.Span, old.Revision+1
		m.put(now)
		m.makeRoom()
	}
	return found
}

func (m *model) spool(f store.SpooledFrame) (dropped int) {
	key := target{f.Media, f.From}
	if old, found := m.frames[key]; found {
		f.Until = max(f.Until, old.Until)
	}
	m.frames[key] = f
	for {
		list, size := m.spooled()
		if size <= simulatedSpool {
			return dropped
		}
		oldest := list[len(list)-1]
		delete(m.frames, target{oldest.Media, oldest.From})
		dropped++
	}
}

func (m *model) unspool(key target, change func(*timeline.Observation) bool) bool {
	f, spooled := m.frames[key]
	delete(m.frames, key)
	if _, found := m.observations[key.media][key.from]; found {
		return change == nil || m.revise(key, change)
	}
	made := timeline.Observation{Media: key.media, Celebrities: []timeline.Entity{}}
	if change == nil || !spooled || f.Until == f.From || !change(&made) {
		return false
	}
	m.medium(key.media)
	made.Span, made.Revision = timeline.Span{From: f.From, Until: f.Until}, 1
	m.put(made)
	m.makeRoom()
	for p := f.From; p < f.Until; p++ {
		m.analyzed[key.media][p] = true
	}
	return true
}

// spooled returns all frames, newest first, and how many bytes their pictures have.
func (m *model) spooled() (list []store.SpooledFrame, size int) {
	for _, f := range m.frames {
		size += len(f.JPEG)
	}
	return slices.SortedFunc(maps.Values(m.frames), func(x, y store.SpooledFrame) int {
		return cmp.Or(y.At.Compare(x.At), strings.Compare(y.Media, x.Media), cmp.Compare(y.From, x.From))
	}), size
}

func (m *model) prune(media string, before timeline.Position) (n int) {
	maps.DeleteFunc(m.frames, func(k target, f store.SpooledFrame) bool {
		o, found := m.observations[media][k.from]
		return k.media == media && k.from < before && f.Until <= before && !(found && o.Until > before)
	})
	for from, o := range m.observations[media] {
		waits := false
		for _, sink := range m.sinks {
			waits = waits || sink.Kind == store.Observations &&
				slices.ContainsFunc(m.outbox[sink.Name], func(w waiting) bool { return w.target == target{media, from} })
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
	m.compareSpool(t, s)
	m.compareOutbox(t, s)
}

func (m *model) compareSpool(t *testing.T, s *store.Store) {
	t.Helper()
	list, _ := m.spooled()
	holds(t, s, "simulated", list...)
	oldest := make(map[string]timeline.Position)
	for _, f := range list {
		if p, found := oldest[f.Media]; !found || f.From < p {
			oldest[f.Media] = f.From
		}
	}
	for media := range m.observations {
		want, found := oldest[media]
		if got, ok := s.OldestSpooled(media); got != want || ok != found {
			t.Fatalf("%s: the oldest frame is at %v, %v; want %v, %v", media, got, ok, want, found)
		}
	}
}
