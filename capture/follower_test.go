package capture_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

var window = origin.Style{Window: 10, First: 100, Query: "token=s3cret"}

func TestStartsThreeTargetDurationsFromTheEdge(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(10)
		r.start()
		r.live(3)
		equal(t, "segments", numbers(107, 112), r.sequences())
		r.checkPlaces(107)
		status := r.follower.Status()
		if status.State != capture.Live || status.LiveEdge != 12_000 || !status.Placed {
			t.Errorf("%+v", status)
		}
		if s := r.segments[0]; !s.Jump || r.segments[1].Jump || !s.Live || s.Video.Width != 320 || s.Len() != 2000 {
			t.Errorf("the first segment is %+v", s)
		}
		equal(t, "faults", 0, len(r.kinds()))
	})
}

func TestStartsAtTheFirstSegment(t *testing.T) {
	for _, kind := range []string{"VOD", "EVENT"} {
		t.Run(kind, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Type: kind}, func(r *rig) {
				r.Publish(9)
				r.start()
				r.live(2)
				equal(t, "segments", numbers(0, 10), r.sequences())
			})
		})
	}
}

func TestRecordingEnds(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(8)
		r.End()
		r.follower.Recording = true
		r.start()
		if err := <-r.done; err != nil {
			t.Error(err)
		}
		r.done <- nil
		equal(t, "segments", numbers(100, 107), r.sequences())
		if d := r.follower.Status().Duration; d != 16*time.Second {
			t.Errorf("the recording lasts %v", d)
		}
		if r.segments[0].Live {
			t.Error("a recording's segment says it is live")
		}
	})
}

func TestRecordingThatIsNotThere(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.follower.Recording = true
		r.start()
		err := <-r.done
		r.done <- nil
		if !is(err, status(http.StatusNotFound)) {
			t.Errorf("%v", err)
		}
	})
}

func TestEndsAndGoesOn(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		var after []int // how many segments were handled at each end that was told
		r.follower.OnEnd = func(context.Context) error {
			after = append(after, len(r.sequences()))
			return nil
		}
		defer func() { equal(t, "told of the end after", []int{3, 4}, after) }()
		r.Publish(5)
		r.start()
		r.End()
		r.live(1)
		r.pass(10 * time.Second)
		equal(t, "state", capture.Ended, r.follower.Status().State)
		equal(t, "segments", numbers(102, 105), r.sequences())
		equal(t, "faults", 0, len(r.kinds()))
	})
}

// RFC 8216 section 6.3.4: a changed playlist is loaded again one target duration after the load began, an unchanged
// one after half of that.
func TestReloadTiming(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(5)
		release := make(chan struct{})
		r.On(origin.Media, origin.Healthy(), origin.Healthy(), origin.Healthy(), origin.Hold(release))
		r.start()                       // 0: changed
		r.pass(2500 * time.Millisecond) // 2: unchanged
		r.Publish(1)                    // 3: changed, so 5: held
		r.pass(3 * time.Second)         // 5.5
		r.Publish(1)                    //
		close(release)                  // changed, and counted from 5
		r.pass(2 * time.Second)         // 7: unchanged, 8
		r.pass(1 * time.Second)         // 8.5
		want := []time.Duration{0, 2 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second, 8 * time.Second}
		equal(t, "loads", want, r.loads(origin.Media))
	})
}

func TestNotYetPublished(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.start()
		r.pass(30 * time.Second)
		equal(t, "state", capture.Waiting, r.follower.Status().State)
		r.Publish(1)
		r.pass(5 * time.Second)
		r.live(2)
		equal(t, "state", capture.Live, r.follower.Status().State)
		equal(t, "segments", numbers(100, 102), r.sequences())
		equal(t, "faults", 0, len(r.kinds()))
	})
}

