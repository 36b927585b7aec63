package apart_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"spotter/capture/apart"
)

// TestCrashWhileItIsAskedIsNoHang: a child that was killed while a request was written was called hung, in the log and in
// the metrics.
func TestCrashWhileItIsAskedIsNoHang(t *testing.T) {
	get := func(context.Context) (apart.Child, error) {
		ours, theirs := net.Pipe()
		f := &fake{ours: ours, done: make(chan struct{})}
		go func() {
			defer close(f.done)
			defer theirs.Close()
			id, err := request(theirs)
			if err == nil {
				err = say(theirs, apart.KindDone, id, nil)
			}
			if err == nil { // it dies in the middle of the request
				_, _ = theirs.Read(make([]byte, 1))
			}
		}()
		return f, nil
	}
	c := apart.NewClientOf(apart.ClientOptions{}, get, func() error { return nil })
	if _, err := c.Demux(t.Context(), nil, nil, make([]byte, 1<<20)); err == nil || errors.Is(err, apart.ErrHung) {
		t.Errorf("ended with %v", err)
	}
}

// TestPauseLeavesTimeToStart: a decoder that was killed again and again before it was asked anything was replaced after 12 s.
func TestPauseLeavesTimeToStart(t *testing.T) {
	for n := range 100 {
		if pause := apart.PauseAfter(n); pause > 3*time.Second {
			t.Errorf("after %d children of no use: %v, want a new one within 5 s, its start included", n, pause)
		}
	}
}
