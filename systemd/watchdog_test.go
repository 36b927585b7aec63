package systemd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/systemd"
)

// watch runs a watchdog of 30 s, so it looks every 10 s, in a bubble of virtual time. Play may say what parts do; it
// returns how often the service manager was told, and the log.
func watch(t *testing.T, play func(w *systemd.Watchdog), beatErr error) (beats int, logged string) {
	t.Helper()
	var log bytes.Buffer
	w := systemd.NewTestWatchdog(slog.New(slog.NewTextHandler(&log, nil)), func() error { beats++; return beatErr })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx, 30*time.Second); close(done) }()
	play(w)
	synctest.Wait()
	cancel()
	<-done
	return beats, log.String()
}

func TestWatchdog(t *testing.T) {
	t.Parallel()
	const silence = 25 * time.Second
	for _, tc := range []struct {
		name  string
		play  func(w *systemd.Watchdog)
		beats int // in 95 s: ten, where nothing is late
		says  []string
	}{
		{"without parts", func(*systemd.Watchdog) { time.Sleep(95 * time.Second) }, 10, nil},
		{"progress in time", func(w *systemd.Watchdog) {
			p := w.Watch("store", silence)
			for range 19 {
				time.Sleep(5 * time.Second)
				p.Progress()
			}
		}, 10, nil},
		{"one of two stops", func(w *systemd.Watchdog) {
			w.Watch("cup decoder", silence)
			p := w.Watch("store", silence)
			for range 19 {
				time.Sleep(5 * time.Second)
				p.Progress()
			}
		}, 3, []string{`level=ERROR`, `parts="cup decoder (silent for 30s)"`}},
		{"one stops and comes back", func(w *systemd.Watchdog) {
			p := w.Watch("store", silence)
			time.Sleep(45 * time.Second)
			p.Progress()
			time.Sleep(5 * time.Second)
			p.Rest()
			time.Sleep(45 * time.Second)
		}, 8, []string{`parts="store (silent for 30s)"`, `msg="progress again" parts=store`}},
		{"one rests", func(w *systemd.Watchdog) {
			w.Watch("binding", silence).Rest()
			time.Sleep(95 * time.Second)
		}, 10, nil},
		{"one leaves", func(w *systemd.Watchdog) {
			p := w.Watch("cup", silence)
			time.Sleep(5 * time.Second)
			p.Leave()
			p.Leave()
			time.Sleep(90 * time.Second)
		}, 10, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				beats, logged := watch(t, tc.play, nil)
				if beats != tc.beats {
					t.Errorf("told the service manager %d times, want %d", beats, tc.beats)
				}
				if tc.says == nil && logged != "" {
					t.Errorf("logged:\n%s", logged)
				}
				for _, want := range tc.says {
					if strings.Count(logged, want) != 1 {
						t.Errorf("want %s once in the log:\n%s", want, logged)
					}
				}
			})
		})
	}
}

func TestWatchdogThatNobodyHears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, logged := watch(t, func(*systemd.Watchdog) {}, errors.New("connection refused"))
		if !strings.Contains(logged, "connection refused") {
			t.Errorf("logged %q", logged)
		}
	})
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := systemd.NewWatchdog(slog.New(slog.DiscardHandler))
		w.Watch("slow", time.Minute)
		w.Watch("stuck", time.Second)
		w.Watch("idle", time.Second).Rest()
		if late := w.Late(); late != nil {
			t.Errorf("got %v at once", late)
		}
		time.Sleep(3 * time.Second)
		if diff := cmp.Diff([]string{"stuck (3s)"}, w.Late()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoWatchdog(t *testing.T) {
	t.Parallel()
	var w *systemd.Watchdog
	p := w.Watch("store", time.Second)
	p.Progress()
	p.Rest()
	p.Leave()
}
