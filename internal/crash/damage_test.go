//go:build crash && linux

package crash_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"spotter/engage/ledger"
	"spotter/store"
	"spotter/timeline"
)

// envLook makes a worker that only reads: damaged files may crash or hang who opens them, which must not be the suite.
const envLook = "SPOTTER_CRASH_LOOK"

// Words of a reader about the store or the ledger.
const (
	refused     = "refused"
	unexplained = "unexplained"
)

// read opens the files and prints a line for each: what they have as a hash, or that they were refused.
func read(dir string) int {
	m := newModel()
	for _, media := range []string{"cup", "final"} {
		m.pruned[media] = timeline.MaxPosition // analysed spans are part of the hash of nothing
	}
	f := newFound()
	fmt.Println(verdict(f.lookStore(dir, m), fmt.Sprint(f.state, f.waits)))
	// Check is not for damaged files: bbolt follows wrong addresses there in a goroutine of its own, and no box calls it.
	err := f.lookLedger(dir, false)
	fmt.Println(verdict(err, fmt.Sprint(f.records)))
	return 0
}

func verdict(err error, content string) string {
	switch {
	case err == nil:
		return fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	case errors.Is(err, errOther):
		return other
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrFormat),
		errors.Is(err, ledger.ErrCorrupt), errors.Is(err, ledger.ErrFormat):
		return refused
	}
	return unexplained + ": " + strings.ReplaceAll(err.Error(), "\n", "; ")
}

// readApart has another process read, and returns its two lines.
func readApart(t *testing.T, dir string) (ofStore, ofLedger string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), envDir+"="+dir, envLook+"=1")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) < 2 {
		first, _, _ := strings.Cut(complaint.String(), "\n\n")
		return "", "", fmt.Errorf("the reader ended with %v: %s", err, first)
	}
	return lines[0], lines[1], nil
}

// damage is one way to spoil a file.
type damage struct {
	name  string
	spoil func(rng *rand.Rand, data []byte) []byte
	// tells says that the file can tell: then nothing else than what was there may be read from it.
	tells bool
}

func damages() []damage {
	return []damage{
		{"truncated", func(rng *rand.Rand, data []byte) []byte { return data[:rng.IntN(len(data))] }, true},
		{"a bit flipped", func(rng *rand.Rand, data []byte) []byte {
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
			return data
		}, false},
		{"a bit of a page's head flipped", func(rng *rand.Rand, data []byte) []byte {
			data[rng.IntN((len(data)+4095)/4096)*4096+rng.IntN(16)] ^= 1 << rng.IntN(8)
			return data
		}, false},
		{"a page zeroed", func(rng *rand.Rand, data []byte) []byte {
			at := rng.IntN(len(data)) / 4096 * 4096
			clear(data[at:min(len(data), at+4096)])
			return data
		}, false},
		{"a sector of noise", func(rng *rand.Rand, data []byte) []byte {
			at := rng.IntN(len(data)) / sector * sector
			for i := at; i < min(len(data), at+sector); i++ {
				data[i] = byte(rng.Uint32())
			}
			return data
		}, false},
	}
}

// TestDamage spoils the files of a worker that was killed. Whoever opens them then must find all as it was, or be told that
// the file is damaged: no crash, no hang.
func TestDamage(t *testing.T) {
	points := 0
	report(t, "damaged file", &points)
	rng := random(t)
	good := filepath.Join(t.TempDir(), "good")
	if err := os.Mkdir(good, 0o750); err != nil {
		t.Fatal(err)
	}
	m := newModel()
	if state, complaint, err := (life{seed: rng.Uint64(), limit: 300}).live(good, m); err != nil || !state.Success() {
		t.Fatalf("%v: %v: %s", err, state, complaint)
	}
	images := memory(t)
	copied := copyDir(t, images, good)
	whole, wholeLedger, err := readApart(t, copied) // which takes in the ledger's log, once for all
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range damages() {
		for _, file := range []string{storeName, "engagement.db"} {
			t.Run(d.name+" "+file, func(t *testing.T) {
				counts, rng := map[string]int{}, random(t)
				for i := range share(5)/(2*len(damages())) + 1 {
					want := whole
					if file != storeName {
						want = wholeLedger
					}
					verdict := spoiled(t, rng, i, d, images, copied, file, want)
					counts[verdict]++
					points++
					if d.tells && verdict == other {
						t.Errorf("point %d: something else was read from a file that was cut short", i)
					}
				}
				t.Logf("%v", counts)
			})
		}
	}
}

// What became of a damaged file.
const (
	intact = "intact"
	other  = "read, but not the same"
)

func spoiled(t *testing.T, rng *rand.Rand, i int, d damage, images, from, file, want string) string {
	t.Helper()
	dir := copyDir(t, images, from)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, d.spoil(rng, data), 0o600); err != nil {
		t.Fatal(err)
	}
	before := copyDir(t, images, dir)
	defer os.RemoveAll(before)
	ofStore, ofLedger, err := readApart(t, dir)
	got := ofStore
	if file != storeName {
		got = ofLedger
	}
	switch {
	case err != nil:
		t.Errorf("point %d: %v\nfiles: %s", i, err, keep(t, before))
		return "crashed or hung"
	case strings.HasPrefix(got, unexplained):
		t.Errorf("point %d: %s\nfiles: %s", i, got, keep(t, before))
		return unexplained
	case got == refused, got == other:
		return got
	case got == want:
		return intact
	}
	return other
}
