//go:build !nocv

package opencv_test

import (
	"context"
	"errors"
	"image"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// gateFunc is a gate made of a function.
type gateFunc func(at timeline.Position, small *image.RGBA) bool

func (f gateFunc) Admit(_ context.Context, at timeline.Position, small *image.RGBA) bool {
	return f(at, small)
}

func admitAll(timeline.Position, *image.RGBA) bool  { return true }
func admitNone(timeline.Position, *image.RGBA) bool { return false }

// admitEvery returns a gate that admits the first of every n pictures.
func admitEvery(n int) gateFunc {
	i := -1
	return func(timeline.Position, *image.RGBA) bool {
		i++
		return i%n == 0
	}
}

func newDecoder(t testing.TB) *opencv.Decoder {
	t.Helper()
	d, err := opencv.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// follow reads the recording in dir and hands every segment to handle; faults are returned.
func follow(t testing.TB, dir string, zero capture.Zero, handle func(*capture.Segment) error) []capture.Fault {
	t.Helper()
	folder, err := fetch.NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	clock, err := capture.NewClock(zero, nil)
	if err != nil {
		t.Fatal(err)
	}
	var faults []capture.Fault
	f := &capture.Follower{
		Sources: []*url.URL{folder.URL(testmedia.Playlist)}, Getter: folder, Clock: clock, Recording: true,
		OnFault: func(x capture.Fault) { faults = append(faults, x) },
	}
	err = f.Run(context.Background(), func(_ context.Context, s *capture.Segment) error { return handle(s) })
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// segments returns all segments of the recording in dir.
func segments(t testing.TB, dir string) []*capture.Segment {
	t.Helper()
	var out []*capture.Segment
	for _, f := range follow(t, dir, capture.ZeroFirst, func(s *capture.Segment) error {
		out = append(out, s)
		return nil
	}) {
		t.Errorf("fault: %v", f)
	}
	return out
}

// jobs plans all segments of the recording in dir.
func jobs(t testing.TB, dir string, interval time.Duration) []capture.Job {
	t.Helper()
	planner := capture.NewPlanner(interval)
	var out []capture.Job
	for _, s := range segments(t, dir) {
		out = append(out, planner.Plan(s))
	}
	return out
}

// look is a picture as the gate saw it.
type look struct {
	at     timeline.Position
	number int
	whole  bool
}

// looks decodes a job and returns what was seen. It checks what holds of every job: each wanted picture is emitted
// once at its position and in order, or counted as lost.
func looks(t testing.TB, d *opencv.Decoder, job capture.Job) (out []look, lost int) {
	t.Helper()
	gate := gateFunc(func(at timeline.Position, small *image.RGBA) bool {
		n, ok := testmedia.Number(small)
		out = append(out, look{at, n, ok})
		return len(out)%7 == 0
	})
	emitted := 0
	err := d.Decode(context.Background(), job, gate, func(s opencv.Sample) error {
		if s.Position != out[emitted].at || len(out) != emitted+1 {
			t.Errorf("sample at %v follows the gate's look at %v", s.Position, out[len(out)-1].at)
		}
		if admitted := s.Frame != nil; admitted != (len(out)%7 == 0) {
			t.Errorf("sample at %v: admitted is %v", s.Position, admitted)
		}
		emitted++
		return nil
	})
	if err != nil && !errors.Is(err, opencv.ErrDecode) {
		t.Fatal(err)
	}
	i := 0
	for _, r := range job.Runs {
		for _, p := range r.Pictures {
			if i < len(out) && out[i].at == p.At {
				i++
			} else {
				lost++
			}
		}
	}
	if i != len(out) {
		t.Errorf("looks %v are not those planned, in order", out[i:])
	}
	if lost > 0 && err == nil || lost == 0 && err != nil {
		t.Errorf("%d of the pictures are missing, error %v", lost, err)
	}
	return out, lost
}

func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(entries)
}

func fields(s string) []string { return strings.Fields(s) }

// each shows a job's pictures to f.
func each(t testing.TB, d *opencv.Decoder, job capture.Job, f func(at timeline.Position, pix []byte, w, h int)) {
	t.Helper()
	gate := gateFunc(func(at timeline.Position, m *image.RGBA) bool {
		f(at, m.Pix, m.Rect.Dx(), m.Rect.Dy())
		return false
	})
	if err := d.Decode(context.Background(), job, gate, func(opencv.Sample) error { return nil }); err != nil {
		t.Error(err)
	}
}

// decode hands every frame of a job to f.
func decode(t testing.TB, d *opencv.Decoder, job capture.Job, f func(*capture.Frame)) {
	t.Helper()
	err := d.Decode(context.Background(), job, gateFunc(admitAll), func(s opencv.Sample) error { f(s.Frame); return nil })
	if err != nil {
		t.Error(err)
	}
}
