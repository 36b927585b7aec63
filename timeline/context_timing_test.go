package timeline_test

import (
	"fmt"
	"testing"

	"spotter/timeline"
)

// event makes a timeline of n scenes of 2 s with three people and five objects each, some of them in many scenes.
func event(n int) *timeline.Timeline {
	list := make([]*timeline.Observation, n)
	for i := range list {
		from := timeline.Position(i) * 2000
		o := &timeline.Observation{Media: "m", Span: span(from, from+2000), Source: timeline.SourceRekognition}
		for j := range 3 {
			id := fmt.Sprint((i + j) % 40)
			o.Celebrities = append(o.Celebrities, timeline.Entity{Name: "Person " + id, ID: id, Confidence: float64(60 + (i+j)%40)})
		}
		for j := range 5 {
			o.Objects = append(o.Objects, timeline.Entity{Name: fmt.Sprint("Object ", (i+3*j)%25), Confidence: float64(60 + (i+j)%40)})
		}
		list[i] = o
	}
	return timeline.New(list, []timeline.Span{span(0, timeline.Position(n)*2000)})
}

// BenchmarkContext is a viewer's window of 15 s in a twelve-hour event of 2 s scenes (22,000) and in a long one.
func BenchmarkContext(b *testing.B) {
	for _, n := range []int{22_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tl := event(n)
			var c timeline.Context
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				from := timeline.Position(i*7919%n) * 2000
				tl.Context(&c, span(from, from+15_000))
			}
		})
	}
}

// BenchmarkWith adds the newest scene.
func BenchmarkWith(b *testing.B) {
	for _, n := range []int{22_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tl := event(n)
			next := []*timeline.Observation{scene(timeline.Position(n)*2000, timeline.Position(n)*2000+2000, "new")}
			b.ReportAllocs()
			for b.Loop() {
				tl.With(next, nil)
			}
		})
	}
}

func TestContextAllocatesNothing(t *testing.T) {
	tl := event(1000).WithBreaks([]timeline.Break{ended("a", 400_000, 505_000), lasting("b", 510_000, 510_000)})
	var c timeline.Context
	look := func() { tl.Context(&c, span(500_000, 515_000)) }
	look() // grows the slices once
	if n := testing.AllocsPerRun(100, look); n != 0 {
		t.Errorf("%v allocations in a look-up with slices in use again", n)
	}
}
