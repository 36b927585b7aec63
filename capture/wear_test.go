package capture_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/internal/origin"
)

// A recording loses nothing over a link that is slow but steady.
func TestRecordingOverASlowLink(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Type: "VOD"}, func(r *rig) {
		r.Publish(6)
		r.End()
		size := len(mustClip(t, clipTS).Segments[0].Body)
		r.Every("/segment/", origin.Slow(size/14)) // each takes some 14 s
		r.follower.Recording = true
		r.start()
		if err := <-r.done; err != nil {
			t.Error(err)
		}
		r.done <- nil
		equal(t, "segments", numbers(0, 5), r.sequences())
		equal(t, "lost", 0, r.lost())
	})
}

// A recording loses nothing to an origin that is away for half a minute.
func TestRecordingOutage(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Type: "VOD"}, func(r *rig) {
		r.Publish(6)
		r.End()
		r.Every("/segment/", origin.Status(503))
		r.follower.Recording = true
		r.start()
		r.pass(30 * time.Second)
		r.Every("/segment/", nil)
		if err := <-r.done; err != nil {
			t.Error(err)
		}
		r.done <- nil
		equal(t, "segments", numbers(0, 5), r.sequences())
	})
}

// A segment that its playlist names a moment before it can be had is waited for, whatever the origin calls that.
func TestSegmentIsLate(t *testing.T) {
	for name, tc := range map[string]struct {
		code int
		late time.Duration
	}{"404 for 2 s": {404, 2 * time.Second}, "403 for 1 s, as object stores say it": {403, time.Second}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, window, func(r *rig) {
				seen := time.Time{}
				r.Every(origin.SegmentPath(106), func(o *origin.Origin, w http.ResponseWriter, q *http.Request) {
					if seen.IsZero() {
						seen = time.Now()
					}
					if time.Since(seen) < tc.late {
						w.WriteHeader(tc.code)
						return
					}
					o.Serve(w, q)
				})
				r.Publish(5)
				r.start()
				r.live(5)
				equal(t, "lost", 0, r.lost())
			})
		})
	}
}

// An origin that starts anew with another initialisation section below the same address is read with that.
func TestNewInitAfterRestart(t *testing.T) {
	inBubble(t, clipFMP4, origin.Style{Window: 10, First: 100}, func(r *rig) {
		r.Publish(5)
		r.start()
		r.live(2)
		equal(t, "loads of the section", 1, len(r.loads(origin.InitPath)))
		r.Restart(0)
		r.live(8)
		if n := len(r.loads(origin.InitPath)); n < 2 {
			t.Errorf("the section was loaded %d times", n)
		}
	})
}

// An outage of a low-latency origin does not cost it its low latency for good.
func TestBlockingAfterOutage(t *testing.T) {
	inBubble(t, clipParts, lowLatency, func(r *rig) {
		r.Publish(3)
		r.start()
		r.liveParts(5)
		r.pass(40 * time.Second) // the encoder is away; the origin holds and then answers 503
		r.liveParts(50)
		before := len(r.Requests())
		r.liveParts(25)
		blocking := 0
		for _, q := range r.Requests()[before:] {
			if strings.Contains(q.Query, "_HLS_msn=") {
				blocking++
			}
		}
		if blocking == 0 {
			t.Error("no blocking reload any more")
		}
	})
}

// A stream that has no keyframe after its first does not cost more and more, nor is all of it kept.
func TestOpenGroupIsBounded(t *testing.T) {
	f := film{gop: 1 << 20, pictures: 50}
	p := capture.NewPlanner(time.Second)
	most := 0
	for i := range 120 { // 240 s
		n := 0
		for _, run := range p.Plan(f.segment(i, i == 0)).Runs {
			n += len(run.Units)
		}
		most = max(most, n)
	}
	if most > 1000 { // 40 s of pictures, half of which are references
		t.Errorf("%d pictures are decoded for one segment of %d", most, f.pictures)
	}
}

// steered is an origin whose steering server can fail.
var steered = origin.Style{
	Window: 10, First: 100, Continuous: true, Start: kickOff, Pathway: "a", Variants: []string{`BANDWIDTH=1,PATHWAY-ID="a"`},
}

