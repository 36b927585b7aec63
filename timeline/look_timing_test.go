package timeline_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"spotter/timeline"
)

// busy returns n scenes of 2 s with three people and five objects each, some of them in many scenes, where every entity is
// text of its own, as when it is read from disk.
func busy(n int) []*timeline.Observation {
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
	return list
}

// event is a timeline of n busy scenes.
func event(n int) *timeline.Timeline {
	return timeline.New(busy(n), []timeline.Span{span(0, timeline.Position(n)*2000)})
}

// withBanner adds a scene that began before the event and is on screen until its end.
func withBanner(t *timeline.Timeline) *timeline.Timeline {
	until, _ := t.AnalyzedUntil()
	return t.With([]*timeline.Observation{scene(-1, until, "Banner")}, nil)
}

// BenchmarkLook is a viewer's window of 15 s anywhere in a twelve-hour event of 2 s scenes (22,000) and in a long one, and in
// the first while something is on screen all the time.
func BenchmarkLook(b *testing.B) {
	for name, tl := range map[string]*timeline.Timeline{"22000": event(22_000), "200000": event(200_000), "22000, one for 12 h": withBanner(event(22_000))} {
		b.Run(name, func(b *testing.B) {
			n := tl.Len()
			var l timeline.Look
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				from := timeline.Position(i*7919%n) * 2000
				tl.Look(&l, span(from, from+15_000))
			}
		})
	}
}

// BenchmarkLookHundredMedia is a window anywhere in any of a hundred twelve-hour events: little of it is in a cache of the CPU.
func BenchmarkLookHundredMedia(b *testing.B) {
	all := make([]*timeline.Timeline, 100)
	for i := range all {
		all[i] = event(22_000)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var l timeline.Look
	b.ReportAllocs()
	for b.Loop() {
		from := timeline.Position(r.IntN(22_000)) * 2000
		all[r.IntN(len(all))].Look(&l, span(from, from+15_000))
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

// BenchmarkNew makes a twelve-hour event, and tells what it takes beside the observations themselves.
func BenchmarkNew(b *testing.B) {
	const n = 22_000
	list := busy(n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tl := timeline.New(list, nil)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		timeline.New(list, nil)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/observation")
	runtime.KeepAlive(tl)
}

func TestLookAllocatesNothing(t *testing.T) {
	tl := withBanner(event(1000)).WithBreaks([]timeline.Break{ended("a", 400_000, 505_000), lasting("b", 510_000, 510_000)})
	var l timeline.Look
	look := func() { tl.Look(&l, span(500_000, 515_000)) }
	look() // grows the slices once
	if n := testing.AllocsPerRun(100, look); n != 0 {
		t.Errorf("%v allocations in a look-up with slices in use again", n)
	}
}
