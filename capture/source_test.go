package capture_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

// redundant is an origin with the same stream below two prefixes.
var redundant = origin.Style{
	Window: 10, First: 100, Continuous: true, Variants: []string{"BANDWIDTH=1,RESOLUTION=320x180"},
	Renditions: []origin.Rendition{{Prefix: "/b", Attributes: "BANDWIDTH=1,RESOLUTION=320x180"}},
}

// checkStream fails unless what came is one stream without hole or overlap until a position.
func (r *rig) checkStream(end timeline.Position) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	until := timeline.Position(0)
	for _, s := range r.segments {
		if s.From != until {
			r.t.Errorf("segment %d is at %v, after %v", s.Sequence, s.Span, until)
		}
		until = s.Until
	}
	equal(r.t, "end", end, until)
}

// hosts returns which of two hosts or prefixes the newest segment came from.
func (r *rig) newest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.segments[len(r.segments)-1].URL
}

// A redundant variant takes over when the one in use fails, and it gives back when that is well (RFC 8216 section 6.2.4).
func TestRedundantVariant(t *testing.T) {
	for name, act := range map[string]origin.Act{
		"fails":        origin.Status(http.StatusInternalServerError),
		"is gone":      origin.Status(http.StatusNotFound),
		"resets":       origin.Reset(),
		"says nothing": origin.Hold(nil),
		"stands still": origin.Stale(0),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, redundant, func(r *rig) {
				if name == "stands still" {
					frozen := ""
					act = func(o *origin.Origin, w http.ResponseWriter, q *http.Request) {
						if frozen == "" {
							frozen = r.body(q.URL.Path)
						}
						_, _ = w.Write([]byte(frozen))
					}
				}
				r.prepare(origin.Multivariant, nil, r.follower.Getter)
				r.Publish(5)
				r.start()
				r.live(3)
				r.Every(origin.Media, act)
				r.live(10)
				if !strings.Contains(r.newest(), "/b/segment/") {
					t.Errorf("still on %s", r.newest())
				}
				r.Every(origin.Media, nil)
				r.live(40)
				if strings.Contains(r.newest(), "/b/segment/") {
					t.Errorf("not back: %s", r.newest())
				}
				equal(t, "lost", 0, r.lost())
				r.checkStream(timeline.Position(3+3+10+40) * 2000)
			})
		})
	}
}

// body returns what the origin has at a path.
func (r *rig) body(path string) string {
	w := httptest.NewRecorder()
	r.Serve(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

// A backup has its own numbers and time stamps; the wall clock joins them.
func TestBackup(t *testing.T) {
	for name, tc := range map[string]struct {
		first  uint64
		offset time.Duration
		wall   bool
		ahead  time.Duration // by how much its segments begin earlier in the event
		exact  bool
	}{
		"the same stream":                         {100, 0, true, 0, true},
		"other numbers":                           {7, 0, true, 0, true},
		"higher numbers":                          {900_000, 0, true, 0, true},
		"other numbers and time stamps":           {7, 5000 * time.Second, true, 0, true},
		"segments cut elsewhere":                  {7, 5000 * time.Second, true, 800 * time.Millisecond, true},
		"no wall clock, the same stamps":          {7, 0, false, 0, true},
		"no wall clock, other stamps and numbers": {7, 5000 * time.Second, false, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Continuous: true}
			if tc.wall {
				style.Start = kickOff
			}
			inBubble(t, clipTS, style, func(r *rig) {
				clip, _ := clipTS()
				other := style
				other.First = tc.first
				if tc.wall {
					other.Start = kickOff.Add(-tc.ahead)
				}
				backup := origin.New(clip.Restamp(tc.offset), other)
				r.others["backup.example"] = backup
				r.follower.Sources = append(r.follower.Sources, &url.URL{Scheme: "http", Host: "backup.example", Path: origin.Media})
				both := func(n int) {
					for range n {
						r.pass(2 * time.Second)
						r.Publish(1)
						backup.Publish(1)
					}
					r.pass(3 * time.Second)
				}
				r.Publish(5)
				backup.Publish(5)
				r.start()
				both(3)
				r.Every("/", origin.Reset())
				both(10)
				if !strings.Contains(r.newest(), "backup.example") {
					t.Fatalf("still on %s: %v", r.newest(), r.faults)
				}
				r.Every("/", nil)
				both(40)
				if !strings.Contains(r.newest(), "origin.example") {
					t.Errorf("not back: %s", r.newest())
				}
				if !tc.exact {
					checkMonotonic(t, r.segments)
					return
				}
				r.checkStream(timeline.Position(3+3+10+40) * 2000)
			})
		})
	}
}

