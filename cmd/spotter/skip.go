package main

import (
	"slices"
	"sort"

	"spotter/capture"
	"spotter/timeline"
	"spotter/vision"
)

// part is a stretch of a segment that lies in a break, or in none.
type part struct {
	timeline.Span
	inBreak bool
}

// cutAtBreaks returns the parts of a segment, to the millisecond.
func cutAtBreaks(s *capture.Segment) []part {
	const probe = timeline.Position(40) // a picture at 25 a second; no break is shorter
	out := []part{{s.Span, s.InBreak(s.From)}}
	for p := s.From; p < s.Until-1; {
		now := &out[len(out)-1]
		next := min(p+probe, s.Until-1)
		if s.InBreak(next) != now.inBreak {
			n := sort.Search(int(next-p), func(i int) bool { return s.InBreak(p+timeline.Position(i)) != now.inBreak })
			edge := p + timeline.Position(n)
			now.Until = edge
			out = append(out, part{timeline.Span{From: edge, Until: s.Until}, !now.inBreak})
		}
		p = next
	}
	return out
}

// partOf returns what of a job is to be seen in part i.
func partOf(job capture.Job, parts []part, i int) capture.Job {
	if len(parts) == 1 {
		return job
	}
	out := capture.Job{Codec: job.Codec}
	for _, r := range job.Runs {
		r.Pictures = slices.DeleteFunc(slices.Clone(r.Pictures), func(x capture.Picture) bool {
			return i > 0 && x.At < parts[i].From || i+1 < len(parts) && x.At >= parts[i].Until
		})
		if len(r.Pictures) > 0 {
			out.Runs = append(out.Runs, r)
		}
	}
	return out
}

// skip ends the scene on screen where a break begins.
func (o *observing) skip(s timeline.Span) vision.Seen {
	o.resumed = &s.Until
	seen, end := o.observer.Through(s.From), o.leave()
	seen.Observations = append(seen.Observations, end.Observations...)
	seen.Missed = end.Missed
	return seen
}

// resume returns the stretch between the end of a break and the first look behind it, at position at. Where that is no
// longer than between any two looks, and the look was answered, it is analysed as they are.
func (o *observing) resume(at timeline.Position, answered bool) []timeline.Span {
	from := o.resumed
	o.resumed = nil
	if from == nil || !answered || at <= *from || at-*from > 2*timeline.FromDuration(o.media.SampleInterval) {
		return nil
	}
	return []timeline.Span{{From: *from, Until: at}}
}
