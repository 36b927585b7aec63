package capture_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/timeline"
)

// film makes pictures of 40 ms with keyframes every gop of them. Of each two others one refers to nothing after it.
type film struct {
	gop      int
	pictures int // of one segment
	cut      int // pictures missing at the start
}

// segment returns the n-th segment; its pictures are in decoding order, a keyframe, then each reference before the
// picture that is shown ahead of it.
func (f film) segment(n int, jump bool) *capture.Segment {
	const step = 3600
	var units []container.Unit
	start := n * f.pictures
	for i := start; i < start+f.pictures; i++ {
		if n == 0 && i < f.cut {
			continue
		}
		units = append(units, container.Unit{PTS: int64(i) * step, Key: i%f.gop == 0, Reference: i%f.gop%2 == 0})
	}
	for i := 0; i+1 < len(units); i++ {
		if !units[i].Reference && !units[i+1].Key {
			units[i], units[i+1] = units[i+1], units[i]
			i++
		}
	}
	span := timeline.Span{From: timeline.Position(start * 40), Until: timeline.Position((start + f.pictures) * 40)}
	return capture.NewSegment(span, jump, units, func(pts int64) timeline.Position { return timeline.Position(pts / 90) })
}

// looks plans n segments and checks that each run can be decoded on its own.
func looks(t *testing.T, f film, interval time.Duration, n int) (at []timeline.Position, decoded int) {
	t.Helper()
	p := capture.NewPlanner(interval)
	for i := range n {
		s := f.segment(i, i == 0)
		for _, run := range p.Plan(s).Runs {
			checkRun(t, s, run)
			decoded += len(run.Units)
			for _, picture := range run.Pictures {
				at = append(at, picture.At)
			}
		}
	}
	return at, decoded
}

// checkRun fails unless the run starts with a keyframe and holds every wanted picture and each reference before it.
func checkRun(t *testing.T, s *capture.Segment, run capture.Run) {
	t.Helper()
	if len(run.Units) == 0 || !run.Units[0].Key || len(run.Pictures) == 0 {
		t.Fatalf("a run of %d units and %d pictures", len(run.Units), len(run.Pictures))
	}
	if !slices.IsSortedFunc(run.Pictures, func(a, b capture.Picture) int { return int(a.At - b.At) }) {
		t.Fatal("pictures out of order")
	}
	holds := map[int64]bool{}
	for _, u := range run.Units {
		holds[u.PTS] = true
	}
	wanted := map[int64]bool{}
	for _, p := range run.Pictures {
		wanted[p.PTS] = true
		if !holds[p.PTS] {
			t.Fatalf("picture %v is not in its run", p.At)
		}
	}
	group := s.Video.Units[slices.IndexFunc(s.Video.Units, func(u container.Unit) bool { return u.PTS == run.Units[0].PTS }):]
	for _, u := range group {
		if len(wanted) == 0 {
			return
		}
		if delete(wanted, u.PTS); u.Reference && !holds[u.PTS] {
			t.Fatalf("reference %d is missing from the run of keyframe %d", u.PTS, run.Units[0].PTS)
		}
	}
}

