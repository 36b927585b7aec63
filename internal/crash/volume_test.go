//go:build crash && linux

package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spotter/engage/ledger"
	"spotter/store"
)

// run runs a command that must succeed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// volume is a small file system of its own.
type volume struct {
	at     string
	device string // of ext4
}

func (v *volume) data() string { return filepath.Join(v.at, "data") }

// newTmpfs mounts a file system in memory of so many KiB.
func newTmpfs(t *testing.T, kib int) *volume {
	t.Helper()
	needRoot(t)
	v := &volume{at: t.TempDir()}
	run(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", kib), "spotter-crash", v.at)
	t.Cleanup(func() { syscall.Unmount(v.at, syscall.MNT_DETACH) })
	return v
}

// newExt4 makes an ext4 on a loop device, with an empty data folder that is on its disk.
func newExt4(t *testing.T) *volume {
	t.Helper()
	needRoot(t)
	need(t, "mkfs.ext4")
	v := &volume{at: t.TempDir()}
	image := filepath.Join(memory(t), "ext4")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 32<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", image)
	out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device to be had: %s", out)
	}
	v.device = strings.TrimSpace(string(out))
	t.Cleanup(func() { exec.Command("losetup", "--detach", v.device).Run() })
	v.mount(t)
	t.Cleanup(func() { syscall.Unmount(v.at, syscall.MNT_DETACH) })
	if err := os.Mkdir(v.data(), 0o750); err != nil {
		t.Fatal(err)
	}
	syscall.Sync()
	return v
}

func (v *volume) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "errors=remount-ro", v.device, v.at)
}

// remount takes the file system off and on again, whereby it recovers as after a start.
func (v *volume) remount(t *testing.T) {
	t.Helper()
	begin := time.Now()
	for {
		err := syscall.Unmount(v.at, 0)
		if err == nil {
			break
		}
		if err != syscall.EBUSY || time.Since(begin) > patient { // the kernel may need a moment to let go of what the worker had open
			t.Fatalf("umount: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
	const corrected, operational = 1, 8 // exit codes of e2fsck(8)
	for {
		out, err := exec.Command("e2fsck", "-p", v.device).CombinedOutput()
		var exit *exec.ExitError
		if err == nil || errors.As(err, &exit) && exit.ExitCode() <= corrected {
			break
		}
		// The kernel may need a moment to let go of the device.
		if exit == nil || exit.ExitCode() != operational || time.Since(begin) > patient {
			t.Fatalf("e2fsck: %v: %s", err, out)
		}
		<-time.After(20 * time.Millisecond)
	}
	v.mount(t)
}

// shutDown is what xfstests' godown does: the file system takes nothing any more, and what had not reached its disk is
// lost; with flush its journal is written before.
func (v *volume) shutDown(flush bool) error {
	f, err := os.Open(v.at)
	if err != nil {
		return err
	}
	defer f.Close()
	const shutdown, logFlush, noLogFlush = 0x8004587d, 1, 2 // EXT4_IOC_SHUTDOWN and its flags
	how := noLogFlush
	if flush {
		how = logFlush
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), shutdown, how)
}

// fail has the file system find an error, upon which it makes itself read-only at once.
func (v *volume) fail() error {
	return os.WriteFile(filepath.Join("/sys/fs/ext4", filepath.Base(v.device), "trigger_fs_error"), []byte("1"), 0)
}

// TestVolume has the disk of a worker go away, lose its power or make itself read-only in flight, on the real ext4.
func TestVolume(t *testing.T) {
	for name, strike := range map[string]func(v *volume) error{
		"power cut":                      func(v *volume) error { return v.shutDown(false) },
		"power cut with journal written": func(v *volume) error { return v.shutDown(true) },
		"read-only":                      (*volume).fail,
	} {
		t.Run(name, func(t *testing.T) {
			points := 0
			report(t, "ext4, "+name, &points)
			v, m, rng := newExt4(t), newModel(), random(t)
			anew := func() {
				m = newModel()
				os.RemoveAll(v.data())
				os.Mkdir(v.data(), 0o750)
				syscall.Sync()
			}
			broken := 0
			for round := range share(1) {
				if round%25 == 24 {
					anew()
				}
				if err := v.strike(m, rng, strike); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				v.remount(t)
				f, err := m.look(v.data(), true)
				if name == "read-only" && (errors.Is(err, store.ErrCorrupt) || errors.Is(err, ledger.ErrCorrupt)) {
					broken++
					anew()
					continue
				}
				if err != nil {
					t.Fatalf("round %d: %v\nfiles: %s", round, err, keep(t, v.data()))
				}
				m.adopt(f)
				points++
			}
			// An ext4 that finds an error was seen to tell fdatasync of success and drop blocks that were new; docs/crash-tests.md.
			if broken > 0 {
				t.Errorf("%d of %d rounds lost what was acknowledged, each noticed at the next start", broken, share(1))
			}
		})
	}
}

// strike has a worker live until the n-th operation, and strikes then. A worker that goes on in spite of it is killed.
func (v *volume) strike(m *model, rng *rand.Rand, strike func(v *volume) error) error {
	var struck error
	done, delay := 1+rng.IntN(patience-1), time.Duration(rng.Int64N(int64(time.Millisecond)))
	at := nth("done", done, delay)
	hit := false
	l := life{seed: rng.Uint64(), kill: func(n note) time.Duration {
		if !hit && at(n) >= 0 {
			hit = true
			struck = strike(v)
			return time.Second
		}
		return -1
	}}
	_, complaint, err := l.live(v.data(), m)
	if struck != nil {
		return struck
	}
	if strings.Contains(complaint, "panic: ") {
		return fmt.Errorf("the worker panicked: %s", complaint)
	}
	return err
}

// TestFullDisk has a worker run into a full disk, makes room, and has the next one go on.
func TestFullDisk(t *testing.T) {
	points := 0
	report(t, "disk full", &points)
	v, m, rng, copies := newTmpfs(t, 4<<10), newModel(), random(t), memory(t)
	filler := filepath.Join(v.at, "filler")
	for round := range share(2) {
		if round%10 == 0 {
			m = newModel()
			os.RemoveAll(v.data())
			os.Mkdir(v.data(), 0o750)
		}
		fill(t, v, filler, rng.IntN(1<<20))
		l := life{seed: rng.Uint64(), limit: 400}
		state, complaint, err := l.live(v.data(), m)
		if err == nil && (state.ExitCode() != exitFault && state.ExitCode() != 0 || strings.Contains(complaint, "goroutine ")) {
			err = fmt.Errorf("the worker ended with %v: %s", state, complaint)
		}
		if err == nil && state.ExitCode() == exitFault && !strings.Contains(complaint, "no space left") {
			err = fmt.Errorf("the worker does not say that the disk is full: %s", complaint)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		var f *found
		if err == nil {
			before := copyDir(t, copies, v.data())
			if f, err = m.look(v.data(), false); err == nil {
				os.RemoveAll(before)
			}
		}
		if err != nil {
			t.Fatalf("round %d: %v\nthe worker: %s\nfiles: %s", round, err, complaint, keep(t, v.data()))
		}
		m.adopt(f)
		if state.ExitCode() == exitFault {
			points++
		}
	}
}

// fill writes a file that leaves so many bytes free.
func fill(t *testing.T, v *volume, filler string, left int) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(v.at, &fs); err != nil {
		t.Fatal(err)
	}
	size := max(0, int(fs.Bavail)*int(fs.Bsize)-left)
	if err := os.WriteFile(filler, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}
