package capture_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/internal/origin"
	"spotter/timeline"
)

// The clips are made once for all tests.
var (
	clipTS   = recipe(origin.Recipe{Segments: 20})
	clipFMP4 = recipe(origin.Recipe{Segments: 6, FMP4: true})
	clipHEVC = recipe(origin.Recipe{Segments: 4, HEVC: true})
	clipHVC1 = recipe(origin.Recipe{Segments: 4, HEVC: true, FMP4: true})
	clipWrap = recipe(origin.Recipe{Segments: 6, Offset: 95_438 * time.Second})
)

func recipe(r origin.Recipe) func() (origin.Clip, error) {
	return sync.OnceValues(func() (origin.Clip, error) { return origin.Encode(context.Background(), r) })
}

// rig is a follower of an origin on a network in memory, in a bubble of virtual time.
type rig struct {
	*origin.Origin
	others   map[string]http.Handler // by host; set before start
	t        *testing.T
	network  *origin.Pipe
	follower *capture.Follower
	// handle, if set, is called with each segment before it is noted.
	handle func(context.Context, *capture.Segment) error
	began  time.Time

	mu       sync.Mutex
	segments []*capture.Segment
	faults   []capture.Fault

	cancel context.CancelFunc
	done   chan error
}

// inBubble runs test with an origin of the clip that style describes.
func inBubble(t *testing.T, clip func() (origin.Clip, error), style origin.Style, test func(*rig)) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg on the path")
	}
	c, err := clip()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := &rig{Origin: origin.New(c, style), t: t, network: origin.NewPipe(), began: time.Now(), others: map[string]http.Handler{}}
		stop := r.network.Serve(r)
		getter := fetch.NewHTTP(fetch.Options{UserAgent: "spotter-test", Hosts: []string{"origin.example", "backup.example"}, Dial: r.network.Dial})
		r.prepare(origin.Media, nil, getter)
		test(r)
		if r.cancel != nil {
			_ = r.stop()
		}
		getter.Close()
		stop()
	})
}

// prepare makes the follower that start starts.
func (r *rig) prepare(path string, state []byte, getter fetch.Getter) {
	u, err := url.Parse("http://user:s3cret@origin.example" + path + "?token=s3cret")
	if err != nil {
		r.t.Fatal(err)
	}
	r.follower = &capture.Follower{Sources: []*url.URL{u}, Getter: getter, Clock: newClock(r.t, "first", state), OnFault: func(f capture.Fault) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.faults = append(r.faults, f)
	}}
}

// ServeHTTP answers as the host that is asked.
func (r *rig) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if other := r.others[q.Host]; other != nil {
		other.ServeHTTP(w, q)
		return
	}
	r.Origin.ServeHTTP(w, q)
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	done, follower := r.done, r.follower
	go func() {
		done <- follower.Run(ctx, func(ctx context.Context, s *capture.Segment) error {
			if r.handle != nil {
				if err := r.handle(ctx, s); err != nil {
					return err
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.segments = append(r.segments, s)
			return nil
		})
	}()
	synctest.Wait()
}

// stop ends the follower and returns what Run did.
func (r *rig) stop() error {
	r.cancel()
	r.cancel = nil
	return <-r.done
}

// pass lets virtual time go by.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// live publishes n segments, each two seconds after the one before.
func (r *rig) live(n int) {
	for range n {
		r.pass(2 * time.Second)
		r.Publish(1)
	}
	r.pass(4 * time.Second)
}

// sequences returns the numbers of the segments that were handed on.
func (r *rig) sequences() (out []uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.segments {
		out = append(out, s.Sequence)
	}
	return out
}

// kinds returns the kinds of the faults so far.
func (r *rig) kinds() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		out = append(out, f.Kind)
	}
	return out
}

func (r *rig) lost() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		n += f.Lost
	}
	return n
}

// loads returns when a path was asked for, since the bubble began.
func (r *rig) loads(path string) (out []time.Duration) {
	for _, q := range r.Requests() {
		if q.Path == path {
			out = append(out, q.At.Sub(r.began))
		}
	}
	return out
}

func numbers(first, last uint64) (out []uint64) {
	for n := first; n <= last; n++ {
		out = append(out, n)
	}
	return out
}

func equal(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// checkPlaces fails unless every segment is where its number puts it, two seconds each from zero on, and no fault or
// segment gives a secret away.
func (r *rig) checkPlaces(zero uint64) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.segments {
		if want := timeline.Position(s.Sequence-zero) * 2000; s.From != want {
			r.t.Errorf("segment %d is at %v, want %v", s.Sequence, s.From, want)
		}
		if strings.Contains(s.URL, "s3cret") {
			r.t.Errorf("a segment's address tells a secret: %s", s.URL)
		}
	}
	for _, f := range r.faults {
		if said := f.URL + " " + f.Err.Error(); strings.Contains(said, "s3cret") {
			r.t.Errorf("a fault tells a secret: %s", said)
		}
	}
	if !slices.IsSortedFunc(r.segments, func(a, b *capture.Segment) int { return int(a.From - b.From) }) {
		r.t.Error("positions go back")
	}
}

// status is an HTTP answer that a test expects.
type status int

func (s status) Error() string { return strconv.Itoa(int(s)) }

// is is errors.Is, and knows a status.
func is(err, want error) bool {
	if code, ok := want.(status); ok {
		got, ok := errors.AsType[*fetch.StatusError](err)
		return ok && got.Code == int(code)
	}
	return errors.Is(err, want)
}
