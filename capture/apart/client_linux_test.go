//go:build linux && !nocv

package apart_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
	"spotter/vision"
)

// serverVariable makes this test binary, run as a child, a decoder.
const serverVariable = "TEST_SERVER"

// TestServer is not a test: it is the decoder of the others.
func TestServer(t *testing.T) {
	if os.Getenv(serverVariable) == "" {
		t.Skip("it is run by the other tests")
	}
	conn, err := apart.Confine()
	if err == nil {
		err = apart.Serve(context.Background(), conn, work)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// work is that of a decoder without models, whose greeting is its process id where the setup asks for it.
func work(setup []byte) (*apart.Work, error) {
	d, err := opencv.New()
	if err != nil {
		return nil, err
	}
	greeting := setup
	switch string(setup) {
	case "pid":
		greeting = fmt.Append(nil, os.Getpid())
	case "tell":
		fmt.Fprintln(os.Stderr, "opened")
	}
	return &apart.Work{
		Greeting: greeting, SeeAll: true, Close: d.Close,
		See: func(_ context.Context, p vision.Picture) (vision.Sight, error) {
			return vision.Sight{Objects: []timeline.Entity{vision.Object("Person", 50)}}, nil
		},
		Decode: func(ctx context.Context, job capture.Job, gate apart.Gate, beat func(), emit func(apart.Sample) error) error {
			d.Beat = beat
			return d.Decode(ctx, job, gate, func(s opencv.Sample) error { return emit(apart.Sample(s)) })
		},
	}, nil
}

// decoder is a client of real children, and the id of the one that lives.
type decoder struct {
	*apart.Client
	dir string
}

func newDecoder(t testing.TB, more ...string) *decoder {
	t.Helper()
	d := &decoder{dir: t.TempDir()}
	d.Client = apart.NewClient(apart.ClientOptions{
		Process: apart.Options{
			Command: []string{"/proc/self/exe", "-test.run=^TestServer$"}, Dir: filepath.Join(d.dir, "run"),
			Env: append(more, serverVariable+"=1"), Name: "cup/final",
		},
		Setup: []byte("decode"),
		Aside: apart.NewAside(filepath.Join(d.dir, "aside")),
		OnEnd: func(how error, pause time.Duration) { t.Logf("ended: %v; the next in %s", how, pause) },
	})
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// children returns the processes that this one has started and that run.
func children(t testing.TB) (pids []int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tasks {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		var pid int
		for rest := string(b); ; {
			n, err := fmt.Sscanf(rest, "%d", &pid)
			if n == 0 || err != nil {
				break
			}
			pids = append(pids, pid)
			rest = rest[len(fmt.Sprint(pid)):]
			if len(rest) > 0 {
				rest = rest[1:]
			}
		}
	}
	return pids
}

// signalled is a gate that admits every picture and sends the child a signal as often as told.
type signalled struct {
	t      testing.TB
	signal syscall.Signal
	times  int
	asked  []timeline.Position
	sights int
	looker vision.Looker
}

func (g *signalled) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	g.asked = append(g.asked, at)
	if s, err := g.looker.See(ctx, vision.Picture{Small: small, At: at}); err == nil && len(s.Objects) == 1 {
		g.sights++
	}
	if g.times > 0 {
		g.times--
		for _, pid := range children(g.t) {
			if err := syscall.Kill(pid, g.signal); err != nil {
				g.t.Error(err)
			}
		}
	}
	return true
}

// follow decodes a recording and returns where pictures were seen, in order.
func follow(t testing.TB, dir string, demuxer capture.Demuxer, do func(context.Context, *capture.Segment, capture.Job) error) (faults []capture.Fault) {
	t.Helper()
	folder, err := fetch.NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	clock, err := capture.NewClock(capture.ZeroFirst, nil)
	if err != nil {
		t.Fatal(err)
	}
	planner := capture.NewPlanner(time.Second)
	f := capture.Follower{
		Sources: []*url.URL{folder.URL(testmedia.Playlist)}, Getter: folder, Clock: clock, Recording: true, Demuxer: demuxer,
		OnFault: func(f capture.Fault) { faults = append(faults, f) },
	}
	err = f.Run(t.Context(), func(ctx context.Context, s *capture.Segment) error { return do(ctx, s, planner.Plan(s)) })
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

func clip(t testing.TB) string {
	t.Helper()
	return testmedia.Stream{Rate: "25", Seconds: 6, Segment: "2", Encoder: []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-keyint_min", "50"}}.Make(t)
}

// want is what a decoder in this process sees of a recording.
func want(t testing.TB, dir string) (list []timeline.Position, jpegs int) {
	t.Helper()
	d, err := opencv.New()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	follow(t, dir, nil, func(ctx context.Context, _ *capture.Segment, job capture.Job) error {
		return d.Decode(ctx, job, &signalled{t: t, looker: none{}}, func(s opencv.Sample) error {
			list, jpegs = append(list, s.Position), jpegs+len(s.Frame.JPEG)
			return nil
		})
	})
	return list, jpegs
}

type none struct{}

func (none) See(context.Context, vision.Picture) (vision.Sight, error) {
	return vision.Sight{}, errors.New("none")
}

func TestDecoderApartSeesTheSame(t *testing.T) {
	dir := clip(t)
	wanted, size := want(t, dir)
	for _, tt := range []struct {
		name   string
		signal syscall.Signal
		times  int
	}{
		{name: "undisturbed"},
		{name: "killed at a picture", signal: syscall.SIGKILL, times: 1},
		{name: "aborted at a picture", signal: syscall.SIGABRT, times: 1},
		{name: "stopped at a picture", signal: syscall.SIGSTOP, times: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t)
			g := &signalled{t: t, looker: d, signal: tt.signal, times: tt.times}
			var got []timeline.Position
			jpegs := 0
			var longest time.Duration
			last := time.Now()
			faults := follow(t, dir, d, func(ctx context.Context, _ *capture.Segment, job capture.Job) error {
				return d.Decode(ctx, job, g, func(s apart.Sample) error {
					longest, last = max(longest, time.Since(last)), time.Now()
					got, jpegs = append(got, s.Position), jpegs+len(s.Frame.JPEG)
					return nil
				})
			})
			if diff := cmp.Diff(wanted, got); diff != "" || jpegs != size {
				t.Errorf("pictures (-want +got), %d bytes of %d:\n%s", jpegs, size, diff)
			}
			if diff := cmp.Diff(wanted, g.asked); diff != "" || g.sights != len(wanted) {
				t.Errorf("asked (-want +got), with %d sights:\n%s", g.sights, diff)
			}
			if len(faults) > 0 {
				t.Error(faults)
			}
			t.Logf("the longest time between two pictures: %s", longest.Round(time.Millisecond))
		})
	}
}

func TestSegmentThatKillsIsSetAside(t *testing.T) {
	dir := clip(t)
	wanted, _ := want(t, dir)
	d := newDecoder(t)
	g := &signalled{t: t, looker: d, signal: syscall.SIGKILL, times: 2}
	var got []timeline.Position
	var failed []error
	var first []byte
	follow(t, dir, d, func(ctx context.Context, s *capture.Segment, job capture.Job) error {
		err := d.Decode(ctx, job, g, func(s apart.Sample) error { got = append(got, s.Position); return nil })
		failed = append(failed, err)
		return nil
	})
	if !errors.Is(failed[0], capture.ErrDecoder) || errors.Join(failed[1:]...) != nil {
		t.Errorf("the first segment was to be lost alone: %v", failed)
	}
	t.Log(failed[0])
	if len(got) == 0 || len(got) >= len(wanted) {
		t.Errorf("%d of %d pictures", len(got), len(wanted))
	}
	list, err := filepath.Glob(filepath.Join(d.dir, "aside", "*-cup_final.ts"))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if first, err = os.ReadFile(list[0]); err != nil {
		t.Fatal(err)
	}
	segment, err := os.ReadFile(filepath.Join(dir, "index0.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(segment, first); diff != "" {
		t.Error("what was set aside is not the segment")
	}
}

func TestChildThatStopsWhileItDemuxesIsReplaced(t *testing.T) {
	dir := clip(t)
	segment, err := os.ReadFile(filepath.Join(dir, "index0.ts"))
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t)
	if _, err := d.Greeting(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range children(t) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	v, err := d.Demux(t.Context(), nil, nil, segment)
	if err != nil || len(v.Units) != 50 {
		t.Fatal(v, err)
	}
	t.Logf("replaced after %s", time.Since(began).Round(time.Millisecond))
}

func TestErrorsKeepTheirKind(t *testing.T) {
	d := newDecoder(t)
	for _, tt := range []struct {
		name    string
		segment string
		want    error
	}{
		{"noise", "noise noise noise", container.ErrFormat},
		{"nothing", "", container.ErrEmpty},
		{"subtitles", "WEBVTT\n", container.ErrNoVideo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Demux(t.Context(), nil, nil, []byte(tt.segment))
			_, here := container.Demux(nil, []byte(tt.segment))
			if !errors.Is(err, tt.want) || err.Error() != here.Error() {
				t.Errorf("got %q, want %q", err, here)
			}
		})
	}
}

func TestCancelledDecodeLeavesTheChildWell(t *testing.T) {
	dir := clip(t)
	d := newDecoder(t)
	var stopped atomic.Int64
	errEnough := errors.New("enough")
	follow(t, dir, d, func(ctx context.Context, _ *capture.Segment, job capture.Job) error {
		err := d.Decode(ctx, job, &signalled{t: t, looker: d}, func(apart.Sample) error { return errEnough })
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
		stopped.Add(1)
		return nil
	})
	if stopped.Load() != 3 {
		t.Errorf("%d segments", stopped.Load())
	}
	if n := len(children(t)); n != 1 {
		t.Errorf("%d children", n)
	}
}
