package capture_test

import (
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

var (
	clipParts   = recipe(origin.Recipe{Segments: 6, FMP4: true, Fragments: true})
	clipTSParts = recipe(origin.Recipe{Segments: 6, GOP: 2 * time.Second})
)

// lowLatency is an origin with parts of 0.4 s, five a segment.
var lowLatency = origin.Style{Window: 10, First: 100, Part: 400 * time.Millisecond, Continuous: true, Query: "token=s3cret"}

// liveParts publishes n parts, each 0.4 s after the one before.
func (r *rig) liveParts(n int) {
	for range n {
		r.pass(400 * time.Millisecond)
		r.PublishPart(1)
	}
	r.pass(0)
}

// checkParts fails unless what came is one stream without overlap or hole, from zero on, in pieces of two seconds or of
// 0.4 s.
func (r *rig) checkParts(zero uint64) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	until := timeline.Position(0)
	for _, s := range r.segments {
		want := timeline.Position(s.Sequence-zero)*2000 + timeline.Position(s.Part)*400
		if s.Part == 0 && s.Until == want+2000 {
			want = max(want, until) // a whole segment, of which parts were seen
		}
		if s.From != want || s.From != until {
			r.t.Errorf("segment %d from part %d on is at %v, want %v, after %v", s.Sequence, s.Part, s.Span, want, until)
		}
		until = s.Until
	}
}

// checkPublished fails unless n segments of two seconds were told, each once, in order and with its whole address.
func (r *rig) checkPublished(n int) {
	r.t.Helper()
	var told []capture.Published
	for _, s := range r.segments {
		told = append(told, s.Published...)
	}
	equal(r.t, "segments told", n, len(told))
	for i, p := range told {
		if p.From != timeline.Position(i)*2000 || p.Duration.Round(time.Millisecond) != 2*time.Second || !strings.Contains(p.URL, "token=s3cret") {
			r.t.Errorf("segment %d is told as %+v", i, p)
		}
		if i > 0 && p.URL == told[i-1].URL {
			r.t.Errorf("%s is told twice", p.URL)
		}
	}
}

func TestLowLatency(t *testing.T) {
	for name, tc := range map[string]struct {
		clip  func() (origin.Clip, error)
		style func(*origin.Style)
	}{
		"fMP4":           {clipParts, func(*origin.Style) {}},
		"TS":             {clipTSParts, func(*origin.Style) {}},
		"ranges":         {clipParts, func(s *origin.Style) { s.PartRanges = true }},
		"without deltas": {clipParts, func(s *origin.Style) { s.Delta = false }},
	} {
		t.Run(name, func(t *testing.T) {
			style := lowLatency
			tc.style(&style)
			inBubble(t, tc.clip, style, func(r *rig) {
				r.Publish(5)
				r.start()
				before := len(r.loads(origin.Media))
				r.liveParts(40) // eight segments
				r.checkParts(102)
				s := r.segments[len(r.segments)-1]
				equal(t, "the newest", []int{112, 4}, []int{int(s.Sequence), s.Part})
				if late := time.Since(s.Fetched); late != 0 {
					t.Errorf("the newest part came %v late", late)
				}
				r.checkPublished(10)
				equal(t, "faults", 0, len(r.kinds()))
				if n := len(r.loads(origin.Media)) - before; n > 45 {
					t.Errorf("%d loads of the playlist for 40 parts", n)
				}
				equal(t, "live edge", timeline.Position(22_000), r.follower.Status().LiveEdge)
				r.checkDirectives()
			})
		})
	}
}

// checkDirectives fails unless playlists were asked for with blocking reload and delta updates, and kept their token.
func (r *rig) checkDirectives() {
	r.t.Helper()
	blocked, deltas := 0, 0
	for _, q := range r.Requests() {
		if q.Path != origin.Media {
			continue
		}
		if strings.Contains(q.Query, "_HLS_msn=") && strings.Contains(q.Query, "_HLS_part=") {
			blocked++
		}
		if strings.Contains(q.Query, "_HLS_skip=YES") {
			deltas++
		}
		if !strings.HasPrefix(q.Query, "token=s3cret") {
			r.t.Errorf("the playlist was asked for with %q", q.Query)
		}
	}
	if blocked < 30 || deltas < 30 {
		r.t.Errorf("%d blocking reloads and %d delta updates", blocked, deltas)
	}
}

