//go:build bench && !nocv

package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
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

	"spotter/internal/testmedia"
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
	dir := t.TempDir()
	program, live := filepath.Join(dir, "spotter"), filepath.Join(dir, "live")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../../cmd/spotter").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	if err := os.Mkdir(live, 0o750); err != nil {
		t.Fatal(err)
	}
	start(t, "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", filepath.Join(recording(t, 2), testmedia.Playlist),
		"-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "8", "-hls_flags", "delete_segments+program_date_time+temp_file",
		filepath.Join(live, testmedia.Playlist))
	origin := httptest.NewServer(http.FileServer(http.Dir(live)))
	t.Cleanup(origin.Close)
	addr = freeAddr(t)
	config := filepath.Join(dir, "spotter.yaml")
	text := fmt.Sprintf("data_dir: %s\nhttp: {viewer: {listen: %q}, admin: {listen: %q}}\nmedia: [{id: cup-final, url: %s/%s}]\nvision: {mode: local-only}\n",
		filepath.Join(dir, "state"), addr, freeAddr(t), origin.URL, testmedia.Playlist)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := start(t, program, "run", "--config", config)
	status := func() (analyzed float64) {
		resp, err := http.Get("http://" + addr + "/v1/media/cup-final")
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		var s struct {
			AnalyzedUntil float64 `json:"analyzed_until"`
		}
		if json.NewDecoder(resp.Body).Decode(&s) != nil {
			return 0
		}
		return s.AnalyzedUntil
	}
	for end := time.Now().Add(time.Minute); status() == 0; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the stream is not analysed after a minute")
		}
	}
	began, cpu, at := time.Now(), processTime(t, cmd.Process.Pid), status()
	return cmd.Process.Pid, addr, func() string {
		took := time.Since(began).Seconds()
		return fmt.Sprintf("meanwhile spotter run analysed %.0f s of 1080p30 live in %.0f s, with %.2f s of CPU a stream minute",
			status()-at, took, 60*(processTime(t, cmd.Process.Pid)-cpu).Seconds()/took)
	}
}

// start starts a program that is ended with the test.
func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
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
