//go:build linux && !nocv

package apart_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"spotter/capture/apart"
)

// lines tells of each write that has a text.
type lines struct {
	text string
	seen chan struct{}
}

func (l lines) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(l.text)) {
		l.seen <- struct{}{}
	}
	return len(p), nil
}

// TestChildOpensBeforeItIsAsked: models were loaded only when the first segment was there, and that of a new child when the
// next was, so a slow start delayed the stream by as much.
func TestChildOpensBeforeItIsAsked(t *testing.T) {
	said := lines{"opened", make(chan struct{}, 16)}
	c := apart.NewClient(apart.ClientOptions{Process: apart.Options{
		Command: []string{"/proc/self/exe", "-test.run=^TestServer$"}, Dir: filepath.Join(t.TempDir(), "run"),
		Env: []string{serverVariable + "=1"}, Log: slog.New(slog.NewTextHandler(said, nil)),
	}, Setup: []byte("tell")})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		select {
		case <-said.seen:
		case <-time.After(30 * time.Second):
			t.Fatal("the child opens nothing by itself")
		}
		for _, pid := range children(t) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	}
}
