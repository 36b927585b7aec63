package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSavedWhileApplied saves the file once more while the box takes up a version that names another file with a secret, and saves
// that secret then too: neither is lost.
func TestSavedWhileApplied(t *testing.T) {
	const first, second = "data_dir: /srv/one\n", "media: [{id: cup, url_file: address}]\n"
	for name, again := range map[string]struct{ file, text string }{
		"the file":   {"spotter.yaml", second + "# saved again\n"},
		"its secret": {"address", "http://other.example/live.m3u8\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "spotter.yaml")
			put(t, path, first)
			put(t, filepath.Join(dir, "address"), "http://origin.example/a.m3u8\n")
			synctest.Test(t, func(t *testing.T) {
				var used config
				applied := 0
				r := &reloader{
					path: path, files: func() []string { return used.watched() }, count: newReloadMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler),
					apply: func(_ context.Context, next *config) error {
						if applied++; applied == 1 { // as long as streams take to drain
							put(t, filepath.Join(dir, again.file), again.text)
						}
						used = *next
						return nil
					},
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); r.run(ctx, nil) }()
				synctest.Wait()
				put(t, path, second)
				time.Sleep(time.Minute)
				cancel()
				<-ended
				if applied != 2 {
					t.Errorf("read %d times, want 2: what was saved meanwhile is never taken", applied)
				}
			})
		})
	}
}
