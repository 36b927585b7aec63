package apart_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spotter/capture/apart"
)

// book is a log that may be read while it is written.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// options make this test binary the child, doing what act says.
func options(t *testing.T, act string, env ...string) apart.Options {
	t.Helper()
	return apart.Options{
		Command: []string{"/proc/self/exe", "-test.run=^TestChild$"},
		Dir:     filepath.Join(t.TempDir(), "run"),
		Env:     append(env, actVariable+"="+act),
		Name:    "demo",
	}
}

// start starts a child, and sees to it that nothing is left of it.
func start(t *testing.T, o apart.Options) *apart.Process {
	t.Helper()
	p, err := apart.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
			t.Errorf("left in the runtime folder: %v, %v", left, err)
		}
	})
	return p
}

// ready waits until the child says that it is confined and at work.
func ready(t *testing.T, p *apart.Process) {
	t.Helper()
	if err := p.Conn().SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := io.ReadFull(p.Conn(), b); err != nil {
		t.Fatalf("the child does not come: %v: %v", err, p.Wait())
	}
}

func TestEnds(t *testing.T) {
	tests := []struct {
		name, act string
		memory    int64
		do        func(*apart.Process) error
		is        error
		want      string // part of how it ended
	}{
		{
			name: "killed from outside", act: "wait",
			do:   func(p *apart.Process) error { return unix.Kill(p.PID(), unix.SIGKILL) },
			want: "killed by signal 9",
		},
		{
			name: "killed with a reason", act: "wait",
			do:   func(p *apart.Process) error { p.Kill(errors.New("hung for 5s")); return nil },
			want: "hung for 5s",
		},
		{
			name: "killed while stopped", act: "wait",
			do: func(p *apart.Process) error {
				defer p.Kill(errors.New("hung for 5s"))
				return unix.Kill(p.PID(), unix.SIGSTOP)
			},
			want: "hung for 5s",
		},
		{name: "closed", act: "wait", do: (*apart.Process).Close, is: apart.ErrClosed, want: "closed"},
		{name: "exits", act: "exit", want: "ended by itself with status 3; it printed: nothing to decode"},
		{name: "panics in Go", act: "panic", want: "it printed: panic: lost the picture"},
		{name: "aborts as C++ does", act: "abort", want: "terminate called after throwing"},
		{name: "needs much memory", act: "hoard", memory: 256 << 20, is: apart.ErrMemory, want: "exceeded 256 MiB"},
		{name: "needs much memory in files", act: "hoard-files", memory: 256 << 20, is: apart.ErrMemory, want: "exceeded 256 MiB"},
		{name: "fills its folder", act: "fill-folder", memory: 256 << 20, is: apart.ErrMemory, want: "exceeded 256 MiB"},
		{name: "makes files without end", act: "many-files", is: apart.ErrMemory, want: "exceeded 1.5 GiB"},
		{name: "needs it faster than is looked", act: "hoard-fast", memory: 256 << 20, is: apart.ErrMemory, want: "exceeded 256 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := options(t, test.act)
			if o.MemoryBytes = test.memory; raced && test.memory > 0 {
				t.Skip("the race detector's own memory would count")
			}
			p := start(t, o)
			ready(t, p)
			if test.do != nil {
				if err := test.do(p); err != nil {
					t.Fatal(err)
				}
			}
			err := p.Wait()
			if !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("ended with %q, want %q", err, test.want)
			}
			if p.Err() == nil {
				t.Error("an ended child has no error")
			}
		})
	}
}

func TestEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := apart.Start(ctx, options(t, "wait"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ready(t, p)
	why := errors.New("the stream was taken out")
	cancel(why)
	if err := p.Wait(); !errors.Is(err, why) {
		t.Errorf("ended with %v", err)
	}
	if _, err := apart.Start(ctx, options(t, "wait")); !errors.Is(err, why) {
		t.Errorf("started after the end: %v", err)
	}
}

// TestDiesWithItsParent kills a process that has a child in the hardest way.
func TestDiesWithItsParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestChild$")
	parent.Env = append(os.Environ(), actVariable+"=parent", "TEST_RUN="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	parent.Stderr = os.Stderr
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	var fd int
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err == nil {
		fd, err = unix.PidfdOpen(pid, 0)
	}
	if kill := parent.Process.Kill(); kill != nil || readErr != nil || err != nil {
		t.Fatal(kill, readErr, err)
	}
	defer unix.Close(fd)
	_ = parent.Wait() // it was killed
	wait := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(wait, 5000); n != 1 {
		t.Errorf("the child outlives its parent by 5 s (%v)", err)
	}
}

// TestPrintsWithinBounds lets a child print half a million lines, with control characters and one of many megabytes.
func TestPrintsWithinBounds(t *testing.T) {
	var log book
	o := options(t, "flood")
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := start(t, o)
	ready(t, p)
	err := p.Wait()
	if n := len(log.String()); n > 100_000 || n == 0 {
		t.Errorf("%d bytes in the log", n)
	}
	if !strings.Contains(log.String(), "media=demo") || !strings.Contains(log.String(), "lines_left_out=") {
		t.Errorf("the log does not say whose lines, or how many are missing:\n%.500s", log.String())
	}
	if len(err.Error()) > 8000 || strings.ContainsAny(err.Error(), "\x1b\n") || !strings.Contains(err.Error(), "the end") {
		t.Errorf("ended with %.500q", err)
	}
}

func TestStartRefuses(t *testing.T) {
	o := options(t, "wait")
	o.Command = []string{filepath.Join(t.TempDir(), "missing")}
	if p, err := apart.Start(t.Context(), o); err == nil {
		_ = p.Close()
		t.Error("a missing program started")
	} else if !strings.HasPrefix(err.Error(), "start the decoder: ") {
		t.Error(err)
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("left in the runtime folder: %v, %v", left, err)
	}
}

// TestChildrenTalk sends bytes there and back, large ones too.
func TestChildrenTalk(t *testing.T) {
	p := start(t, options(t, "echo"))
	ready(t, p)
	sent := bytes.Repeat([]byte("picture "), 1<<17)
	go func() {
		// A failure shows in what comes back.
		_, _ = p.Conn().Write(sent)
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(p.Conn(), got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back changed, or not: %v", len(got), err)
	}
}

// TestChildrenComeAfterTheirParent looks at every thread of a child: the scheduler knows threads only.
func TestChildrenComeAfterTheirParent(t *testing.T) {
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, options(t, "echo"))
	ready(t, p)
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		// The kernel gives 20 less the niceness, so that no answer is below 0.
		if priority, err := unix.Getpriority(unix.PRIO_PROCESS, id); err != nil || priority >= own {
			t.Errorf("a thread has priority %d, this one %d: %v", priority, own, err)
		}
	}
}

// counts tells what children could leave behind in this process.
func counts(t *testing.T) (files, threads int) {
	t.Helper()
	for name, n := range map[string]*int{"fd": &files, "task": &threads} {
		entries, err := os.ReadDir("/proc/self/" + name)
		if err != nil {
			t.Fatal(err)
		}
		*n = len(entries)
	}
	return files, threads
}

// childless reports whether this process has no children, not even dead ones.
func childless() error {
	var status unix.WaitStatus
	if pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		return fmt.Errorf("child %d is left (%v)", pid, err)
	}
	return nil
}
