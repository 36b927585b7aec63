package timeline_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

var answered = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// stored is an observation as it stands at its key.
func stored(s timeline.Span, revision int, open bool) *timeline.Observation {
	return &timeline.Observation{
		Media: "m", Span: s, Source: "onnx", Revision: revision, Open: open, At: answered,
		Celebrities: []timeline.Entity{}, Objects: []timeline.Entity{{Name: "Person", Confidence: 90}},
	}
}

// told is one as an observer tells it, of other content and any revision.
func told(s timeline.Span, open bool) *timeline.Observation {
	return &timeline.Observation{Media: "m", Span: s, Source: "classic", Revision: 7, Open: open, At: answered.Add(time.Hour)}
}

func TestSettle(t *testing.T) {
	first := told(span(0, 5), true)
	first.Revision, first.Celebrities, first.Objects = 1, []timeline.Entity{}, []timeline.Entity{}
	closed := *first
	closed.Open = false
	for name, tc := range map[string]struct {
		old, o, want *timeline.Observation
		fresh        bool
	}{
		"the first, on screen":       {nil, told(span(0, 5), true), first, true},
		"the first, over":            {nil, told(span(0, 5), false), &closed, true},
		"it lasts":                   {stored(span(0, 5), 1, true), told(span(0, 9), true), stored(span(0, 9), 1, true), false},
		"it lasts, after a revision": {stored(span(0, 5), 3, true), told(span(0, 9), true), stored(span(0, 9), 3, true), false},
		"told again":                 {stored(span(0, 5), 1, true), told(span(0, 5), true), nil, false},
		"an earlier state":           {stored(span(0, 5), 1, true), told(span(0, 3), true), nil, false},
		"its end":                    {stored(span(0, 5), 1, true), told(span(0, 9), false), stored(span(0, 9), 2, false), true},
		"its end where last seen":    {stored(span(0, 5), 1, true), told(span(0, 5), false), stored(span(0, 5), 2, false), true},
		"its end is never earlier":   {stored(span(0, 5), 2, true), told(span(0, 3), false), stored(span(0, 5), 3, false), true},
		"its end again":              {stored(span(0, 5), 2, false), told(span(0, 5), false), nil, false},
		"seen a second time":         {stored(span(0, 5), 2, false), told(span(0, 9), true), nil, false},
		"a second, later end":        {stored(span(0, 5), 2, false), told(span(0, 9), false), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			now, fresh := timeline.Settle(tc.old, tc.o)
			if diff := cmp.Diff(tc.want, now); diff != "" || fresh != tc.fresh {
				t.Errorf("fresh %v, want %v (-want +got):\n%s", fresh, tc.fresh, diff)
			}
			if tc.o.Revision != 7 {
				t.Error("what was told was changed")
			}
		})
	}
}

func TestRevise(t *testing.T) {
	old := stored(span(0, 5), 2, true)
	local := time.FixedZone("local", 3600)
	now := timeline.Revise(old, func(o *timeline.Observation) bool {
		o.Source, o.Objects, o.At = "rekognition", nil, answered.Add(time.Minute).In(local)
		o.Celebrities = []timeline.Entity{{Name: "Ann", Confidence: 99}}
		o.Media, o.Span, o.Revision, o.Open = "another", span(7, 9), 99, false
		return true
	})
	want := &timeline.Observation{
		Media: "m", Span: span(0, 5), Source: "rekognition", Revision: 3, Open: true, At: answered.Add(time.Minute),
		Celebrities: []timeline.Entity{{Name: "Ann", Confidence: 99}}, Objects: []timeline.Entity{},
	}
	if diff := cmp.Diff(want, now); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	refused := timeline.Revise(old, func(o *timeline.Observation) bool { o.Source = "classic"; return false })
	if diff := cmp.Diff(stored(span(0, 5), 2, true), old); diff != "" || refused != nil {
		t.Errorf("refused is %v, the old one (-want +got):\n%s", refused, diff)
	}
}

func TestAt(t *testing.T) {
	tl := timeline.New([]*timeline.Observation{stored(span(-5, -5), 1, true), stored(span(0, 5), 1, false)}, nil)
	for from, want := range map[timeline.Position]bool{-6: false, -5: true, 0: true, 1: false, 5: false} {
		if o := tl.At(from); (o != nil) != want || want && o.From != from {
			t.Errorf("at %v: %+v", from, o)
		}
	}
}
