package apart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spotter/capture/apart/jail"
)

const (
	// readyToGo makes the kernel, when memory runs out, end the child before the process that answers viewers.
	readyToGo = 600

	// self is the file that runs now, whatever has its name today.
	self = "/proc/self/exe"

	mostFiles = 256 // descriptors; a decoder with every model has some 20
)

// start makes what the child is born with, then leaves it to two goroutines, which own waits for and p.done tells of.
func start(ctx context.Context, o Options) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(o.Dir, "decoder-")
	if err != nil {
		return nil, err
	}
	p := &Process{options: o, folder: folder, words: newWords(o), done: make(chan struct{})}
	if err := p.begin(ctx); err != nil {
		_ = os.RemoveAll(folder) // the first error says more
		return nil, err
	}
	return p, nil
}

// begin starts the child. When it fails, nothing is left of it but its folder.
func (p *Process) begin(ctx context.Context) error {
	conn, theirs, err := pair()
	if err != nil {
		return err
	}
	printed, print, err := os.Pipe()
	if err != nil {
		_, _ = conn.Close(), theirs.Close()
		return err
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = print, print, []*os.File{theirs}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		p.before = usage.Maxrss << 10
	}
	born, ended := make(chan error, 1), make(chan error, 1)
	files := jail.Rules{Program: cmd.Path, ReadOnly: p.options.ReadOnly, Writable: p.folder, Devices: p.options.Devices}
	go hold(cmd, files, born, ended)
	err = <-born
	_, _ = theirs.Close(), print.Close() // the child has copies; while these are open, its end would not show
	if err != nil {
		_, _ = conn.Close(), printed.Close()
		return err
	}
	p.conn, p.pid, p.kill = conn, cmd.Process.Pid, cmd.Process.Kill
	err = limit(p.pid, p.options.memory())
	if errors.Is(err, unix.ESRCH) {
		err = nil // it has ended already, and own says how
	}
	if err != nil {
		p.Kill(err)
	}
	go p.own(ctx, cmd, printed, ended)
	if err != nil {
		<-p.done
	}
	return err
}

// pair returns both ends of a new socket pair.
func pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "decoder"), os.NewFile(uintptr(fds[1]), "parent")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return conn.(*net.UnixConn), theirs, nil
}

// command returns what to run.
func (p *Process) command() *exec.Cmd {
	cmd := &exec.Cmd{Path: self, Args: []string{"spotter", "decoder"}}
	if args := p.options.Command; len(args) > 0 {
		cmd = exec.Command(args[0], args[1:]...)
	}
	cmd.Dir = p.folder
	cmd.Env = append([]string{
		"LANG=C.UTF-8",
		"TMPDIR=" + p.folder,
		"HOME=" + p.folder,
		"OPENCV_OPENCL_RUNTIME=disabled",
		"OPENCV_LOG_LEVEL=ERROR",
		"ORT_DISABLE_TELEMETRY=1",
		// C does nearly all of the work: threads of Go that look for more, and collections of a small heap, cost more than
		// they save (TestApartCost). A large heap is collected before the limit is met.
		"GOMAXPROCS=1",
		"GOGC=400",
		"GOMEMLIMIT=" + strconv.FormatInt(p.options.memory()/2, 10),
	}, p.options.Env...)
	if p.options.Devices {
		cmd.Env = append(cmd.Env, devicesVariable+"=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// hold starts the child and waits for it on a thread of its own, which is confined as the child is to be: what C libraries do while
// they are loaded comes before the child's first line of Go. The kernel ends the child when the thread that started it ends, so
// the thread lasts as long as the child, and ends with this goroutine, for it is of no other use any more.
func hold(cmd *exec.Cmd, files jail.Rules, born, ended chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() { // the process's first thread cannot end, and stands for all of them in /proc
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			defer close(done)
			hold(cmd, files, born, ended)
		}()
		<-done
		return
	}
	err := confine(files)
	if err == nil {
		err = cmd.Start()
	}
	born <- err
	if err == nil {
		ended <- cmd.Wait()
	}
}

// limit bounds a child just born. A limit on address space would count what Go and C libraries reserve and never touch;
// one on data counts what they may write to, thread stacks included. It is there for what grows faster than watch looks.
func limit(pid int, memory int64) error {
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_DATA, 2 * uint64(memory)},
		{unix.RLIMIT_FSIZE, uint64(memory)},
		{unix.RLIMIT_NOFILE, mostFiles},
		{unix.RLIMIT_CORE, 0},
	} {
		if err := unix.Prlimit(pid, l.resource, &unix.Rlimit{Cur: l.most, Max: l.most}, nil); err != nil {
			return fmt.Errorf("limit the decoder: %w", err)
		}
	}
	err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(strconv.Itoa(readyToGo)), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("let the kernel end the decoder first: %w", err)
	}
	return nil
}

// own watches the child until it ends, then clears up after it.
func (p *Process) own(ctx context.Context, cmd *exec.Cmd, printed *os.File, ended <-chan error) {
	defer close(p.done)
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.words.read(printed)
	}()
	err := p.watch(ctx, ended)
	// No other process holds the pipe: a child cannot make one.
	<-read
	p.err = p.end(cmd.ProcessState, err)
	_, _ = printed.Close(), p.conn.Close()
	if err := os.RemoveAll(p.folder); err != nil {
		p.words.log.Warn("the decoder's folder stays", "error", err)
	}
}

// watch looks at the child's memory four times a second until it has ended, and ends it when it is to.
func (p *Process) watch(ctx context.Context, ended <-chan error) error {
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	over := ctx.Done()
	for {
		select {
		case err := <-ended:
			return err
		case <-over:
			p.Kill(context.Cause(ctx))
			over = nil
		case <-look.C:
			if used := memory(p.pid) + written(p.folder); used > p.options.memory() {
				p.Kill(tooMuch(used, p.options.memory()))
			}
		}
	}
}

// ending says how a process ended, whether SIGKILL did it, and how much memory it had at most, in bytes: that is at least
// what the process that started it had.
func ending(state *os.ProcessState) (how string, killed bool, most int64) {
	most = state.SysUsage().(*syscall.Rusage).Maxrss << 10
	status := state.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return "killed by signal 9: by hand, or by the kernel because memory ran out", true, most
	case status.Signaled():
		return fmt.Sprintf("killed by signal %d (%s)", status.Signal(), status.Signal()), false, most
	default:
		return fmt.Sprintf("ended by itself with status %d", status.ExitStatus()), false, most
	}
}
