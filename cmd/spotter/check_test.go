package main_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	main "spotter/cmd/spotter"
	hls "spotter/internal/origin"
)

func TestCheckOfUnit(t *testing.T) {
	for name, tc := range map[string]struct{ shown, want string }{
		"not installed": {"LoadState=not-found\nActiveState=inactive\n", "note  service          spotter.service is not installed: the package has it\n"},
		"failed":        {"LoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n", "MEND  service          spotter.service has failed: journalctl -u spotter"},
		"stopped":       {"LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n", "note  service          spotter.service is inactive: systemctl enable --now spotter\n"},
		"not enabled":   {"LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n", "systemctl enable spotter\n"},
		"well":          {"NRestarts=2\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n", "ok    service          spotter.service runs, started again 2 times since\n"},
	} {
		if got := main.UnitFound(tc.shown); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestCheckOfDecoder(t *testing.T) {
	if got, want := main.DecoderFound(nil), "ok    decoder          its files are confined\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	off := errors.New("Landlock is off: add landlock to the kernel's lsm= parameter")
	want := "note  decoder          the decoder's files are not confined: Landlock is off: add landlock to the kernel's lsm= parameter\n"
	if got := main.DecoderFound(off); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCheckOfClock(t *testing.T) {
	for _, tc := range []struct {
		off  time.Duration
		want string
	}{
		{2 * time.Second, "ok    clock            agrees with origin.example\n"},
		{-2 * time.Second, "ok    clock            agrees with origin.example\n"},
		{7 * time.Second, "note  clock            7s ahead of origin.example: see which of the two is right"},
		{-6 * time.Minute, "MEND  clock            6m0s behind origin.example: set the clock"},
	} {
		if got := main.ClockFound(tc.off); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%v: %q, want %q", tc.off, got, tc.want)
		}
	}
}

func TestCheckOfDisk(t *testing.T) {
	dir := t.TempDir()
	got := main.DiskFound(dir)
	if !regexp.MustCompile(`^(ok  |note|MEND)  disk speed       a commit takes \S+, at worst \S+; \S+ [KMGT]?i?B/s`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if got := main.DiskFound(filepath.Join(dir, "nowhere")); !strings.HasPrefix(got, "MEND  disk speed ") {
		t.Errorf("of a folder that is not there: %q", got)
	}
}

// TestCheckOfStream looks at an origin as the box would: what it shows, and that an origin whose segments are none is told.
func TestCheckOfStream(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 8, 6)
	path := filepath.Join(t.TempDir(), "spotter.yaml")
	write(t, path, config(newData(t), classic, "media:", o.follows("cup", ", sample_interval: 500ms"),
		"  - {id: noise, url: '"+o.noise.URL+hls.Media+"'}",
		"  - {id: clock, url: '"+o.URL+hls.Media+"', zero: 2026-11-23T14:00:00Z}"))
	code, out, _ := program(t, nil, "check", "--config", path, "--format", "json")
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	var report struct {
		Checks []struct{ Name, State, Detail, Mend string }
		ToMend int `json:"to_mend"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	has := func(name, state, detail, mend string) {
		t.Helper()
		for _, c := range report.Checks {
			if c.Name == name && c.State == state && strings.Contains(c.Detail, detail) && strings.Contains(c.Mend, mend) {
				return
			}
		}
		t.Errorf("no %s of %s with %q and %q in %s", state, name, detail, mend, out)
	}
	has("media cup", "ok", "target duration", "")
	has("media cup", "ok", "h264 768x576, its first segment of 1.0 s came after", "")
	has("media cup", "note", "keyframes come every 1.0 s, and a picture is wanted every 500ms", "keyframe more often")
	has("media noise", "mend", "not a usable segment", "its segments are not")
	has("media clock", "mend", "", "EXT-X-PROGRAM-DATE-TIME")
	has("clock", "ok", "agrees with 127.0.0.1:", "")
	has("open files", "ok", "at most", "")
	mends := 0
	for _, c := range report.Checks {
		if c.State == "mend" {
			mends++
		}
	}
	if mends != report.ToMend {
		t.Errorf("%d to mend, said %d", mends, report.ToMend)
	}
}
