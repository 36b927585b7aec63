//go:build bench && !nocv

package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// box is the program, running.
type box struct {
	cmd  *exec.Cmd
	addr string // of the viewer API
}

// buildProgram returns the path of the program. It stays in the user's cache, where go build leaves one that is up to date.
func buildProgram(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path := filepath.Join(cache, "spotter", "bench", "program")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../../cmd/spotter").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return path
}

// watching is the configuration of a box that keeps its state in a folder and watches all streams of an origin. Position 0 is
// where the origin's first segment begins.
func watching(state string, origin *punctual, vision string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data_dir: %s\nvision: %s\nmedia:\n", state, vision)
	for i := range origin.streams {
		zero := origin.published(i, -1).UTC().Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&b, "  - {id: %s, url: %s/%d/index.m3u8, zero: %q}\n", streamID(i), origin.URL, i, zero)
	}
	return b.String()
}

// streamID names a stream. The first is the one that look-ups ask about.
func streamID(i int) string {
	if i == 0 {
		return viewerMedia
	}
	return fmt.Sprint("stream-", i)
}

// startBox starts the program on a configuration without addresses, with the environment added to its own.
func startBox(t *testing.T, program, config string, env ...string) *box {
	t.Helper()
	b := &box{addr: freeAddr(t)}
	path := filepath.Join(t.TempDir(), "spotter.yaml")
	text := fmt.Sprintf("http: {viewer: {listen: %q}, admin: {listen: %q}}\n%s", b.addr, freeAddr(t), config)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.cmd = start(t, env, program, "run", "--config", path)
	return b
}

// analyzedUntil returns how far a stream is analysed, in seconds; 0 where the box does not say.
func (b *box) analyzedUntil(media string) float64 {
	var s struct {
		AnalyzedUntil float64 `json:"analyzed_until"`
	}
	resp, err := http.Get("http://" + b.addr + "/v1/media/" + media)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if json.NewDecoder(resp.Body).Decode(&s) != nil {
		return 0
	}
	return s.AnalyzedUntil
}

// answers waits until a path is answered with 200, and returns how long that took from a moment on.
func (b *box) answers(t *testing.T, path string, since time.Time) time.Duration {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if resp, err := http.Get("http://" + b.addr + path); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(since)
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not answered after a minute", path)
		}
	}
}

// residentAll returns the bytes of memory of a process and of its children that are not shared with others (proc(5),
// /proc/pid/smaps_rollup, Pss: what is shared counts in parts).
func residentAll(t *testing.T, pid int) (bytes float64) {
	t.Helper()
	for _, p := range append(children(t, pid), pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil && p != pid {
			continue // a child has ended meanwhile
		} else if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				var kib float64
				if _, err := fmt.Sscan(rest, &kib); err != nil {
					t.Fatal(err)
				}
				bytes += kib * 1024
			}
		}
	}
	return bytes
}
