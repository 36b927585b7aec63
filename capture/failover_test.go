package capture_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

// backup adds an origin at another host to a rig that has not started.
func (r *rig) backup(clip origin.Clip, style origin.Style) *origin.Origin {
	o := origin.New(clip, style)
	r.others["backup.example"] = o
	r.follower.Sources = append(r.follower.Sources, &url.URL{Scheme: "http", Host: "backup.example", Path: origin.Media})
	return o
}

// liveBoth publishes n segments on two origins.
func (r *rig) liveBoth(o *origin.Origin, n int) {
	for range n {
		r.pass(2 * time.Second)
		r.Publish(1)
		o.Publish(1)
	}
	r.pass(3 * time.Second)
}

// from returns how many segments came from an address that holds s.
func (r *rig) from(s string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.segments {
		if strings.Contains(x.URL, s) {
			n++
		}
	}
	return n
}

func mustClip(t *testing.T, clip func() (origin.Clip, error)) origin.Clip {
	t.Helper()
	c, err := clip()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A low-latency backup with other time stamps takes over in the middle of a segment: its first parts were seen, and what
// follows them is placed by them all the same.
func TestLowLatencyBackup(t *testing.T) {
	style := lowLatency
	style.Start = kickOff
	for n := range 10 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inBubble(t, clipParts, style, func(r *rig) {
				other := style
				other.First = 7
				backup := r.backup(mustClip(t, clipParts).Restamp(5000*time.Second), other)
				parts := 0
				both := func(n int) {
					for range n {
						r.pass(400 * time.Millisecond)
						r.PublishPart(1)
						backup.PublishPart(1)
						parts++
					}
				}
				r.Publish(5)
				backup.Publish(5)
				backup.PublishPart(1)
				backup.Jump(-400 * time.Millisecond) // it begins two parts sooner, and its segments are cut elsewhere
				r.start()
				both(10 + n)
				r.Every("/", origin.Reset())
				both(52)
				r.pass(5 * time.Second)
				if r.from("backup.example") == 0 {
					t.Fatal("the backup was not used")
				}
				r.Every("/", nil)
				both(250) // and back, without a pause
				r.pass(0)
				if !strings.Contains(r.newest(), "origin.example") {
					t.Errorf("not back: %s", r.newest())
				}
				last := r.segments[len(r.segments)-1]
				if want := timeline.Position(3*2000 + parts*400); last.Until < want-1000 || last.Until > want+1000 {
					t.Errorf("it ends at %v, want about %v", last.Until, want)
				}
				checkMonotonic(t, r.segments)
			})
		})
	}
}

// The same by the clock alone: a piece that was seen and begins a new stretch of the clock anchors what comes behind it.
func TestSeenPieceAnchors(t *testing.T) {
	c := newClock(t, "first", nil)
	put := func(source string, n uint64, pts int64, wall time.Duration) (timeline.Span, error) {
		s, _, _, err := c.Place(capture.Reference{Sequence: n, Duration: 2 * time.Second, Wall: kickOff.Add(wall), Source: source, Family: source}, pts, pts+2*second)
		return s, err
	}
	if _, err := put("a", 5, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := put("a", 6, 2*second, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	if s, err := put("b", 80, 5000*second, 1900*time.Millisecond); err == nil && s.Until > 4000 {
		t.Errorf("a piece that was seen is at %v", s)
	}
	s, err := put("b", 81, 5002*second, 3900*time.Millisecond)
	if want := (timeline.Span{From: 4000, Until: 5900}); err != nil || s != want {
		t.Errorf("the next is at %v (%v), want %v", s, err, want)
	}
}

// Where there are several playlists, and all stand still, the stream is stalled and says so.
func TestAllStandStill(t *testing.T) {
	inBubble(t, clipTS, redundant, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		r.Publish(5)
		r.start()
		r.live(3)
		r.pass(60 * time.Second)
		equal(t, "state", capture.Stalled, r.follower.Status().State)
		equal(t, "told", true, slices.Contains(r.kinds(), capture.FaultStalled))
	})
}

// An EVENT playlist that stands still is stalled like any other, and is a reason to fail over.
func TestEventStandsStill(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Type: "EVENT"}, func(r *rig) {
		r.Publish(5)
		r.start()
		r.pass(60 * time.Second)
		equal(t, "state", capture.Stalled, r.follower.Status().State)
	})
	t.Run("failover", func(t *testing.T) {
		style := redundant
		style.Type, style.Window = "EVENT", 0
		inBubble(t, clipTS, style, func(r *rig) {
			r.prepare(origin.Multivariant, nil, r.follower.Getter)
			r.Publish(5)
			r.start()
			r.live(3)
			frozen := r.body(origin.Media)
			r.Every(origin.Media, origin.Body([]byte(frozen)))
			r.live(15)
			equal(t, "on the other one", true, strings.Contains(r.newest(), "/b/segment/"))
		})
	})
}

// Two caches hold different last copies of a playlist that no longer grows: that is stalled too.
func TestFrozenCaches(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(8)
		r.start()
		r.live(2)
		r.Every(origin.Media, alternate(origin.Healthy(), origin.Stale(1)))
		r.pass(60 * time.Second)
		equal(t, "state", capture.Stalled, r.follower.Status().State)
	})
}

