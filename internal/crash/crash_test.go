//go:build crash && linux

package crash_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Flags of the suite, after -args.
var (
	seedFlag   = flag.Uint64("seed", 1, "what all random choices follow from")
	pointsFlag = flag.Int("points", 10_000, "how many crashes to make in all, about")
)

func TestMain(m *testing.M) {
	switch dir := os.Getenv(envDir); {
	case dir != "" && os.Getenv(envLook) != "":
		os.Exit(read(dir))
	case dir != "":
		os.Exit(work(dir))
	}
	os.Exit(m.Run())
}

// random returns the random numbers of one test, or of one lane of it.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	h := uint64(14695981039346656037) // FNV-1a, so that each name has numbers of its own
	for _, c := range []byte(t.Name()) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(*seedFlag, h))
}

// share returns how many of the points a test is to make: so many of a hundred.
func share(percent int) int { return max(1, *pointsFlag*percent/100) }

// report prints how many points a test made, and where it failed the command that does it again.
func report(t *testing.T, kind string, points *int) {
	t.Helper()
	begin := time.Now()
	t.Cleanup(func() {
		t.Logf("%s: %d points in %v", kind, *points, time.Since(begin).Round(time.Second))
		if t.Failed() {
			t.Logf("to do it again: make crash ARGS=\"-seed %d -points %d -test.run '%s'\"", *seedFlag, *pointsFlag, top(t.Name()))
		}
	})
}

func top(name string) string {
	name, _, _ = strings.Cut(name, "/")
	return "^" + name + "$"
}

// keep copies the folder of a failure to where it outlives the test.
func keep(t *testing.T, dir string) string {
	t.Helper()
	to, err := os.MkdirTemp("", "spotter-crash-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(to, "data"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// memory returns a folder that is held in memory where the machine has such a place: for what tests look at, not for what
// they crash.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spotter-crash-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// need skips a test where a program is missing.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s: apt install %s", program, program)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
}

// copyDir copies a folder to a new one in parent.
func copyDir(t *testing.T, parent, from string) string {
	t.Helper()
	to := filepath.Join(parent, fmt.Sprintf("copy-%d", time.Now().UnixNano()))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}
