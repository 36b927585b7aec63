package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lines is a log that waits for what it is to say.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

// TestSavedWhileOpened saves the file after it was read and before the box runs, which may be a minute later, and has a signal wait
// already: both count. Under the race detector it also finds whoever reads what a reload changes.
func TestSavedWhileOpened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spotter.yaml")
	const text = "data_dir: %\nhttp: {viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0'}}\nvision: {local: {recognizer: classic}}\n"
	usual := strings.Replace(text, "%", filepath.Join(dir, "data"), 1)
	for name, hangUp := range map[string]bool{"alone": false, "with a signal": true} {
		t.Run(name, func(t *testing.T) {
			put(t, path, usual)
			conf, err := loadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			conf.Vision.Mode = "cloud-only" // no decoder is started: the program that it would be is this test
			conf.Vision.Rekognition = &rekognitionConfig{Region: "us-east-1", MaxLabels: 5, MinConfidence: 90, CallsPerSecond: 1, USDPerHour: 1, Deadline: time.Second, Spool: "8MiB"}
			read := (&reloader{path: path, files: conf.watched}).print()
			log := new(lines)
			a, err := openApp(t.Context(), conf, slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			a.read = read
			put(t, path, usual+"retention: {age: 5h}\n")
			signals := make(chan os.Signal, 1)
			if hangUp {
				signals <- syscall.SIGHUP
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- errors.Join(a.Run(ctx, path, signals), a.Close()) }()
			look := time.NewTicker(20 * time.Millisecond)
			defer look.Stop()
			for end := time.After(10 * time.Second); !log.has("retention.age"); {
				select {
				case <-look.C:
				case <-end:
					t.Fatalf("never read again:\n%s", log.text.String())
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
