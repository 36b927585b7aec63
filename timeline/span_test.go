package timeline_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func TestMinus(t *testing.T) {
	for name, tc := range map[string]struct{ spans, others, want []timeline.Span }{
		"nothing":        {nil, []timeline.Span{span(0, 1)}, nil},
		"by nothing":     {[]timeline.Span{span(0, 9)}, nil, []timeline.Span{span(0, 9)}},
		"all":            {[]timeline.Span{span(2, 4)}, []timeline.Span{span(0, 9)}, nil},
		"the middle":     {[]timeline.Span{span(0, 9)}, []timeline.Span{span(3, 5)}, []timeline.Span{span(0, 3), span(5, 9)}},
		"both ends":      {[]timeline.Span{span(0, 9)}, []timeline.Span{span(7, 12), span(-2, 2)}, []timeline.Span{span(2, 7)}},
		"one over two":   {[]timeline.Span{span(0, 4), span(6, 9)}, []timeline.Span{span(3, 7)}, []timeline.Span{span(0, 3), span(7, 9)}},
		"a moment":       {[]timeline.Span{span(0, 9)}, []timeline.Span{span(3, 3)}, []timeline.Span{span(0, 9)}},
		"touching":       {[]timeline.Span{span(2, 4)}, []timeline.Span{span(0, 2), span(4, 6)}, []timeline.Span{span(2, 4)}},
		"one in another": {[]timeline.Span{span(0, 9)}, []timeline.Span{span(1, 8), span(2, 3)}, []timeline.Span{span(0, 1), span(8, 9)}},
	} {
		if diff := cmp.Diff(tc.want, timeline.Minus(tc.spans, tc.others)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMinusPoints compares with a sieve over single positions.
func TestMinusPoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list, others []timeline.Span
		for range rng.IntN(4) {
			from := timeline.Position(rng.IntN(40))
			list = append(list, span(from, from+timeline.Position(rng.IntN(12))))
		}
		spans := timeline.New(nil, list).Analyzed()
		for range rng.IntN(5) {
			from := timeline.Position(rng.IntN(40))
			others = append(others, span(from, from+timeline.Position(rng.IntN(12))))
		}
		got := timeline.Minus(spans, others)
		for p := range timeline.Position(60) {
			in := func(list []timeline.Span) bool {
				for _, s := range list {
					if s.From <= p && p < s.Until {
						return true
					}
				}
				return false
			}
			if want := in(spans) && !in(others); in(got) != want {
				t.Fatalf("%v without %v is %v: wrong at %d", spans, others, got, p)
			}
		}
	}
}
