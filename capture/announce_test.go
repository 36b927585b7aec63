package capture_test

import (
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
)

// restart ends the follower behind the newest piece and begins another from its clock.
func (r *rig) restart(path string, interval time.Duration) {
	r.t.Helper()
	if err := r.stop(); err != nil {
		r.t.Error(err)
	}
	r.prepare(path, r.segments[len(r.segments)-1].After, r.follower.Getter)
	r.follower.Interval = interval
	r.start()
}

// A box that is started again between any two parts tells of each segment once all the same, and of where it begins.
func TestRestartTellsOfEachSegment(t *testing.T) {
	for parts := 5; parts <= 10; parts++ {
		inBubble(t, clipParts, lowLatency, func(r *rig) {
			r.Publish(5)
			r.start()
			r.liveParts(parts)
			r.restart(origin.Media, 0)
			r.liveParts(20 - parts)
			r.checkPublished(6)
		})
	}
}

// The I-frames of one segment are told as one, though the box was started again between them.
func TestRestartBetweenIFrames(t *testing.T) {
	style := origin.Style{Window: 10, First: 100, Continuous: true, IFrames: true, Variants: []string{"BANDWIDTH=1"}}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		r.follower.Interval = time.Second
		r.Publish(5)
		r.start()
		r.live(4)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		i := slices.IndexFunc(r.segments[2:], func(s *capture.Segment) bool { return len(s.Published) > 0 }) + 2
		r.segments = r.segments[:i+1] // as if it was killed behind the first of a segment's I-frames
		r.prepare(origin.Multivariant, r.segments[i].After, r.follower.Getter)
		r.follower.Interval = time.Second
		r.start()
		r.live(4)
		told := map[string]int{}
		for _, s := range r.segments {
			for _, p := range s.Published {
				if told[p.URL]++; told[p.URL] > 1 {
					t.Errorf("%s is told again at %v", p.URL, p.From)
				}
			}
		}
		if len(told) < 8 {
			t.Errorf("%d segments are told", len(told))
		}
	})
}
