package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"spotter/engage/ledger"
)

// childEnv makes the test binary a child that does what the variable says, in the folder that childDir names.
const (
	childEnv = "SPOTTER_LEDGER_CHILD"
	childDir = "SPOTTER_LEDGER_DIR"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(childEnv) {
	case "append":
		err = appendForEver(os.Getenv(childDir))
	case "limit":
		err = appendToLimit(os.Getenv(childDir))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, what, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// appendForEver appends decisions from several goroutines, flushes all the time, and writes each number that it was given
// to standard output.
func appendForEver(dir string) error {
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			v := l.Viewer(fmt.Sprint(i))
			for {
				r := &ledger.Record{Decision: decision(v, "poll")}
				if err := l.Append(r); err != nil {
					panic(err)
				}
				e := &ledger.Record{Event: &ledger.Event{At: start, Decision: r.Number, Type: "view"}}
				if err := l.Append(e); err != nil {
					panic(err)
				}
				os.Stdout.WriteString(fmt.Sprintf("%d\n%d\n", r.Number, e.Number))
			}
		})
	}
	for {
		if _, err := l.Flush(); err != nil {
			return err
		}
	}
}

func TestKill(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acknowledged := map[uint64]bool{}
	for round := range rounds {
		cmd := child(t, "append", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for got := 0; ; got++ {
			if got == 500+777*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			line, err := lines.ReadString('\n')
			if errors.Is(err, io.EOF) {
				break // what is left of a line was not acknowledged in full
			}
			n, err := strconv.ParseUint(strings.TrimSpace(line), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if acknowledged[n] {
				t.Fatalf("number %d was given out twice", n)
			}
			acknowledged[n] = true
		}
		cmd.Wait()

		l := open(t, dir)
		check(t, l)
		found := map[uint64]bool{}
		for _, r := range replay(t, l, 0) {
			if found[r.Number] {
				t.Fatalf("number %d is there twice", r.Number)
			}
			found[r.Number] = true
		}
		for n := range acknowledged {
			if !found[n] {
				t.Errorf("number %d is lost", n)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// appendToLimit has a file size limit for a full disk.
func appendToLimit(dir string) error {
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: old.Max}); err != nil {
		return err
	}
	good, bad := 0, 0
	appendSome := func() {
		for range 200 {
			if l.Append(&ledger.Record{Decision: decision(l.Viewer("v"), "poll")}) == nil {
				good++
			} else {
				bad++
			}
		}
	}
	appendSome()
	if bad == 0 {
		return errors.New("the limit did not hold")
	}
	if _, err := l.Flush(); err == nil {
		return errors.New("flushed beyond the limit")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	before := bad
	appendSome()
	if bad != before {
		return errors.New("appends go on failing")
	}
	rs, err := l.Flush()
	if err != nil || len(rs) != good {
		return fmt.Errorf("flushed %d records of %d: %w", len(rs), good, err)
	}
	if err := l.Check(context.Background()); err != nil {
		return err
	}
	fmt.Println(good)
	return l.Close()
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "limit", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(replay(t, open(t, dir), 0)), strings.TrimSpace(string(out)); strconv.Itoa(got) != want {
		t.Errorf("%d records, want %s", got, want)
	}
}
