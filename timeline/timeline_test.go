package timeline_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// scene is an observation of one object, in milliseconds.
func scene(from, until timeline.Position, name string) *timeline.Observation {
	return &timeline.Observation{
		Media: "m", Span: span(from, until), Source: timeline.SourceONNX,
		Objects: []timeline.Entity{{Name: name, Confidence: 90}},
	}
}

func span(from, until timeline.Position) timeline.Span {
	return timeline.Span{From: from, Until: until}
}

// names lists the objects of the observations that meet a window.
func names(list []*timeline.Observation) (out []string) {
	for _, o := range list {
		out = append(out, o.Objects[0].Name)
	}
	return out
}

func TestWithin(t *testing.T) {
	tl := timeline.New([]*timeline.Observation{
		scene(40, 50, "second"), scene(-20, -10, "before zero"), scene(50, 60, "third"), scene(-5, 40, "first"), scene(80, 90, "last"),
	}, nil)
	for name, tc := range map[string]struct {
		window timeline.Span
		want   []string
	}{
		"inside one":              {span(42, 44), []string{"second"}},
		"a point":                 {span(45, 45), []string{"second"}},
		"a point between two":     {span(50, 50), []string{"third"}},
		"its end is closed":       {span(41, 50), []string{"second", "third"}},
		"a scene's end is open":   {span(60, 79), nil},
		"long scene begun before": {span(30, 39), []string{"first"}},
		"across zero":             {span(-11, -5), []string{"before zero", "first"}},
		"all negative":            {span(-30, -15), []string{"before zero"}},
		"before everything":       {span(-100, -21), nil},
		"after everything":        {span(90, 1000), nil},
		"everything":              {span(-100, 100), []string{"before zero", "first", "second", "third", "last"}},
		"reversed":                {span(60, 40), nil},
		"widest":                  {span(-timeline.MaxPosition, timeline.MaxPosition), []string{"before zero", "first", "second", "third", "last"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, names(tl.Within(tc.window))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	tl := timeline.New(nil, []timeline.Span{span(10, 20), span(-10, 5), span(20, 30), span(40, 50), span(41, 42), span(60, 60)})
	if diff := cmp.Diff([]timeline.Span{span(-10, 5), span(10, 30), span(40, 50)}, tl.Analyzed()); diff != "" {
		t.Errorf("analysed (-want +got):\n%s", diff)
	}
	for w, want := range map[timeline.Span]bool{
		span(-10, 5): true, span(-3, 0): true, span(12, 28): true, span(10, 30): true, span(45, 45): true,
		span(-11, 0): false, span(0, 10): false, span(5, 10): false, span(5, 5): false, span(28, 41): false,
		span(30, 40): false, span(45, 51): false, span(60, 60): false, span(-10, 50): false,
	} {
		if got := tl.Complete(w); got != want {
			t.Errorf("complete in %v is %v, want %v", w, got, want)
		}
	}
	if p, ok := tl.AnalyzedUntil(); p != 50 || !ok {
		t.Errorf("analysed until %v, %v", p, ok)
	}
	if p, ok := new(timeline.Timeline).AnalyzedUntil(); p != 0 || ok {
		t.Errorf("an empty timeline is analysed until %v, %v", p, ok)
	}
}

func TestWithReplacesAndLeavesOldAlone(t *testing.T) {
	old := timeline.New([]*timeline.Observation{scene(0, 10, "a"), scene(10, 20, "b")}, []timeline.Span{span(0, 20)})
	now := old.With([]*timeline.Observation{scene(10, 15, "B"), scene(5, 7, "c"), scene(20, 30, "d")}, []timeline.Span{span(20, 30)})
	if diff := cmp.Diff([]string{"a", "c", "B", "d"}, names(now.Within(span(-1, 99)))); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names(old.Within(span(-1, 99)))); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	if old.Complete(span(0, 30)) || !now.Complete(span(0, 30)) {
		t.Error("the next one's span is not the next one's alone")
	}
	if last := now.Last(); now.Len() != 4 || last.From != 20 {
		t.Errorf("%d observations, the last %+v", now.Len(), last)
	}
	if new(timeline.Timeline).Last() != nil {
		t.Error("an empty timeline has a last observation")
	}
}

func TestWithout(t *testing.T) {
	tl := timeline.New([]*timeline.Observation{scene(-9, 0, "a"), scene(0, 10, "b"), scene(5, 40, "c"), scene(10, 20, "d")},
		[]timeline.Span{span(-9, 4), span(6, 20)})
	for p, want := range map[timeline.Position][]string{
		-100: {"a", "b", "c", "d"}, 0: {"b", "c", "d"}, 9: {"b", "c", "d"}, 10: {"c", "d"}, 20: {"c"}, 40: nil,
	} {
		got := tl.Without(p)
		if diff := cmp.Diff(want, names(got.Within(span(-100, 100)))); diff != "" {
			t.Errorf("without %v (-want +got):\n%s", p, diff)
		}
		for _, s := range got.Analyzed() {
			if s.From < p && p > -9 {
				t.Errorf("without %v: %v is still analysed", p, s)
			}
		}
	}
	if diff := cmp.Diff([]timeline.Span{span(10, 20)}, tl.Without(10).Analyzed()); diff != "" {
		t.Errorf("analysed without 10 (-want +got):\n%s", diff)
	}
	if tl.Len() != 4 {
		t.Error("the old timeline changed")
	}
}

// TestAgainstScan compares look-ups in random timelines, built in random steps, with a scan of everything.
func TestAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		tl := new(timeline.Timeline)
		all := make(map[timeline.Position]*timeline.Observation)
		analyzed := make(map[timeline.Position]bool)
		for range rng.IntN(12) {
			var list []*timeline.Observation
			var spans []timeline.Span
			for range rng.IntN(6) {
				from := timeline.Position(rng.IntN(200) - 100)
				o := scene(from, from+timeline.Position(rng.IntN(25)), "x")
				all[from] = o
				list = append(list, o)
			}
			for range rng.IntN(3) {
				s := span(timeline.Position(rng.IntN(200)-100), 0)
				s.Until = s.From + timeline.Position(rng.IntN(25))
				for p := s.From; p < s.Until; p++ {
					analyzed[p] = true
				}
				spans = append(spans, s)
			}
			tl = tl.With(list, spans)
		}
		for range 50 {
			w := span(timeline.Position(rng.IntN(260)-130), 0)
			w.Until = w.From + timeline.Position(rng.IntN(40))
			var want []*timeline.Observation
			for _, o := range all {
				if o.From <= w.Until && o.Until > w.From {
					want = append(want, o)
				}
			}
			slices.SortFunc(want, func(a, b *timeline.Observation) int { return int(a.From - b.From) })
			if got := tl.Within(w); !slices.Equal(got, want) {
				t.Fatalf("within %v: %v, want %v", w, got, want)
			}
			complete := analyzed[w.From]
			for p := w.From; p < w.Until; p++ {
				complete = complete && analyzed[p]
			}
			if got := tl.Complete(w); got != complete {
				t.Fatalf("complete in %v of %v is %v", w, tl.Analyzed(), got)
			}
		}
	}
}