// Steering goes on after a backup that knows none was in use.
func TestSteeringAfterFailback(t *testing.T) {
	inBubble(t, clipTS, steered, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		backup := r.backup(mustClip(t, clipTS), origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff})
		r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"a"}})
		r.Publish(5)
		backup.Publish(5)
		r.start()
		r.liveBoth(backup, 8)
		r.Every("/", origin.Reset())
		r.liveBoth(backup, 10)
		equal(t, "on the backup", true, strings.Contains(r.newest(), "backup.example"))
		r.Every("/", nil)
		r.liveBoth(backup, 40)
		equal(t, "back", true, strings.Contains(r.newest(), "origin.example"))
		before := len(r.loads(origin.SteeringPath))
		r.liveBoth(backup, 20)
		if n := len(r.loads(origin.SteeringPath)) - before; n == 0 {
			t.Error("the steering server is asked no more")
		}
	})
}

// Clones of clones do not multiply.
func TestSteeringClones(t *testing.T) {
	inBubble(t, clipTS, steered, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		var clones []origin.Clone
		for i := range 8 { // sixty-four are allowed
			clones = append(clones, origin.Clone{BaseID: "a", ID: "a", URI: map[string]any{"PARAMS": map[string]string{fmt.Sprint("x", i): "1"}}})
		}
		r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"b", "a"}, Clones: clones})
		r.Publish(5)
		r.start()
		before := len(r.loads(origin.Media))
		r.Every(origin.Media, origin.Status(404))
		r.pass(3 * time.Second) // one attempt or two
		if n := len(r.loads(origin.Media)) - before; n > 50 {
			t.Errorf("%d loads", n)
		}
	})
}

// A steering manifest that comes when its stream is no longer in use is dropped.
func TestSteeringAnswersLate(t *testing.T) {
	for name, act := range map[string]origin.Act{
		"a manifest": func(o *origin.Origin, w http.ResponseWriter, q *http.Request) { origin.Delay(8*time.Second)(o, w, q) },
		"a failure":  origin.Hold(nil),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, steered, func(r *rig) {
				r.prepare(origin.Multivariant, nil, r.follower.Getter)
				backup := r.backup(mustClip(t, clipTS), origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff})
				r.SetSteering(origin.Steering{TTL: 10, Priority: []string{"a"}})
				r.On(origin.SteeringPath, act)
				r.Publish(5)
				backup.Publish(5)
				r.start()
				for _, path := range []string{origin.Media, origin.Multivariant} {
					r.Every(path, origin.Status(500))
				}
				r.liveBoth(backup, 20)
				equal(t, "on the backup", true, strings.Contains(r.newest(), "backup.example"))
			})
		})
	}
}

// getterFunc is a Getter.
type getterFunc func(context.Context, fetch.Request) (fetch.Response, error)

func (g getterFunc) Get(ctx context.Context, r fetch.Request) (fetch.Response, error) {
	return g(ctx, r)
}

// A panic in any part of a follower is one of Run, so that who runs it can contain it.
func TestPanicIsRuns(t *testing.T) {
	for _, path := range []string{origin.Media, "/segment/"} {
		t.Run(path, func(t *testing.T) {
			inBubble(t, clipTS, window, func(r *rig) {
				r.Publish(5)
				inner := r.follower.Getter
				r.follower.Getter = getterFunc(func(ctx context.Context, q fetch.Request) (fetch.Response, error) {
					if strings.HasPrefix(q.URL.Path, path) {
						panic("a bug")
					}
					return inner.Get(ctx, q)
				})
				defer func() {
					if v := fmt.Sprint(recover()); !strings.Contains(v, "a bug") || !strings.Contains(v, "wear_test.go") {
						t.Errorf("Run panicked with %s", v)
					}
				}()
				err := r.follower.Run(context.Background(), func(context.Context, *capture.Segment) error { return nil })
				t.Errorf("Run returned %v", err)
			})
		})
	}
}