func TestPlanner(t *testing.T) {
	for _, gop := range []int{1, 12, 20, 24, 25, 26, 50, 210} { // pictures of 40 ms: all-intra, 0.48 s, ..., 8.4 s
		for _, interval := range []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second} {
			t.Run(fmt.Sprintf("%d pictures a group, %v", gop, interval), func(t *testing.T) {
				f := film{gop: gop, pictures: 210}
				if 210%gop != 0 {
					f.pictures = gop * (210/gop + 1)
				}
				const segments = 20
				at, decoded := looks(t, f, interval, segments)
				end := timeline.Position(segments * f.pictures * 40)
				want, frame := timeline.FromDuration(interval), timeline.Position(40)
				if at[0] != 0 {
					t.Errorf("the first look is at %v", at[0])
				}
				longest := want + want/10 + frame
				for i, p := range append(at[1:], end) {
					if d := p - at[i]; d > longest || d <= 0 {
						t.Errorf("%v ms from a look at %v to one at %v", int64(d), at[i], p)
					}
					// A look earlier than need be is one at a keyframe without which the next keyframe would be too late.
					if key := int(p/frame)%gop == 0; p < end && p-at[i] < want*9/10-frame && (!key || p-at[i]+timeline.Position(gop)*frame <= want) {
						t.Errorf("%v ms from a look at %v to one at %v is more often than asked for", int64(p-at[i]), at[i], p)
					}
				}
				if timeline.Position(gop)*frame <= want+want/10 && decoded != len(at) {
					t.Errorf("%d pictures decoded for %d looks at keyframes", decoded, len(at))
				}
				t.Logf("%d looks in %v, %d of %d pictures decoded", len(at), end, decoded, segments*f.pictures)
			})
		}
	}
}

// Keyframes of 30000/1001 streams lie 1.001 s apart: no reason to decode what is between them.
func TestPlannerTakesKeyframesOf1001Milliseconds(t *testing.T) {
	p := capture.NewPlanner(time.Second)
	for n := range 20 {
		var units []container.Unit
		for i := range 30 {
			units = append(units, container.Unit{PTS: int64(n)*90_090 + int64(i)*3003, Key: i == 0, Reference: true})
		}
		from := timeline.Position(n) * 1001
		job := p.Plan(capture.NewSegment(timeline.Span{From: from, Until: from + 1001}, n == 0, units, func(pts int64) timeline.Position { return timeline.Position((pts + 45) / 90) }))
		if len(job.Runs) != 1 || len(job.Runs[0].Units) != 1 || job.Runs[0].Pictures[0].At != from {
			t.Fatalf("segment %d: %+v", n, job.Runs)
		}
	}
}

func TestPlannerStartsAtTheFirstKeyframe(t *testing.T) {
	at, _ := looks(t, film{gop: 50, pictures: 100, cut: 10}, time.Second, 1)
	if len(at) == 0 || at[0] != 2000 {
		t.Errorf("looks at %v", at)
	}
	if capture.NewPlanner(time.Second).Plan((film{gop: 50, pictures: 100}).segment(0, true)).Blind || !capture.NewPlanner(time.Second).Plan((film{gop: 50, pictures: 40, cut: 1}).segment(0, true)).Blind {
		t.Error("Blind is wrong")
	}
}

func TestPlannerLooksAfterAJump(t *testing.T) {
	p, f := capture.NewPlanner(4*time.Second), film{gop: 25, pictures: 25}
	for i, want := range []int{1, 0, 1} {
		if got := len(p.Plan(f.segment(i, i != 1)).Runs); got != want {
			t.Errorf("segment %d: %d runs, want %d", i, got, want)
		}
	}
}

func TestExtent(t *testing.T) {
	units := func(pts ...int64) (list []container.Unit) {
		for _, p := range pts {
			list = append(list, container.Unit{PTS: p})
		}
		return list
	}
	for name, tc := range map[string]struct {
		units      []container.Unit
		first, end int64
	}{
		"in order":              {units(0, 3600, 7200), 0, 10_800},
		"reordered":             {units(7200, 0, 3600, 14_400, 10_800), 0, 18_000},
		"one picture":           {units(500), 500, 500 + 2*second},
		"two, the second ahead": {units(3600, 0), 0, 7200},
		"over the wrap":         {units(1<<33-3600, 0, 3600), 1<<33 - 3600, 1<<33 + 7200},
	} {
		t.Run(name, func(t *testing.T) {
			if first, end := capture.Extent(tc.units, 2*time.Second); first != tc.first || end != tc.end {
				t.Errorf("%d to %d, want %d to %d", first, end, tc.first, tc.end)
			}
		})
	}
}