// A part that the playlist hints at is asked for before it is there.
func TestPreloadHint(t *testing.T) {
	inBubble(t, clipParts, lowLatency, func(r *rig) {
		r.Publish(3)
		r.start()
		r.liveParts(1)
		r.pass(200 * time.Millisecond)
		if n := len(r.loads(origin.PartPath(103, 1))); n != 1 {
			t.Errorf("asked %d times for the part to come", n)
		}
		r.liveParts(3)
		equal(t, "asked for it", 1, len(r.loads(origin.PartPath(103, 1))))
		r.checkParts(100)
	})
}

// A part that is missing is a hole, and the rest of the stream goes on.
func TestPartGap(t *testing.T) {
	style := lowLatency
	style.PartGap = func(sequence uint64, index int) bool { return sequence == 104 && index == 1 }
	inBubble(t, clipParts, style, func(r *rig) {
		r.Publish(3)
		r.start()
		r.liveParts(16)
		equal(t, "faults", []string{capture.FaultGap}, r.kinds())
		until := timeline.Position(0)
		for _, s := range r.segments {
			want := timeline.Position(s.Sequence-100)*2000 + timeline.Position(s.Part)*400
			if s.From != want || s.Jump != (s.From != until || s.From == 0) {
				t.Errorf("segment %d, part %d is at %v, jump %t", s.Sequence, s.Part, s.Span, s.Jump)
			}
			until = s.Until
		}
		equal(t, "end", timeline.Position(12_400), until)
	})
}

// Parts that fail now and then, and an origin that cannot hold an answer back, cost nothing.
func TestLowLatencyFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		acts []origin.Act
	}{
		"a part: 404":           {origin.PartPath(104, 2), origin.Times(2, origin.Status(404))},
		"a part: reset":         {origin.PartPath(104, 2), origin.Times(2, origin.Reset())},
		"a part: truncated":     {origin.PartPath(104, 2), []origin.Act{origin.Truncate()}},
		"a reload: 503":         {origin.Media, origin.Times(1, origin.Status(503))},
		"a reload: 400":         {origin.Media, origin.Times(1, origin.Status(400))},
		"a reload: not changed": {origin.Media, origin.Times(3, origin.Stale(0))},
		"a reload: held":        {origin.Media, origin.Times(1, origin.Hold(nil))},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipParts, lowLatency, func(r *rig) {
				r.Publish(3)
				r.start()
				r.liveParts(2)
				r.On(tc.path, tc.acts...)
				r.liveParts(60)
				r.pass(5 * time.Second)
				r.checkParts(100)
				equal(t, "lost", 0, r.lost())
				s := r.segments[len(r.segments)-1]
				equal(t, "end", timeline.Position(6000+62*400), s.Until)
			})
		})
	}
}

// A box that is started again in the middle of a segment goes on with the part that it has not seen.
func TestRestartBetweenParts(t *testing.T) {
	for name, away := range map[string]int{"parts are listed": 3, "parts are listed no more": 42} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipParts, lowLatency, func(r *rig) {
				r.Publish(3)
				r.start()
				r.liveParts(6)
				if err := r.stop(); err != nil {
					t.Error(err)
				}
				last := r.segments[len(r.segments)-1]
				equal(t, "the newest", []int{104, 0}, []int{int(last.Sequence), last.Part})
				r.liveParts(away)
				r.prepare(origin.Media, last.After, r.follower.Getter)
				r.start()
				r.liveParts(8)
				until := timeline.Position(0)
				for _, s := range r.segments {
					if s.From != until {
						t.Errorf("segment %d, part %d is at %v, after %v", s.Sequence, s.Part, s.Span, until)
					}
					until = s.Until
				}
				equal(t, "end", timeline.Position(8400+400*(away+8)), until)
				equal(t, "faults", 0, len(r.kinds()))
			})
		})
	}
}

// Part by part or segment by segment, the same pictures are looked at.
func TestPlansParts(t *testing.T) {
	at := map[bool][]timeline.Position{}
	for _, parts := range []bool{true, false} {
		inBubble(t, clipTSParts, lowLatency, func(r *rig) {
			planner := capture.NewPlanner(time.Second)
			r.Publish(1)
			r.start()
			if parts {
				r.liveParts(25)
			} else {
				r.Publish(5)
				r.pass(5 * time.Second)
			}
			for _, s := range r.segments {
				for _, run := range planner.Plan(s).Runs {
					if !run.Units[0].Key {
						t.Error("a run that does not begin with a keyframe")
					}
					for _, p := range run.Pictures {
						at[parts] = append(at[parts], p.At)
					}
				}
			}
		})
	}
	equal(t, "looks", at[false], at[true])
	if len(at[true]) != 12 {
		t.Errorf("%d looks in 12 s", len(at[true]))
	}
}