// The playlist is well and its segments are not: the backup takes over.
func TestSegmentsFail(t *testing.T) {
	for name, act := range map[string]origin.Act{"404": origin.Status(404), "500": origin.Status(500), "black hole": origin.Hold(nil)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff}, func(r *rig) {
				backup := r.backup(mustClip(t, clipTS), origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff})
				r.Publish(5)
				backup.Publish(5)
				r.start()
				r.liveBoth(backup, 3)
				r.Every("/segment/", act)
				r.liveBoth(backup, 20)
				if r.from("backup.example") == 0 {
					t.Errorf("no segment came from the backup in 40 s; %d were lost", r.lost())
				}
			})
		})
	}
}

// An origin that asks for patience does not keep its backup from taking over.
func TestRetryAfterAndBackup(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff}, func(r *rig) {
		backup := r.backup(mustClip(t, clipTS), origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff})
		r.Publish(5)
		backup.Publish(5)
		r.start()
		r.liveBoth(backup, 3)
		r.Every("/", origin.RetryAfter(503, 30))
		began := time.Now()
		for r.from("backup.example") == 0 && time.Since(began) < 2*time.Minute {
			r.liveBoth(backup, 1)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("the backup took over after %v", took)
		}
	})
}

// A backup that still has yesterday's event, ended, is none.
func TestBackupThatEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		start time.Time
		ended bool
	}{"ended": {kickOff.Add(-48 * time.Hour), true}, "ended, no wall clock": {time.Time{}, true}, "frozen, no wall clock": {time.Time{}, false}} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff}
			if tc.start.IsZero() {
				style.Start = tc.start
			}
			inBubble(t, clipTS, style, func(r *rig) {
				ends := 0
				r.follower.OnEnd = func(context.Context) error { ends++; return nil }
				backup := r.backup(mustClip(t, clipTS).Restamp(7000*time.Second), origin.Style{Window: 10, First: 700, Continuous: true, Start: tc.start})
				r.Publish(5)
				backup.Publish(12)
				if tc.ended {
					backup.End()
				}
				r.start()
				r.live(3)
				r.Every("/", origin.Reset())
				r.live(6)
				r.Every("/", nil)
				r.live(20)
				equal(t, "segments of the old event", 0, r.from("backup.example"))
				equal(t, "told that it ended", 0, ends)
			})
		})
	}
}

// A multivariant playlist that names its media playlists with a new token, or a new session in the path, each time does
// not bring the one that fails back at once.
func TestRotatingAddresses(t *testing.T) {
	for name, form := range map[string]string{"query": "http://backup.example%[1]s?session=%[2]d", "path": "http://backup.example/s%[2]d%[1]s"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, redundant, func(r *rig) {
				n := 0
				r.others["backup.example"] = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if i := strings.Index(q.URL.Path[1:], "/"); strings.HasPrefix(q.URL.Path, "/s") && !strings.HasPrefix(q.URL.Path, "/segment") && i > 0 {
						q.URL.Path = q.URL.Path[i+1:]
					}
					r.Origin.ServeHTTP(w, q)
				})
				r.prepare(origin.Multivariant, nil, r.follower.Getter)
				r.Every(origin.Multivariant, func(_ *origin.Origin, w http.ResponseWriter, _ *http.Request) {
					n++
					const inf = "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=320x180\n"
					_, _ = fmt.Fprint(w, "#EXTM3U\n", inf, fmt.Sprintf(form, origin.Media, n), "\n", inf, fmt.Sprintf(form, "/b"+origin.Media, n), "\n")
				})
				r.Publish(5)
				r.start()
				r.live(3)
				frozen := r.body(origin.Media)
				r.Every(origin.Media, origin.Body([]byte(frozen)))
				r.live(30)
				if !strings.Contains(r.newest(), "/b/segment/") {
					t.Errorf("still on %s, %d segments, %d loads of the multivariant playlist", r.newest(), len(r.sequences()), n)
				}
			})
		})
	}
}

// A single variant's playlist stands still while the multivariant playlist names another: it is found.
func TestMovedPlaylist(t *testing.T) {
	style := redundant
	style.Variants = []string{"BANDWIDTH=1"}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		name := origin.Media
		r.Every(origin.Multivariant, func(_ *origin.Origin, w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n%s\n", name)
		})
		r.Publish(5)
		r.start()
		r.live(3)
		frozen := r.body(origin.Media)
		r.Every(origin.Media, origin.Body([]byte(frozen)))
		name = "/b" + origin.Media
		r.live(60)
		equal(t, "on the new one", true, strings.Contains(r.newest(), "/b/segment/"))
	})
}

// Variants of an origin that answers nothing do not hold the backup up one after the other.
func TestManyVariantsDown(t *testing.T) {
	style := origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff, Variants: []string{"BANDWIDTH=1"}}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		backup := r.backup(mustClip(t, clipTS), origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff})
		list := "#EXTM3U\n"
		for i := range 16 {
			list += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=%d\n%s?v=%d\n", i+1, origin.Media, i)
		}
		r.Every(origin.Multivariant, origin.Body([]byte(list)))
		r.Publish(5)
		backup.Publish(5)
		r.start()
		r.liveBoth(backup, 3)
		r.Every(origin.Media, origin.Hold(nil))
		began := time.Now()
		for r.from("backup.example") == 0 && time.Since(began) < 2*time.Minute {
			r.liveBoth(backup, 1)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("the backup took over after %v", took)
		}
	})
}