func TestStalls(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(5)
		r.start()
		r.pass(30 * time.Second)
		equal(t, "state", capture.Stalled, r.follower.Status().State)
		equal(t, "faults", []string{capture.FaultStalled}, r.kinds())
		r.live(1)
		equal(t, "state", capture.Live, r.follower.Status().State)
		r.pass(30 * time.Second)
		equal(t, "faults", []string{capture.FaultStalled, capture.FaultStalled}, r.kinds())
		equal(t, "segments", numbers(102, 105), r.sequences())
	})
}

func TestFallsBehind(t *testing.T) {
	for name, tc := range map[string]struct {
		window int
		next   uint64 // after segments 3 to 8, of which three were fetched and waiting
	}{
		"a short window: on at its start":                       {6, 60},
		"fifteen target durations: on at its start":             {15, 51},
		"a longer one: on three target durations from the edge": {30, 63},
		"nothing leaves, but that is too far behind":            {0, 63},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Window: tc.window}, func(r *rig) {
				r.Publish(6)
				busy := make(chan struct{})
				r.handle = func(ctx context.Context, s *capture.Segment) error {
					if s.Sequence == 5 {
						<-busy
					}
					return nil
				}
				r.start()
				r.live(60) // segments 6 to 65; three are fetched and wait
				close(busy)
				r.pass(time.Second)
				r.live(3)
				equal(t, "segments", append(numbers(3, 8), numbers(tc.next, 68)...), r.sequences())
				equal(t, "lost", int(tc.next-9), r.lost())
				for _, kind := range r.kinds() {
					equal(t, "fault", capture.FaultBehind, kind)
				}
				r.checkPlaces(3)
			})
		})
	}
}

func TestRestartGoesOn(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(6)
		r.start()
		r.live(2)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		state := r.segments[len(r.segments)-1].After
		r.Publish(4) // while it was away
		r.prepare(origin.Media, state, r.follower.Getter)
		r.On(origin.Media, origin.Stale(5)) // and the first answer is an old copy
		r.start()
		r.live(2)
		equal(t, "segments", numbers(103, 113), r.sequences())
		equal(t, "faults", 0, len(r.kinds()))
		r.checkPlaces(103)
	})
}

// A box that was killed in the middle of a segment, be it the first it ever saw, reads it again at the same positions.
func TestRestartWithinASegment(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(6)
		r.start()
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		first := r.segments[0]
		r.prepare(origin.Media, first.Before, r.follower.Getter)
		r.segments = nil
		r.start()
		if again := r.segments[0]; again.Sequence != first.Sequence || again.Span != first.Span {
			t.Errorf("read again: segment %d at %v, was segment %d at %v", again.Sequence, again.Span, first.Sequence, first.Span)
		}
	})
}

// What a box that was away can still have, it makes up for: up to ten minutes of it.
func TestCatchesUp(t *testing.T) {
	for name, tc := range map[string]struct{ away, lost int }{"nine minutes": {270, 0}, "eleven minutes": {330, 327}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{}, func(r *rig) {
				r.Publish(3)
				r.start()
				if err := r.stop(); err != nil {
					t.Error(err)
				}
				r.pass(time.Duration(tc.away) * 2 * time.Second)
				r.Publish(tc.away)
				r.prepare(origin.Media, r.segments[2].After, r.follower.Getter)
				r.start()
				last := uint64(2 + tc.away)
				equal(t, "segments", append(numbers(0, 2), numbers(uint64(3+tc.lost), last)...), r.sequences())
				equal(t, "lost", tc.lost, r.lost())
				r.checkPlaces(0)
			})
		})
	}
}

func TestStaleCopies(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(8)
		r.start()
		for range 6 {
			r.On(origin.Media, origin.Stale(2), origin.Stale(2), origin.Stale(2))
			r.live(1)
		}
		r.live(1)
		equal(t, "segments", numbers(105, 114), r.sequences())
		equal(t, "faults", 0, len(r.kinds()))
		r.checkPlaces(105)
	})
}

