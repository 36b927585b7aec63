package store_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"spotter/store"
	"spotter/timeline"
)

// Environment of the process that TestKill starts from this test binary.
const (
	envChildFile = "SPOTTER_TEST_STORE_FILE"
	envChildFrom = "SPOTTER_TEST_STORE_FROM"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envChildFile); path != "" {
		fmt.Fprintln(os.Stderr, recordUntilKilled(path, os.Getenv(envChildFrom)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// recordUntilKilled records one observation after the other and says so on standard output once each is acknowledged.
func recordUntilKilled(path, from string) error {
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	s, err := store.Open(path, store.Options{Sinks: []string{"dynamodb"}})
	if err != nil {
		return err
	}
	for p := timeline.Position(n); ; p++ {
		o := observe(p*1000, p*1000+1000, 1)
		b := store.Batch{Media: media, Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span}}
		b.Breaks = []timeline.Break{{ID: "7", Span: timeline.Span{From: o.From, Until: o.From}, Open: true}}
		if p > 0 {
			b.Breaks = append(b.Breaks, ended(p-1))
		}
		if err := s.Record(b); err != nil {
			return err
		}
		fmt.Println(int(p))
	}
}

// ended is the break of one second that observation p tells of.
func ended(p timeline.Position) timeline.Break {
	return timeline.Break{ID: "7", Span: timeline.Span{From: p * 1000, Until: p*1000 + 500}}
}

// killAfter runs a child until it has acknowledged some more observations, kills it, and returns the next one that
// it has not acknowledged.
func killAfter(t *testing.T, path string, next, acknowledged int) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envChildFile+"="+path, envChildFrom+"="+strconv.Itoa(next))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := next + acknowledged
	// What the child prints before it dies counts as acknowledged too, so the pipe is read to its end.
	for lines := bufio.NewScanner(out); lines.Scan(); next++ {
		if got := lines.Text(); got != strconv.Itoa(next) {
			t.Errorf("the child acknowledged %q, want %d", got, next)
		}
		if next == stop {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", child.ProcessState)
	}
	return next
}

func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	path := filepath.Join(t.TempDir(), "spotter.db")
	next := 0
	for round := range 20 {
		next = killAfter(t, path, next, rng.IntN(40))
		s := open(t, path, "dynamodb")
		tl, _ := s.Timeline(media)
		// The last one may have been written without its acknowledgement getting out.
		if tl.Len() != next && tl.Len() != next+1 {
			t.Fatalf("round %d: %d observations after %d acknowledged", round, tl.Len(), next)
		}
		next = tl.Len()
		for i, o := range tl.Within(everything) {
			if o.From != timeline.Position(i)*1000 {
				t.Fatalf("round %d: observation %d is at %v", round, i, o.From)
			}
		}
		if !tl.Complete(timeline.Span{From: 0, Until: timeline.Position(next) * 1000}) {
			t.Errorf("round %d: analysed %v, want all until %d", round, tl.Analyzed(), next)
		}
		breaks := tl.Breaks(everything)
		for i, x := range breaks {
			if i < next-1 && x != ended(timeline.Position(i)) || i == next-1 && !x.Open {
				t.Fatalf("round %d: break %d is %+v", round, i, x)
			}
		}
		if len(breaks) != next {
			t.Errorf("round %d: %d breaks, want %d", round, len(breaks), next)
		}
		keys, _ := pendingKeys(t, s, "dynamodb", next+1)
		if n, _ := s.Backlog("dynamodb"); n != next || len(keys) != next {
			t.Errorf("round %d: %d in the backlog, %d pending; want %d", round, n, len(keys), next)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, path)
	}
	t.Logf("%d observations over 20 kills", next)
}
