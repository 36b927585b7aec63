package httpapi_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"spotter/httpapi"
	"spotter/timeline"
)

// TestSightingsOfAllLengths has every confidence of two decimals there is, others that are none, and names, sources and positions
// of all lengths follow one another in an answer.
func TestSightingsOfAllLengths(t *testing.T) {
	confidences := []float64{-5, -0.004, 100.01, 12_345.6, 999_999, math.NaN(), 1e300}
	for i := range 10_001 {
		confidences = append(confidences, float64(i)/100)
	}
	const perScene = 8
	var list []*timeline.Observation
	var want []string
	for i := 0; i < len(confidences); i += perScene {
		n := timeline.Position(i / perScene)
		o := &timeline.Observation{
			Media:  "m",
			Span:   timeline.Span{From: n*1111 - 100_000, Until: n*1111 - 100_000 + 7*n + 1},
			Source: strings.Repeat("s", int(n)%40),
		}
		if n == 0 {
			o.From, o.Until = -timeline.MaxPosition-1, -timeline.MaxPosition
		}
		for j, c := range confidences[i:min(i+perScene, len(confidences))] {
			name := fmt.Sprint(strings.Repeat("n", j*9), i+j)
			o.Objects = append(o.Objects, timeline.Entity{Name: name, Confidence: c})
			if !(math.Abs(c) < 1e6) {
				c = 0
			}
			text := strconv.FormatFloat(math.Round(c*100)/100+0, 'f', -1, 64)
			want = append(want, fmt.Sprintf(`{"name":%q,"confidence":%s,"from":%v,"until":%v,"source":%q}`,
				name, text, o.From, o.Until, o.Source))
		}
		list = append(list, o)
	}
	const room = 1000
	window := timeline.Span{From: -timeline.MaxPosition - room, Until: timeline.MaxPosition + room}
	got := httpapi.AppendAnswer()(nil, "m", timeline.New(list, nil), window)
	_, objects, _ := strings.Cut(string(got), `"objects":[`)
	objects = strings.TrimSuffix(objects, "]}")
	for i, one := range strings.SplitAfter(objects, "},") {
		if one = strings.TrimSuffix(one, ","); i >= len(want) || one != want[i] {
			t.Fatalf("sighting %d of %d is %s, want %s", i, len(want), one, want[min(i, len(want)-1)])
		}
	}
	if n := strings.Count(objects, "},") + 1; n != len(want) {
		t.Errorf("%d sightings, want %d", n, len(want))
	}
}
