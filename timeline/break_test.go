package timeline_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func ended(id string, from, until timeline.Position) timeline.Break {
	return timeline.Break{ID: id, Span: span(from, until)}
}

func lasting(id string, from, until timeline.Position) timeline.Break {
	return timeline.Break{ID: id, Span: span(from, until), Open: true}
}

func ids(list []timeline.Break) (out []string) {
	for _, b := range list {
		out = append(out, b.ID)
	}
	return out
}

func TestBreaks(t *testing.T) {
	tl := new(timeline.Timeline).WithBreaks([]timeline.Break{
		ended("b", 30, 40), ended("a", 10, 20), lasting("endless", 15, 15), lasting("planned", 60, 90), ended("nothing", 50, 50), ended("c", 30, 35),
	})
	for name, tc := range map[string]struct {
		window timeline.Span
		want   []string
	}{
		"before all":              {span(0, 9), nil},
		"its end is closed":       {span(0, 10), []string{"a"}},
		"a break's end is open":   {span(20, 29), []string{"endless"}},
		"two from one place":      {span(32, 33), []string{"endless", "b", "c"}},
		"one of no length":        {span(45, 55), []string{"endless"}},
		"planned to last":         {span(70, 80), []string{"endless", "planned"}},
		"after what was planned":  {span(90, 99), []string{"endless"}},
		"all":                     {span(-99, 99), []string{"a", "endless", "b", "c", "planned"}},
		"long after the endless":  {span(100_000, 100_001), []string{"endless"}},
		"reversed":                {span(9, 0), nil},
		"one point in the middle": {span(12, 12), []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ids(tl.Breaks(tc.window))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			c := timeline.Context{Breaks: []timeline.Break{ended("old", 0, 1)}}
			tl.Context(&c, tc.window)
			if diff := cmp.Diff(tc.want, ids(c.Breaks)); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithBreaksReplacesAndLeavesOldAlone(t *testing.T) {
	old := timeline.New(nil, []timeline.Span{span(0, 50)}).WithBreaks([]timeline.Break{lasting("a", 10, 10), ended("b", 5, 7)})
	now := old.WithBreaks([]timeline.Break{ended("a", 10, 30), ended("a", 40, 45)}).With([]*timeline.Observation{scene(0, 5, "x")}, nil)
	if diff := cmp.Diff([]timeline.Break{ended("b", 5, 7), ended("a", 10, 30), ended("a", 40, 45)}, now.Breaks(span(0, 99))); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]timeline.Break{ended("b", 5, 7), lasting("a", 10, 10)}, old.Breaks(span(0, 99))); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	if !now.Complete(span(0, 50)) || now.Len() != 1 || old.WithBreaks(nil) != old {
		t.Error("breaks changed what else there is")
	}
}

func TestWithoutBreaks(t *testing.T) {
	tl := new(timeline.Timeline).WithBreaks([]timeline.Break{ended("a", 0, 10), lasting("b", 5, 5), ended("c", 8, 20), lasting("d", 9, 18)})
	for p, want := range map[timeline.Position][]string{
		9: {"a", "b", "c", "d"}, 10: {"b", "c", "d"}, 18: {"b", "c"}, 20: {"b"}, 99: {"b"},
	} {
		if diff := cmp.Diff(want, ids(tl.Without(p).Breaks(span(-99, 999)))); diff != "" {
			t.Errorf("without %v (-want +got):\n%s", p, diff)
		}
	}
}

// TestBreaksAgainstScan compares look-ups of random breaks, added in random steps, with a scan of all.
func TestBreaksAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		tl := new(timeline.Timeline)
		all := make(map[string]timeline.Break)
		for range rng.IntN(20) {
			from := timeline.Position(rng.IntN(200))
			b := timeline.Break{ID: fmt.Sprint(rng.IntN(2)), Span: span(from, from+timeline.Position(rng.IntN(30))), Open: rng.IntN(4) == 0}
			all[fmt.Sprint(b.From, b.ID)] = b
			tl = tl.WithBreaks([]timeline.Break{b})
		}
		for range 50 {
			w := span(timeline.Position(rng.IntN(260)-30), 0)
			w.Until = w.From + timeline.Position(rng.IntN(40))
			var want []timeline.Break
			for _, b := range all {
				endless := b.Open && b.Len() == 0
				if b.From <= w.Until && (endless || b.Until > w.From && b.Len() > 0) {
					want = append(want, b)
				}
			}
			got := tl.Breaks(w)
			if !slices.IsSortedFunc(got, func(x, y timeline.Break) int { return int(x.From - y.From) }) {
				t.Fatalf("%v is not by From", got)
			}
			order := func(x, y timeline.Break) int { return int(x.From-y.From)*2 + int(x.ID[0]) - int(y.ID[0]) }
			slices.SortFunc(want, order)
			if !slices.Equal(got, want) {
				t.Fatalf("in %v: %v, want %v", w, got, want)
			}
		}
	}
}

func TestBreakJSON(t *testing.T) {
	for want, b := range map[string]timeline.Break{
		`{"id":"7","from":1.5,"until":31.5}`:                  ended("7", 1500, 31_500),
		`{"from":1.5,"until":1.5,"open":true,"skipped":true}`: {Span: span(1500, 1500), Open: true, Skipped: true},
		`{"id":"7","from":-1.5,"until":31.5,"open":true}`:     lasting("7", -1500, 31_500),
	} {
		text, err := json.Marshal(b)
		var back timeline.Break
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || string(text) != want || back != b {
			t.Errorf("%s, %+v, %v; want %s", text, back, err, want)
		}
	}
}