func TestObservationJSON(t *testing.T) {
	for name, tc := range map[string]struct {
		o    timeline.Observation
		want string
	}{
		"nobody": {
			timeline.Observation{Media: "m", Span: span(-1500, 41_275), Source: "onnx", Revision: 2},
			`{"media":"m","from":-1.5,"until":41.275,"source":"onnx","revision":2,"celebrities":[],"objects":[]}`,
		},
		"both": {
			timeline.Observation{
				Media: "m", Source: "rekognition",
				Celebrities: []timeline.Entity{{Name: "Zoë", ID: "4x", URLs: []string{"u"}, Confidence: 99.5}},
				Objects:     []timeline.Entity{{Name: "Couch", Confidence: 93.4}},
			},
			`{"media":"m","from":0.0,"until":0.0,"source":"rekognition","revision":0,` +
				`"celebrities":[{"name":"Zoë","id":"4x","urls":["u"],"confidence":99.5}],"objects":[{"name":"Couch","confidence":93.4}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(&tc.o)
			if err != nil || string(b) != tc.want {
				t.Fatalf("%s, %v\nwant %s", b, err, tc.want)
			}
			var back timeline.Observation
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			if again, _ := json.Marshal(back); string(again) != tc.want {
				t.Errorf("read back it is %s", again)
			}
		})
	}
}