func checkMonotonic(t *testing.T, list []*capture.Segment) {
	t.Helper()
	until := timeline.Position(-1 << 40)
	for _, s := range list {
		if s.From < until {
			t.Errorf("segment %d is at %v, after %v", s.Sequence, s.Span, until)
		}
		until = s.Until
	}
}

// A steering server says which pathway is used (rfc8216bis section 7).
func TestContentSteering(t *testing.T) {
	style := origin.Style{
		Window: 10, First: 100, Continuous: true, Pathway: "a", Variants: []string{`BANDWIDTH=1,PATHWAY-ID="a"`},
		Renditions: []origin.Rendition{{Prefix: "/b", Attributes: `BANDWIDTH=1,PATHWAY-ID="b"`}},
	}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"a", "b"}})
		r.Publish(5)
		r.start()
		r.live(5)
		equal(t, "begins with", true, strings.Contains(r.newest(), "origin.example/segment/"))
		r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"b", "a"}})
		r.live(10)
		equal(t, "is sent to b", true, strings.Contains(r.newest(), "/b/segment/"))
		r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"c", "a"}, Clones: []origin.Clone{
			{BaseID: "b", ID: "c", URI: map[string]any{"HOST": "backup.example", "PARAMS": map[string]string{"x": "1"}}},
		}})
		r.live(10)
		equal(t, "is sent to a clone", true, strings.Contains(r.newest(), "backup.example/b/segment/"))
		r.On(origin.SteeringPath, origin.Times(5, origin.Status(http.StatusGone))...)
		before := len(r.loads(origin.SteeringPath))
		r.live(60)
		if n := len(r.loads(origin.SteeringPath)) - before; n > 1 {
			t.Errorf("asked %d times for a manifest that is gone", n)
		}
		r.checkStream(timeline.Position(3+5+10+10+60) * 2000)
	})
}

// Where the origin lists I-frames, densely enough, they alone are fetched (rfc8216bis section 4.4.3.6).
func TestIFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		clip     func() (origin.Clip, error)
		interval time.Duration
		used     bool
	}{
		"TS":            {clipTS, time.Second, true},
		"fMP4":          {clipParts, time.Second, true},
		"too far apart": {clipTS, 500 * time.Millisecond, false},
		"not wanted":    {clipTS, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Continuous: true, IFrames: true, Variants: []string{"BANDWIDTH=1"}}
			inBubble(t, tc.clip, style, func(r *rig) {
				r.prepare(origin.Multivariant, nil, r.follower.Getter)
				r.follower.Interval = tc.interval
				r.Publish(5)
				r.start()
				r.live(10)
				planner := capture.NewPlanner(time.Second)
				var looks []timeline.Position
				for _, s := range r.segments {
					for _, run := range planner.Plan(s).Runs {
						for _, p := range run.Pictures {
							looks = append(looks, p.At)
						}
					}
					if tc.used && len(s.Video.Units) != 1 {
						t.Errorf("%d pictures at %v", len(s.Video.Units), s.Span)
					}
				}
				first := looks[0]
				for i, at := range looks {
					if want := first + timeline.Position(i)*1000; at != want {
						t.Errorf("look %d is at %v, want %v", i, at, want)
					}
				}
				if len(looks) < 26 {
					t.Errorf("%d looks: %v", len(looks), looks)
				}
				whole := slices.ContainsFunc(r.Requests(), func(q origin.Request) bool { return strings.Contains(q.Path, "/segment/") && q.Range == "" })
				equal(t, "whole segments were fetched", !tc.used, whole)
				equal(t, "faults", 0, len(r.kinds()))
			})
		})
	}
}

// A stream whose one address is a playlist of I-frames is followed as it is, however far apart they are.
func TestIFramesAlone(t *testing.T) {
	for _, interval := range []time.Duration{0, 500 * time.Millisecond, time.Second} {
		t.Run(interval.String(), func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Continuous: true, IFrames: true, Variants: []string{"BANDWIDTH=1"}}
			inBubble(t, clipTS, style, func(r *rig) {
				r.prepare(origin.IFrames, nil, r.follower.Getter)
				r.follower.Interval = interval
				r.Publish(5)
				r.start()
				r.live(10)
				if n := len(r.loads(origin.IFrames)); n > 30 {
					t.Errorf("%d loads in 24 s", n)
				}
				if n := len(r.sequences()); n < 20 {
					t.Errorf("%d I-frames", n)
				}
				equal(t, "faults", 0, len(r.kinds()))
			})
		})
	}
}
