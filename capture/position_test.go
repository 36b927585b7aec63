package capture_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

// The segment that an EXT-X-DISCONTINUITY stands before is lost, or is a gap: the stretch that begins with it is anchored
// all the same, also where its time stamps are a little ahead.
func TestLostDiscontinuity(t *testing.T) {
	for _, name := range []string{"lost", "gap"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{First: 100, Window: 12, Continuous: true}, func(r *rig) {
				r.Publish(4) // 100 to 103
				r.start()
				r.live(2) // 104, 105; to come: 12 s on, moved by 8 s
				ahead := mustClip(t, clipTS).Restamp(8 * time.Second)
				for i := range 6 {
					s := ahead.Segments[6+i]
					s.Discontinuity = i == 0
					s.Gap = i == 0 && name == "gap"
					if i == 0 && name == "lost" {
						r.Every(origin.SegmentPath(106), origin.Status(http.StatusGone))
					}
					r.Append(s)
					r.pass(2 * time.Second)
				}
				r.pass(4 * time.Second)
				r.checkPlaces(101)
			})
		})
	}
}

// A box that was away for longer than the window lists makes up for what is still listed, and says what it lost.
func TestAwayLongerThanTheWindow(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true}, func(r *rig) {
		r.Publish(6)
		r.start()
		r.live(1)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		last := r.segments[len(r.segments)-1]
		for range 20 {
			r.pass(2 * time.Second)
			r.Publish(1)
		}
		r.prepare(origin.Media, last.After, r.follower.Getter)
		r.start()
		r.pass(time.Second)
		listed := last.Sequence + 20
		equal(t, "segments", append(numbers(103, last.Sequence), numbers(listed-9, listed)...), r.sequences())
		equal(t, "lost", 10, r.lost())
		r.checkPlaces(103)
	})
}

// A box that starts again, and first meets a copy of the playlist that is older than it was, reads nothing twice.
func TestRestartMeetsAnOldCopy(t *testing.T) {
	for _, behind := range []int{2, 4, 6, 9} {
		t.Run(fmt.Sprint(behind), func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true}, func(r *rig) {
				r.Publish(12)
				r.start()
				r.live(2)
				if err := r.stop(); err != nil {
					t.Error(err)
				}
				r.prepare(origin.Media, r.segments[len(r.segments)-1].After, r.follower.Getter)
				r.On(origin.Media, origin.Stale(behind))
				r.start()
				r.live(4)
				r.checkPlaces(109)
			})
		})
	}
}

// A HOLD-BACK that is further from the end than analysis has fallen behind does not send it back.
func TestHoldBack(t *testing.T) {
	inBubble(t, clipTS, origin.Style{Continuous: true, Tags: []string{"#EXT-X-SERVER-CONTROL:HOLD-BACK=100"}}, func(r *rig) {
		r.Publish(60) // starts 50 segments from the end, at 10
		busy := make(chan struct{})
		r.handle = func(_ context.Context, s *capture.Segment) error {
			if s.Sequence == 61 {
				<-busy
			}
			return nil
		}
		r.start()
		r.live(30) // 60 to 89: behind by over fifteen target durations
		close(busy)
		r.pass(time.Second)
		r.live(10)
		for n := range uint64(100) {
			if asked := len(r.loads(origin.SegmentPath(n))); asked > 1 {
				t.Errorf("segment %d was fetched %d times", n, asked)
			}
		}
		for _, f := range r.faults {
			if f.Lost < 0 {
				t.Errorf("%d lost: %v", f.Lost, f.Err)
			}
		}
	})
}

// bendPTS moves the PTS of the n-th video picture of a TS segment by 2^21 ticks, some 23 s, as a damaged bit does.
func bendPTS(body []byte, n int) []byte {
	body = slices.Clone(body)
	for at := 0; at+188 <= len(body); at += 188 {
		p := body[at : at+188]
		if p[1]&0x40 == 0 {
			continue
		}
		from := 4
		if p[3]&0x20 != 0 {
			from += 1 + int(p[4])
		}
		if from+14 > 188 || p[from] != 0 || p[from+1] != 0 || p[from+2] != 1 || p[from+3]&0xf0 != 0xe0 || p[from+7]&0x80 == 0 {
			continue
		}
		if n--; n < 0 {
			p[from+11] ^= 0x80
			break
		}
	}
	return body
}

// One damaged time stamp, even of less than a minute, does not move what comes behind it.
func TestOneDamagedTimeStamp(t *testing.T) {
	for _, wall := range []bool{false, true} {
		t.Run(fmt.Sprintf("wall clock %t", wall), func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Continuous: true}
			if wall {
				style.Start = kickOff
			}
			inBubble(t, clipTS, style, func(r *rig) {
				r.Every(origin.SegmentPath(104), origin.Body(bendPTS(mustClip(t, clipTS).Segments[4].Body, 10)))
				r.Publish(3)
				r.start()
				r.live(12)
				r.checkPlaces(100)
				equal(t, "segments", numbers(100, 114), r.sequences())
			})
		})
	}
}

// With a time of day for zero, one segment of a wrong date does not move what comes behind it.
func TestOneWrongDate(t *testing.T) {
	for _, wrong := range []time.Duration{time.Hour, -time.Hour, 24 * 365 * time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true, Start: kickOff}, func(r *rig) {
				r.follower.Clock = newClock(t, kickOff.Format(time.RFC3339), nil)
				r.Publish(3)
				r.start()
				r.live(2)
				r.Jump(wrong)
				r.live(1)
				r.Jump(-wrong)
				r.live(6)
				last := r.segments[len(r.segments)-1]
				if want := timeline.Position(last.Sequence-100) * 2000; last.Sequence != 111 || last.From != want {
					t.Errorf("segment %d is at %v, want 111 at %v", last.Sequence, last.From, want)
				}
			})
		})
	}
}

// An EXTINF without measure does not hide what comes behind its segment.
func TestOneLongEXTINF(t *testing.T) {
	style := origin.Style{Window: 10, First: 100, Continuous: true, IFrames: true, Variants: []string{"BANDWIDTH=1"}}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.IFrames, nil, r.follower.Getter)
		r.Publish(5)
		r.start()
		r.live(2)
		before := len(r.sequences())
		odd := "" // the first I-frame of one segment
		r.Every(origin.IFrames, origin.Edit(func(b []byte) []byte {
			lines := strings.Split(string(b), "\n")
			for i := range lines {
				if strings.HasPrefix(lines[i], "#EXTINF") && strings.HasSuffix(lines[i+2], origin.SegmentPath(108)) {
					lines[i] = "#EXTINF:3600,"
					odd = lines[i+2]
					break
				}
			}
			return []byte(strings.Join(lines, "\n"))
		}))
		r.live(20)
		if n := len(r.sequences()) - before; odd == "" || n < 35 {
			t.Errorf("%d I-frames came in 40 s; faults: %v", n, r.kinds())
		}
		if last := r.segments[len(r.segments)-1]; last.Until > 60_000 {
			t.Errorf("the last is at %v", last.Span)
		}
	})
}
