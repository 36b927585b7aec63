package timeline_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// scan is what a look-up is to find, found the simple way: by asking every observation, and comparing names and ids.
func scan(all []*timeline.Observation, w timeline.Span) (c timeline.Context) {
	for _, o := range all {
		if !o.Meets(w) {
			continue
		}
		cut := o.Cut(w)
		for i := range o.Celebrities {
			c.Celebrities = scanned(c.Celebrities, &o.Celebrities[i], cut, o.Source)
		}
		for i := range o.Objects {
			c.Objects = scanned(c.Objects, &o.Objects[i], cut, o.Source)
		}
	}
	return c
}

func scanned(list []timeline.Seen, e *timeline.Entity, cut timeline.Span, source string) []timeline.Seen {
	for i := range list {
		s := &list[i]
		if same := s.Name == e.Name; s.ID != "" && e.ID != "" && s.ID != e.ID || (s.ID == "" || e.ID == "") && !same {
			continue
		}
		s.From, s.Until = min(s.From, cut.From), max(s.Until, cut.Until)
		if e.Confidence > s.Confidence {
			s.Entity, s.Source = *e, source
		}
		return list
	}
	return append(list, timeline.Seen{Entity: *e, Span: cut, Source: source})
}

// randomEntities are few names and ids in all combinations, so that who is who depends on which answers a window has.
func randomEntities(r *rand.Rand, names int) (list []timeline.Entity) {
	for range r.IntN(6) {
		e := timeline.Entity{Name: fmt.Sprint("n", r.IntN(names)), Confidence: float64(r.IntN(5))}
		if r.IntN(2) == 0 {
			e.ID = fmt.Sprint("i", r.IntN(names))
		}
		for range r.IntN(3) {
			e.URLs = append(e.URLs, fmt.Sprint("u", r.IntN(2)))
		}
		switch r.IntN(4) {
		case 0:
			e.Parents, e.Aliases = []string{"p"}, []string{}
		case 1:
			e.Aliases = []string{"p"}
		}
		list = append(list, e)
	}
	return list
}

// TestLookAgainstScan compares look-ups in random timelines, built in random steps, with a scan of all: with few names and many,
// scenes of no length and of the whole event, and enough of them for many blocks.
func TestLookAgainstScan(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	var c timeline.Context
	for range 150 {
		size, names := 1+r.IntN(3000), 1+r.IntN(400)
		tl, all := new(timeline.Timeline), make(map[timeline.Position]*timeline.Observation)
		for len(all) < size/2 {
			var list []*timeline.Observation
			for range 1 + r.IntN(size) {
				from := timeline.Position(r.IntN(size*10) - size)
				length := timeline.Position(r.IntN(30))
				if r.IntN(500) == 0 {
					length = timeline.Position(r.IntN(size * 10))
				}
				o := &timeline.Observation{
					Span: span(from, from+length), Source: fmt.Sprint("s", r.IntN(3)),
					Celebrities: randomEntities(r, names), Objects: randomEntities(r, names),
				}
				all[from] = o
				list = append(list, o)
			}
			tl = tl.With(list, nil)
		}
		if r.IntN(4) == 0 {
			p := timeline.Position(r.IntN(size * 10))
			tl = tl.Without(p)
			maps.DeleteFunc(all, func(_ timeline.Position, o *timeline.Observation) bool { return o.Until <= p })
		}
		sorted := slices.SortedFunc(maps.Values(all), func(a, b *timeline.Observation) int { return int(a.From - b.From) })
		if tl.Len() != len(sorted) {
			t.Fatalf("%d observations, want %d", tl.Len(), len(sorted))
		}
		for range 20 {
			w := span(timeline.Position(r.IntN(size*12)-size), 0)
			w.Until = w.From + timeline.Position(r.IntN(80)) - 2
			want := scan(sorted, w)
			tl.Context(&c, w)
			if !slices.EqualFunc(want.Celebrities, c.Celebrities, equalSeen) || !slices.EqualFunc(want.Objects, c.Objects, equalSeen) {
				t.Fatalf("in %v (-scan +look):\n%s", w, cmp.Diff(want, c))
			}
			from := timeline.Position(r.IntN(size*12) - size)
			if got := tl.At(from); got != all[from] {
				t.Fatalf("at %v: %v, want %v", from, got, all[from])
			}
		}
	}
}

func equalSeen(a, b timeline.Seen) bool {
	missing := func(x, y []string) bool { return (x == nil) == (y == nil) && slices.Equal(x, y) }
	return a.Name == b.Name && a.ID == b.ID && a.Confidence == b.Confidence && a.Span == b.Span && a.Source == b.Source &&
		missing(a.URLs, b.URLs) && missing(a.Parents, b.Parents) && missing(a.Aliases, b.Aliases)
}

// TestLookUsedForTwoTimelines must not take the entities of one for those of the other.
func TestLookUsedForTwoTimelines(t *testing.T) {
	var l timeline.Look
	for range 3 {
		for _, name := range []string{"a", "b"} {
			timeline.New([]*timeline.Observation{scene(0, 10, name)}, nil).Look(&l, span(0, 5))
			if len(l.Objects) != 1 || l.Objects[0].Name != name || l.Objects[0].Confidence != 90 {
				t.Errorf("%+v, want %s", l.Objects, name)
			}
		}
	}
}

func TestTextsAreWrittenOnce(t *testing.T) {
	tl := timeline.New(busy(200), nil)
	times := map[string]int{}
	write := func(b []byte, e *timeline.Entity) []byte {
		times[e.Name]++
		return append(b, e.Name...)
	}
	for i := range 200 {
		var l timeline.Look
		tl.Look(&l, span(timeline.Position(i)*2000, timeline.Position(i)*2000+1000))
		for _, s := range append(l.Celebrities, l.Objects...) {
			if got := string(tl.Texts(write).Of(&s)); got != s.Name {
				t.Errorf("%s is written as %s", s.Name, got)
			}
		}
	}
	for name, n := range times {
		if n != 1 {
			t.Errorf("%s was written %d times", name, n)
		}
	}
	if len(times) != 65 {
		t.Errorf("%d entities", len(times))
	}
}

// TestReadersWhileWritten has readers look at whatever is newest, and at what was new before, while two branches grow from it.
func TestReadersWhileWritten(t *testing.T) {
	list := busy(600)
	var newest atomic.Pointer[timeline.Timeline]
	newest.Store(timeline.New(list[:1], nil))
	var readers sync.WaitGroup
	stop := make(chan struct{})
	write := func(b []byte, e *timeline.Entity) []byte { return append(b, e.Name...) }
	for range 3 {
		readers.Go(func() {
			first := newest.Load()
			for {
				for _, tl := range []*timeline.Timeline{first, newest.Load()} {
					last := tl.Last()
					var l timeline.Look
					tl.Look(&l, last.Span)
					if s := l.Celebrities[len(l.Celebrities)-1]; s.Name != last.Celebrities[2].Name || string(tl.Texts(write).Of(&s)) != s.Name {
						t.Errorf("%s is last, want %s", s.Name, last.Celebrities[2].Name)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := 1; i < len(list); i++ {
		old := newest.Load()
		newest.Store(old.With(list[i:i+1], nil))
		old.With([]*timeline.Observation{scene(list[i].From, list[i].Until, fmt.Sprint("other ", i))}, nil)
	}
	close(stop)
	readers.Wait()
	if n := newest.Load().Len(); n != len(list) {
		t.Errorf("%d observations", n)
	}
}