func TestOriginRestarts(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(8)
		r.start()
		r.Restart(0)
		r.live(6)
		equal(t, "faults", []string{capture.FaultReset}, r.kinds()[len(r.kinds())-1:])
		got := r.sequences()
		if last := got[len(got)-1]; last != 5 {
			t.Errorf("segments %v", got)
		}
		until := timeline.Position(0)
		for _, s := range r.segments {
			if s.From < until {
				t.Errorf("segment %d is at %v, after one until %v", s.Sequence, s.From, until)
			}
			until = s.Until
		}
	})
}

func TestGapsAndDiscontinuities(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Start: kickOff}, func(r *rig) {
		r.Publish(3)
		r.start()
		r.Append(origin.Segment{Duration: 2 * time.Second, Gap: true})
		r.Skip(1)
		r.Break()
		r.live(17) // over the clip's end
		equal(t, "asked for the gap", 0, len(r.loads(origin.SegmentPath(3))))
		equal(t, "segments", append(numbers(0, 2), numbers(4, 20)...), r.sequences())
		equal(t, "faults", []string{capture.FaultGap}, r.kinds())
		if s := r.segments[3]; !s.Jump || s.From != 10_000 { // the gap of 2 s, and the clip's segment that was skipped
			t.Errorf("after the gap: jump %t at %v", s.Jump, s.From)
		}
		if p, ok := r.follower.PositionAt(kickOff.Add(5 * time.Second)); !ok || p != 5000 {
			t.Errorf("five seconds in is %v, %t", p, ok)
		}
	})
}

func TestContainersAndCodecs(t *testing.T) {
	for name, clip := range map[string]func() (origin.Clip, error){"fMP4": clipFMP4, "HEVC in TS": clipHEVC, "HEVC in fMP4": clipHVC1, "the PTS wrap": clipWrap} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clip, origin.Style{}, func(r *rig) {
				r.Publish(4)
				r.End()
				r.follower.Recording = true
				r.start()
				equal(t, "segments", numbers(0, 3), r.sequences())
				r.checkPlaces(0)
				if n := len(r.loads(origin.InitPath)); n > 1 {
					t.Errorf("EXT-X-MAP was loaded %d times", n)
				}
			})
		})
	}
}

func TestMultivariant(t *testing.T) {
	style := window
	style.Variants = []string{`BANDWIDTH=64000,CODECS="mp4a.40.2"`, `BANDWIDTH=900000,RESOLUTION=320x180,CODECS="avc1.640028"`}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		r.Publish(5)
		r.start()
		r.On(origin.Media, origin.Times(3, origin.Status(http.StatusBadGateway))...)
		r.live(8)
		equal(t, "segments", numbers(102, 112), r.sequences())
		equal(t, "faults", []string{capture.FaultPlaylist, capture.FaultPlaylist, capture.FaultPlaylist}, r.kinds())
		equal(t, "loads of the multivariant playlist", 2, len(r.loads(origin.Multivariant)))
		r.checkPlaces(102)
	})
}

func TestMediaPlaylistTurnsMultivariant(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(5)
		r.start()
		r.On(origin.Media, origin.Body([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n")))
		r.live(4)
		equal(t, "faults", []string{capture.FaultPlaylist}, r.kinds())
		equal(t, "segments", numbers(102, 108), r.sequences())
	})
}

func TestStopsAtOnce(t *testing.T) {
	for name, path := range map[string]string{"in a segment": origin.SegmentPath(103), "in a playlist": origin.Media} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, window, func(r *rig) {
				r.Publish(5)
				r.On(path, origin.Hold(nil))
				r.start()
				began := time.Now()
				if err := r.stop(); err != nil || time.Since(began) != 0 {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
	t.Run("when the handler fails", func(t *testing.T) {
		inBubble(t, clipTS, window, func(r *rig) {
			broken := errors.New("disk full")
			r.handle = func(context.Context, *capture.Segment) error { return broken }
			r.Publish(5)
			r.start()
			if err := r.stop(); !errors.Is(err, broken) {
				t.Errorf("%v", err)
			}
			equal(t, "segments", 0, len(r.sequences()))
		})
	})
}
