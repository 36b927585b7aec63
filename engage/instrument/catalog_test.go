package instrument_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/instrument"
	"spotter/timeline"
)

func TestOrder(t *testing.T) {
	list := []instrument.Instrument{{ID: "b"}, {ID: "a", Priority: -1}, {ID: "c", Priority: 2}, {ID: "A"}}
	c := instrument.NewCatalog(list)
	if d := cmp.Diff([][]string{{"c"}, {"A"}, {"b"}, {"a"}}, ids(c, &instrument.Question{Now: noon})); d != "" {
		t.Error(d)
	}
	if list[0].ID != "b" {
		t.Error("the list that was given has changed")
	}
	if i := c.Get("c"); i == nil || i.Priority != 2 {
		t.Errorf("got %v", i)
	}
	if i := c.Get("C"); i != nil {
		t.Errorf("got %v for an id that is not there", i)
	}
}

func TestNoInstruments(t *testing.T) {
	c := instrument.NewCatalog(nil)
	if list := ids(c, &instrument.Question{Media: "m", Look: game(), Now: noon}); list != nil {
		t.Errorf("got %v", list)
	}
}

// names are few, so that instruments and screens share them; some differ in letter case only.
var names = []string{"Person", "PERSON", "Couch", "sofa", "Furniture", "Jane", "jane", "Ελένη", "ΕΛΈΝΗ", "4xy", "Car", "Kelvin"}

func some(r *rand.Rand, most int) (list []string) {
	for range r.IntN(most + 1) {
		list = append(list, names[r.IntN(len(names))])
	}
	return list
}

func randomInstruments(r *rand.Rand) []instrument.Instrument {
	list := make([]instrument.Instrument, r.IntN(200))
	for n := range list {
		i := &list[n]
		i.ID, i.Priority = fmt.Sprint(n), r.IntN(3)
		i.Targets = instrument.Targets{Any: some(r, 2), All: some(r, 1), None: some(r, 1)}
		if r.IntN(2) == 0 {
			i.Audience = map[string]instrument.Condition{fmt.Sprint("a", r.IntN(3)): {Min: new(float64(r.IntN(3)))}}
		}
		if r.IntN(2) == 0 {
			i.Media = []string{fmt.Sprint("m", r.IntN(2))}
		}
		if r.IntN(2) == 0 {
			i.Flight.Start = noon.Add(time.Duration(r.IntN(5)-3) * time.Hour)
		}
		if r.IntN(2) == 0 {
			i.Flight.End = noon.Add(time.Duration(r.IntN(5)) * time.Hour)
		}
		if r.IntN(3) == 0 {
			i.Positions = []timeline.Span{{From: 0, Until: timeline.Position(r.IntN(2000))}}
		}
	}
	return list
}

func randomQuestion(r *rand.Rand, q *instrument.Question) {
	var celebrities, objects []timeline.Entity
	for _, s := range some(r, 2) {
		celebrities = append(celebrities, timeline.Entity{Name: s, ID: names[r.IntN(len(names))]})
	}
	for _, s := range some(r, 2) {
		objects = append(objects, timeline.Entity{Name: s, Parents: some(r, 1), Aliases: some(r, 1)})
	}
	q.Media, q.Position = fmt.Sprint("m", r.IntN(3)), timeline.Position(r.IntN(2000))
	q.Now = noon.Add(time.Duration(r.IntN(6)-2) * time.Hour)
	q.Look = screen(celebrities, objects)
	q.Viewer = nil
	if r.IntN(4) > 0 {
		q.Viewer = map[string]any{"a0": float64(r.IntN(3)), "a1": float64(r.IntN(3))}
	}
}

// simple is what Eligible is to find, found by asking each instrument.
func simple(c *instrument.Catalog, q *instrument.Question) (list [][]string) {
	on := func(s string) bool {
		same := func(other string) bool { return strings.EqualFold(s, other) }
		for _, x := range slices.Concat(q.Look.Celebrities, q.Look.Objects) {
			if same(x.Name) || same(x.ID) || slices.ContainsFunc(x.Parents, same) || slices.ContainsFunc(x.Aliases, same) {
				return true
			}
		}
		return false
	}
	off := func(s string) bool { return !on(s) }
	for _, i := range c.All() {
		targets := slices.ContainsFunc(i.Targets.Any, on) || len(i.Targets.Any) == 0
		targets = targets && !slices.ContainsFunc(i.Targets.All, off) && !slices.ContainsFunc(i.Targets.None, on)
		media := len(i.Media) == 0 || slices.Contains(i.Media, q.Media)
		flight := !q.Now.Before(i.Flight.Start) && (i.Flight.End.IsZero() || q.Now.Before(i.Flight.End))
		position := len(i.Positions) == 0 || q.Position >= i.Positions[0].From && q.Position < i.Positions[0].Until
		audience := true
		for name, condition := range i.Audience {
			f, ok := q.Viewer[name].(float64)
			audience = audience && ok && f >= *condition.Min
		}
		if targets && media && flight && position && audience {
			one := []string{i.ID}
			for _, s := range slices.Concat(i.Targets.Any, i.Targets.All) {
				if s = strings.ToLower(s); on(s) && !slices.Contains(one, s) {
					one = append(one, s)
				}
			}
			list = append(list, one)
		}
	}
	return list
}

// TestEligibleAgainstSimple asks catalogs that follow one another, with one Question, as a reload does.
func TestEligibleAgainstSimple(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q instrument.Question
	found := 0
	for round := range 40 {
		c := instrument.NewCatalog(randomInstruments(r))
		for range 50 {
			randomQuestion(r, &q)
			want := simple(c, &q)
			found += len(want)
			if d := cmp.Diff(want, ids(c, &q)); d != "" {
				t.Fatalf("round %d: %s", round, d)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d were eligible: the test shows little", found)
	}
}

func TestManyAskAtOnce(t *testing.T) {
	c := instrument.NewCatalog(randomInstruments(rand.New(rand.NewPCG(3, 4))))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(n)))
			var q instrument.Question
			for range 50 {
				randomQuestion(r, &q)
				if d := cmp.Diff(simple(c, &q), ids(c, &q)); d != "" {
					t.Error(d)
					return
				}
			}
		})
	}
	all.Wait()
}

// A catalog forgets entities when it has seen very many, and still knows them.
func TestVeryManyEntities(t *testing.T) {
	c := instrument.NewCatalog([]instrument.Instrument{{ID: "i", Targets: instrument.Targets{Any: []string{"Person"}}}})
	person := screen(nil, []timeline.Entity{{Name: "person"}})
	q := instrument.Question{Now: noon}
	for n := range instrument.MaxKnown + 10 {
		if q.Look = screen(nil, []timeline.Entity{{Name: fmt.Sprint("Thing ", n)}}); ids(c, &q) != nil {
			t.Fatal("it is shown without its target")
		}
		if q.Look = person; n%1000 == 0 && ids(c, &q) == nil {
			t.Fatal("it is not shown")
		}
	}
}

func TestTargetsAreSpelledAlike(t *testing.T) {
	spelled := make(map[string]bool)
	for _, s := range []string{"Jane DOE", "jane doe", "JANE DOE"} {
		c := instrument.NewCatalog([]instrument.Instrument{{ID: "i", Targets: instrument.Targets{Any: []string{s}}}})
		spelled[c.Targets()[0]] = true
	}
	if len(spelled) != 1 || !spelled["jane doe"] {
		t.Errorf("got %v", slices.Collect(maps.Keys(spelled)))
	}
}
