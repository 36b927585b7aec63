package systemd_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"spotter/systemd"
)

// manager is a service manager that listens. What it returns reads the next message.
func manager(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := socket.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestNotify(t *testing.T) {
	next := manager(t)
	for _, tc := range []struct {
		name string
		say  func() error
		want string // a regular expression
	}{
		{"ready", func() error { return systemd.Ready("3 streams") }, "READY=1\nSTATUS=3 streams"},
		{"reloading", systemd.Reloading, "RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*"},
		{"stopping", systemd.Stopping, "STOPPING=1\nSTATUS=.+"},
		{"status", func() error { return systemd.Status("2 of 3 streams live") }, "STATUS=2 of 3 streams live"},
		{"a status that would be more", func() error { return systemd.Status("a\nMAINPID=1") }, "STATUS=a MAINPID=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.say(); err != nil {
				t.Fatal(err)
			}
			if got := next(); !regexp.MustCompile("^" + tc.want + "$").MatchString(got) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Run("not a service", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", "")
		if err := systemd.Ready(""); err != nil {
			t.Error(err)
		}
	})
	t.Run("the socket is gone", func(t *testing.T) {
		t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "notify"))
		if systemd.Ready("") == nil {
			t.Error("no error")
		}
	})
}

func TestWatchdogTellsTheManager(t *testing.T) {
	next := manager(t)
	w := systemd.NewWatchdog(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx, 30*time.Millisecond); close(done) }()
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	cancel()
	<-done
}

func TestWatchdogInterval(t *testing.T) {
	for _, tc := range []struct {
		name, usec, pid string
		want            time.Duration
		fails           bool
	}{
		{"none", "", "", 0, false},
		{"a minute", "60000000", "", time.Minute, false},
		{"of another process", "60000000", "1", 0, false},
		{"not a number", "soon", "", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("WATCHDOG_USEC", tc.usec)
			t.Setenv("WATCHDOG_PID", tc.pid)
			got, err := systemd.WatchdogInterval()
			if got != tc.want || (err != nil) != tc.fails {
				t.Errorf("got %v, %v; want %v", got, err, tc.want)
			}
		})
	}
}
