package engage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
)

// childDir names the folder of the ledger to the test binary when it is started to be killed.
const childDir = "SPOTTER_ENGAGE_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := decideUntilKilled(dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func cappedForKill() []instrument.Instrument {
	return []instrument.Instrument{
		some("each", perViewer(3), prioritised(2)),
		some("all", total(5000), prioritised(1)),
		some("rest"),
	}
}

// decideUntilKilled decides by 64 goroutines and writes a line for each decision that was answered.
func decideUntilKilled(dir string, out io.Writer) error {
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		return err
	}
	e, err := engage.New(engage.Config{Ledger: l})
	if err != nil {
		return err
	}
	e.UseFile(cappedForKill())
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = e.Run(context.Background()) })
	for c := range 64 {
		wg.Go(func() {
			for i := 0; ; i++ {
				viewer := fmt.Sprintf("v%d", (c*31+i)%700)
				if d, ok := e.Decide(ask(viewer)); ok {
					// A pipe takes a line whole (POSIX, PIPE_BUF).
					_, _ = fmt.Fprintf(out, "%s %s\n", d.ID, viewer)
				}
			}
		})
	}
	return nil
}

// TestKill kills a process that decides, again and again: all that it had answered is there afterwards, and caps hold.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	rounds, each := 5, 4000
	if testing.Short() {
		rounds, each = 2, 2500
	}
	answered := make(map[string]string)
	for range rounds {
		killAfter(t, dir, each, answered)
	}
	l := openLedger(t, dir)
	e := newEngine(t, engage.Config{Ledger: l}, cappedForKill()...)
	for id, viewer := range answered {
		d, ok := e.Decide(ask(viewer, keeping(id)))
		if !ok || d.ID != id {
			t.Fatal("a decision that was answered is lost")
		}
	}
	for i := range 700 {
		for range 5 {
			e.Decide(ask(fmt.Sprintf("v%d", i)))
		}
	}
	for range 6000 {
		e.Decide(ask(""))
	}
	flush(t, e)
	perViewer, total := count(t, l)
	for who, n := range perViewer {
		if strings.HasSuffix(who, " each") && n != 3 {
			t.Errorf("each was chosen %d times for one viewer, want 3", n)
		}
	}
	if total["all"] != 5000 || total["each"] != 3*700 {
		t.Errorf("chosen %v, want all 5000 and each 2100", total)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// killAfter starts a child, reads so many answers, kills it and takes in what else it has answered.
func killAfter(t *testing.T, dir string, answers int, into map[string]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	n := 0
	for lines.Scan() {
		if n++; n == answers {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if id, viewer, ok := strings.Cut(lines.Text(), " "); ok {
			into[id] = viewer
		}
	}
	_ = cmd.Wait() // It was killed.
	if n < answers {
		t.Fatalf("the child ended after %d answers", n)
	}
}
