package capture_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/capture/playlist"
	"spotter/internal/origin"
)

const page = "<!DOCTYPE html><html><title>Bad gateway</title></html>"

// One thing goes wrong with segment 105 of a live stream, or with the playlist: it is reported once, as what it is,
// and nothing else is lost or moved.
func TestOneFault(t *testing.T) {
	segment := origin.SegmentPath(105)
	noise := bytes.Repeat([]byte{0xa5, 0x17, 0x99}, 40_000)
	for name, tc := range map[string]struct {
		path  string
		acts  []origin.Act
		fault string // its kind; none: it was overcome
		is    error
		lost  bool // segment 105
	}{
		"404 for a moment":         {segment, origin.Times(2, origin.Status(404)), "", nil, false},
		"404":                      {segment, origin.Times(99, origin.Status(404)), capture.FaultSegment, status(404), true},
		"503 for a moment":         {segment, origin.Times(3, origin.Status(503)), "", nil, false},
		"503 for good":             {segment, origin.Times(99, origin.Status(503)), capture.FaultSegment, status(503), true},
		"truncated for a moment":   {segment, []origin.Act{origin.Truncate()}, "", nil, false},
		"truncated for good":       {segment, origin.Times(99, origin.Truncate()), capture.FaultSegment, nil, true},
		"reset for a moment":       {segment, origin.Times(2, origin.Reset()), "", nil, false},
		"reset for good":           {segment, origin.Times(99, origin.Reset()), capture.FaultSegment, nil, true},
		"slow":                     {segment, []origin.Act{origin.Hold(nil)}, "", nil, false},
		"never":                    {segment, origin.Times(99, origin.Hold(nil)), capture.FaultSegment, nil, true},
		"noise":                    {segment, []origin.Act{origin.Body(noise)}, capture.FaultSegment, container.ErrFormat, true},
		"nothing":                  {segment, []origin.Act{origin.Body(nil)}, capture.FaultSegment, container.ErrEmpty, true},
		"a page":                   {segment, []origin.Act{origin.Body([]byte(page))}, capture.FaultSegment, container.ErrFormat, true},
		"half written":             {segment, []origin.Act{origin.Half()}, "", nil, false},
		"too large, and says so":   {segment, []origin.Act{origin.Oversize(capture.MaxSegmentBytes+1, true)}, capture.FaultSegment, fetch.ErrTooLarge, true},
		"a redirect":               {segment, []origin.Act{origin.Redirect(segment + "?token=s3cret")}, "", nil, false},
		"a redirect loop":          {segment, origin.Times(99, origin.Redirect(segment+"?token=s3cret")), capture.FaultSegment, nil, true},
		"a redirect to a file":     {segment, []origin.Act{origin.Redirect("file:///etc/passwd?token=s3cret")}, capture.FaultSegment, nil, true},
		"playlist: 500":            {origin.Media, []origin.Act{origin.Status(500)}, capture.FaultPlaylist, status(500), false},
		"playlist: reset":          {origin.Media, []origin.Act{origin.Reset()}, "", nil, false},
		"playlist: truncated":      {origin.Media, []origin.Act{origin.Truncate()}, capture.FaultPlaylist, nil, false},
		"playlist: a page":         {origin.Media, []origin.Act{origin.Body([]byte(page))}, capture.FaultPlaylist, playlist.ErrFormat, false},
		"playlist: nothing":        {origin.Media, []origin.Act{origin.Body(nil)}, capture.FaultPlaylist, playlist.ErrFormat, false},
		"playlist: no segments":    {origin.Media, []origin.Act{origin.Body([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n"))}, "", nil, false},
		"playlist: never":          {origin.Media, []origin.Act{origin.Hold(nil)}, capture.FaultPlaylist, nil, false},
		"playlist: too large":      {origin.Media, []origin.Act{origin.Oversize(capture.MaxPlaylistBytes+1, false)}, capture.FaultPlaylist, fetch.ErrTooLarge, false},
		"playlist: a redirect":     {origin.Media, []origin.Act{origin.Redirect(origin.Media + "?token=s3cret")}, "", nil, false},
		"playlist: half a segment": {origin.Media, []origin.Act{origin.Half()}, "", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, window, func(r *rig) {
				r.Publish(5)
				r.start()
				r.On(tc.path, tc.acts...)
				r.live(10)
				r.pass(20 * time.Second)
				want := numbers(102, 114)
				if tc.lost {
					want = slices.DeleteFunc(want, func(n uint64) bool { return n == 105 })
				}
				equal(t, "segments", want, r.sequences())
				r.checkPlaces(102)
				kinds := slices.DeleteFunc(r.kinds(), func(k string) bool { return k == capture.FaultStalled })
				if tc.fault == "" {
					equal(t, "faults", 0, len(kinds))
					return
				}
				equal(t, "faults", []string{tc.fault}, kinds)
				if f := r.faults[0]; tc.is != nil && !is(f.Err, tc.is) || (f.Lost == 1) != tc.lost {
					t.Errorf("the fault is %v, %d lost", f.Err, f.Lost)
				}
			})
		})
	}
}

// What comes after a segment that is lost or cut short says that it does not continue it.
func TestJumpAfterALoss(t *testing.T) {
	for name, act := range map[string]origin.Act{"lost": origin.Status(http.StatusGone), "half": origin.Half()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{}, func(r *rig) {
				r.On(origin.SegmentPath(2), act)
				r.Publish(3)
				r.start()
				r.live(2)
				for _, s := range r.segments {
					if want := s.Sequence == 0 || s.Sequence == 3; s.Jump != want {
						t.Errorf("segment %d: jump %t", s.Sequence, s.Jump)
					}
				}
			})
		})
	}
}

// A failed load of EXT-X-MAP, or of one that is none, costs a moment and not the stream.
func TestInitRecovers(t *testing.T) {
	for name, act := range map[string]origin.Act{"503": origin.Status(503), "a page": origin.Body([]byte(page)), "half": origin.Half()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipFMP4, origin.Style{}, func(r *rig) {
				r.On(origin.InitPath, act)
				r.Publish(3)
				r.start()
				r.live(1)
				equal(t, "segments", numbers(0, 3), r.sequences())
				equal(t, "faults", 0, len(r.kinds()))
			})
		})
	}
	t.Run("too large", func(t *testing.T) {
		inBubble(t, clipFMP4, origin.Style{}, func(r *rig) {
			r.On(origin.InitPath, origin.Oversize(capture.MaxInitBytes+1, false))
			r.Publish(1)
			r.start()
			r.live(3)
			equal(t, "segments", numbers(1, 3), r.sequences())
			if !errors.Is(r.faults[0].Err, fetch.ErrTooLarge) {
				t.Error(r.faults[0].Err)
			}
		})
	})
}

func TestClockFault(t *testing.T) {
	inBubble(t, clipTS, origin.Style{}, func(r *rig) {
		r.follower.Clock = newClock(t, "2026-11-23T14:00:00Z", nil)
		r.Publish(1)
		r.start()
		equal(t, "faults", []string{capture.FaultClock}, r.kinds())
	})
}
