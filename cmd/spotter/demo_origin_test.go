package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
)

// TestDemoOriginGoesAway: a signal takes the demo's origin away, the next one brings it back.
func TestDemoOriginGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &demoOrigin{ended: make(chan error, 1), toggle: make(chan os.Signal, 1)}
		h := o.unlessAway(http.NotFoundHandler())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- o.wait(ctx) }()
		for i, want := range []int{404, 503, 404, 503} {
			if i > 0 {
				o.toggle <- syscall.SIGUSR1
				synctest.Wait()
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index.m3u8", nil))
			if w.Code != want {
				t.Errorf("after %d signals: status %d, want %d", i, w.Code, want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
