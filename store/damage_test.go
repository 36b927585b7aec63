package store_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

// told is all that a store says of what is recorded and waits.
func told(t *testing.T, s *store.Store) string {
	t.Helper()
	var out strings.Builder
	for _, m := range s.Media() {
		tl, _ := s.Timeline(m)
		fmt.Fprintf(&out, "%s %s %v %v\n", m, s.Clock(m), tl.Analyzed(), tl.Breaks(everything))
		for _, o := range tl.Within(everything) {
			fmt.Fprintf(&out, "%+v\n", *o)
		}
	}
	keys, seqs := pendingKeys(t, s, "dynamodb", 1_000_000)
	fmt.Fprintln(&out, keys, seqs)
	return out.String()
}

// damagedStore returns the bytes of a store whose last transaction changed nothing, so that a damaged meta page loses nothing, and
// what it says.
func damagedStore(t *testing.T) (content []byte, says string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "dynamodb")
	for _, m := range []string{media, "cup", "a-small-one"} {
		for i := range timeline.Position(40) {
			var list []*timeline.Observation
			for j := range timeline.Position(12) {
				o := observe(i*1000+j*10, i*1000+j*10+10, 1)
				o.Media = m
				list = append(list, o)
			}
			b := store.Batch{Media: m, Observations: list, Analyzed: spans(i*1000, i*1000+500), Clock: []byte(fmt.Sprintf(`{"n":%d}`, i))}
			if i%10 == 0 {
				b.Breaks = []timeline.Break{adBreak("7", i*1000, i*1000+100, false)}
			}
			record(t, s, b)
			if m == "a-small-one" {
				break
			}
		}
	}
	if _, err := s.Prune(media, 9000); err != nil { // frees pages
		t.Fatal(err)
	}
	_, seqs := pendingKeys(t, s, "dynamodb", 500)
	if err := s.Done("dynamodb", seqs...); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(media, 9000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Probe(); err != nil {
			t.Fatal(err)
		}
	}
	says = told(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content, says
}

var damages = flag.Int("damages", 80, "how many files TestRecoverFromDamage damages")

// TestRecoverFromDamage flips bits and cuts at random: the store opens with everything intact, or the file is set aside. A second
// start finds nothing wrong.
func TestRecoverFromDamage(t *testing.T) {
	good, want := damagedStore(t)
	rounds := *damages
	const seed = 8
	rng := rand.New(rand.NewPCG(seed, seed))
	set := 0
	dir := t.TempDir()
	for i := range rounds {
		b := bytes.Clone(good)
		what := ""
		if i%10 == 9 {
			b = b[:rng.IntN(len(b))]
			what = fmt.Sprintf("cut to %d bytes", len(b))
		} else {
			for range 1 + rng.IntN(3) {
				at, bit := rng.IntN(len(b)), rng.IntN(8)
				b[at] ^= 1 << bit
				what += fmt.Sprintf("bit %d of byte %d flipped, ", bit, at)
			}
		}
		path := filepath.Join(dir, "spotter.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if recoverOnce(t, path, b, want, fmt.Sprintf("seed %d, round %d: %s", seed, i, what)) {
			set++
		}
	}
	t.Logf("%d of %d files set aside; the others had everything", set, rounds)
	if set == 0 || set == rounds {
		t.Error("all or none of the files were set aside")
	}
}

// recoverOnce opens a damaged file twice, and reports whether it was set aside.
func recoverOnce(t *testing.T, path string, content []byte, want, what string) bool {
	t.Helper()
	s, aside, err := store.Recover(path, store.Options{Sinks: observers("dynamodb")})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got := told(t, s)
	_, rebuilding := s.Rebuilding()
	if err := s.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if aside == "" {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: opened, but (-want +got):\n%.2000s", what, diff)
		}
	} else if kept, err := os.ReadFile(aside); err != nil || !bytes.Equal(kept, content) || !rebuilding {
		t.Fatalf("%s: set aside as %s, %v, to be rebuilt: %v", what, aside, err, rebuilding)
	}
	again, second, err := store.Recover(path, store.Options{Sinks: observers("dynamodb")})
	if err != nil || second != "" {
		t.Fatalf("%s: set aside again as %q, %v", what, second, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
	return aside != ""
}

func TestRecoverSaysSo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spotter.db")
	var log bytes.Buffer
	for range 4 {
		if err := os.WriteFile(path, []byte("not a database"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, aside, err := store.Recover(path, store.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil || !strings.HasPrefix(aside, path+".corrupt-") {
			t.Fatalf("%q, %v", aside, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 4 || !strings.Contains(log.String(), "spotter restore") {
		t.Errorf("%d errors in the log:\n%s", n, log.String())
	}
	if list, err := filepath.Glob(path + ".corrupt-*"); err != nil || len(list) != 2 {
		t.Errorf("%v were kept, %v; want the newest two", list, err)
	}
}

func TestRecoverLeavesOtherFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	open(t, path)
	if _, aside, err := store.Recover(path, store.Options{}); aside != "" || !errors.Is(err, store.ErrLocked) {
		t.Errorf("a locked file: %q, %v", aside, err)
	}
}

// TestRefill puts back what the cloud had: no sink is told, and what came since stays.
func TestRefill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := store.Recover(path, store.Options{Sinks: observers("dynamodb")})
	if err != nil {
		t.Fatal(err)
	}
	since, ok := s.Rebuilding()
	if !ok || time.Since(since) > time.Minute {
		t.Errorf("rebuilding since %v, %v", since, ok)
	}
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(2000, 3000, 1)}, Analyzed: spans(2000, 3000), Clock: []byte("new")})
	old := observe(2000, 2500, 1)
	refilled := store.Batch{
		Media: media, Observations: []*timeline.Observation{observe(0, 1000, 3), old}, Analyzed: spans(0, 1500),
		Breaks: []timeline.Break{adBreak("7", 0, 500, false)}, Clock: []byte("old"),
	}
	for range 2 {
		if err := s.Refill(refilled); err != nil {
			t.Fatal(err)
		}
	}
	for _, when := range []string{"refilled", "reopened"} {
		tl, _ := s.Timeline(media)
		if o := tl.At(0); o == nil || o.Revision != 3 || tl.At(2000).Until != 3000 || string(s.Clock(media)) != "new" {
			t.Errorf("%s: %+v, %+v, clock %s", when, o, tl.At(2000), s.Clock(media))
		}
		if diff := cmp.Diff(spans(0, 1500, 2000, 3000), tl.Analyzed()); diff != "" || len(tl.Breaks(everything)) != 1 {
			t.Errorf("%s: analysed (-want +got):\n%s", when, diff)
		}
		if n := s.Backlog("dynamodb").Entries; n != 1 {
			t.Errorf("%s: %d entries wait, want 1", when, n)
		}
		s = reopened(t, s, path, "dynamodb")
	}
	if err := s.Rebuilt(); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Rebuilding(); ok {
		t.Error("it is still to be rebuilt")
	}
}
