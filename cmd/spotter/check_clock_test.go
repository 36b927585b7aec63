package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestClockWithinTheUnit: the hardened service may not ask the kernel for its clock, so that spotter_clock_synchronized was missing
// there, and its alert could never fire.
func TestClockWithinTheUnit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := timesyncState(filepath.Join(dir, "none")); err == nil {
		t.Error("without systemd-timesyncd somebody can tell")
	}
	if ok, err := timesyncState(dir); ok || err != nil {
		t.Errorf("not synchronised yet: %v, %v", ok, err)
	}
	mark := filepath.Join(dir, "synchronized")
	put(t, mark, "")
	if ok, err := timesyncState(dir); !ok || err != nil {
		t.Errorf("just synchronised: %v, %v", ok, err)
	}
	past := time.Now().Add(-clockHolds - time.Minute)
	if err := os.Chtimes(mark, past, past); err != nil {
		t.Fatal(err)
	}
	if ok, err := timesyncState(dir); ok || err != nil {
		t.Errorf("synchronised long ago: %v, %v", ok, err)
	}
}
