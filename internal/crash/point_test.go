//go:build crash && linux

package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// point is a system call of a worker, for a file where that has one name, and how many of them there are, about.
type point struct {
	call, file string
	most       int
}

func named() []point {
	return []point{
		{"pwrite64", storeName, 150},
		{"fdatasync", storeName, 60},
		{"fsync", storeName, 2},
		{"ftruncate", storeName, 2},
		{"pwrite64", "engagement.db", 60},
		{"fdatasync", "engagement.db", 20},
		{"ftruncate", "engagement.db", 1},
		{"pwrite64", "", 200},
		{"openat", "", 20},
		{"linkat", "", 1},
		{"unlinkat", "", 20},
		{"fsync", "", 3},
	}
}

// TestNamedPoints kills workers in the middle of one system call, or has it fail as a broken or full disk does, and has the
// next one go on with the same files.
func TestNamedPoints(t *testing.T) {
	need(t, "strace")
	points := 0
	report(t, "named points", &points)
	acts := []string{"signal=KILL", "error=EIO", "error=ENOSPC"}
	places := named()
	for i := range len(places) * len(acts) {
		at, act := places[i/len(acts)], acts[i%len(acts)]
		t.Run(strings.TrimSpace(fmt.Sprintf("%s %s %s", act, at.call, at.file)), func(t *testing.T) {
			rng := random(t)
			dir := filepath.Join(t.TempDir(), "data")
			m := newModel()
			for round := range share(4)/(len(places)*len(acts)) + 1 {
				if round%3 == 0 { // a new box
					m = newModel()
					os.RemoveAll(dir)
					os.Mkdir(dir, 0o750)
				}
				n := 1 + rng.IntN(at.most)
				if at.call == "openat" && act != "signal=KILL" {
					n += 6 // those before are the C library's and the Go runtime's
				}
				v := life{seed: rng.Uint64(), limit: 60, wrap: []string{
					"strace", "-f", "--seccomp-bpf", "-q", "-o", "/dev/null", "-e", "trace=" + at.call,
					"-e", fmt.Sprintf("inject=%s:%s:when=%d", at.call, act, n),
				}}
				if at.file != "" {
					v.wrap = append(v.wrap, "-P", filepath.Join(dir, at.file))
				}
				state, complaint, err := v.live(dir, m)
				status := state.Sys().(syscall.WaitStatus)
				if err == nil && !status.Signaled() && (state.ExitCode() != 0 && state.ExitCode() != exitFault || strings.Contains(complaint, "goroutine ")) {
					err = fmt.Errorf("the worker ended with %v: %s", state, complaint)
				}
				var f *found
				if err == nil {
					f, err = m.look(dir, false)
				}
				if err != nil {
					t.Fatalf("round %d, call %d: %v\nthe worker: %s\nfiles: %s", round, n, err, complaint, keep(t, dir))
				}
				m.adopt(f)
				if status.Signaled() || state.ExitCode() == exitFault {
					points++ // else the worker has not so many such calls, or does without
				}
			}
		})
	}
}
