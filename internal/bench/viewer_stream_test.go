//go:build bench && !nocv

package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// analyzed runs the program on a live stream of 1080p30 with 5 Mb/s until the test ends, and returns a line that tells how
// far it is.
func analyzed(t *testing.T) func() string {
	t.Helper()
	_, _, told := analyzing(t)
	return told
}

// analyzing is analyzed, with the program's process and where viewers ask it.
func analyzing(t *testing.T) (pid int, addr string, told func() string) {
	t.Helper()
	origin := newPunctual(t, film{1080, h264, 2}, 1)
	b := startBox(t, buildProgram(t), watching(filepath.Join(t.TempDir(), "state"), origin, localOnly))
	status := func() float64 { return b.analyzedUntil(streamID(0)) }
	for end := time.Now().Add(time.Minute); status() == 0; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the stream is not analysed after a minute")
		}
	}
	pid = b.cmd.Process.Pid
	began, cpu, at := time.Now(), processTime(t, pid), status()
	return pid, b.addr, func() string {
		took := time.Since(began).Seconds()
		return fmt.Sprintf("meanwhile spotter run analysed %.0f s of 1080p30 live in %.0f s, with %.2f s of CPU a stream minute",
			status()-at, took, 60*(processTime(t, pid)-cpu).Seconds()/took)
	}
}

// start starts a program, with an environment added to its own, that is ended with the test.
func start(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() // it was told to end, which some call an error
		if t.Failed() {
			t.Logf("%s: %s", name, said.String())
		}
	})
	return cmd
}

// freeAddr returns an address at which nobody listened a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}

// processTime returns the CPU time of a process and of its children, those that have ended included, user and system (proc(5),
// /proc/pid/stat: fields 14 to 17, in ticks of 10 ms).
func processTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	var all int64
	for _, p := range append(children(t, pid), pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil && p != pid {
			continue // a child has ended meanwhile
		} else if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 15 {
			continue
		}
		for _, field := range fields[11:15] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			all += n
		}
	}
	return time.Duration(all) * 10 * time.Millisecond
}

// children returns the processes that a process has started and that run: of the program, its decoders.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
