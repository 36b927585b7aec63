package awslocal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

const (
	patience  = time.Minute // for a server to answer, on a machine busy with other tests
	attempts  = 3           // to find a port that nobody takes before the server does
	mostShown = 16 << 10    // bytes of a server's output in a failing test's log
)

// Ports below those that Linux gives to outgoing connections, so that only another server can take one.
const firstPort, lastPort = 20_000, 32_000

// errEnded is a server's that ended before it answered: its port was taken, or it cannot run at all.
var errEnded = errors.New("ended before it answered")

// start runs a server on a free port until the test ends, waits until it answers HTTP, and returns its endpoint.
// command returns the server's command line.
func start(t testing.TB, name string, command func(port string) []string) string {
	t.Helper()
	p, endpoint, err := serve(t.Context(), filepath.Join(t.TempDir(), "output"), command)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said())
		}
	})
	return endpoint
}

// serve runs a server, and another where that one ended at once, until one answers.
func serve(ctx context.Context, output string, command func(port string) []string) (*process, string, error) {
	var last error
	for range attempts {
		port, err := freePort()
		if err != nil {
			return nil, "", err
		}
		p, err := launch(output, command(strconv.Itoa(port)))
		if err != nil {
			return nil, "", err
		}
		endpoint := "http://127.0.0.1:" + strconv.Itoa(port)
		if err = p.answers(ctx, endpoint); err == nil {
			return p, endpoint, nil
		}
		p.stop()
		last = fmt.Errorf("%w\n%s", err, p.said())
		if !errors.Is(err, errEnded) {
			break
		}
	}
	return nil, "", last
}

// freePort returns a port that nobody listens on.
func freePort() (int, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, last = net.Listen("tcp", ":"+strconv.Itoa(port)); last == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	output string        // the file that it writes to
	done   chan struct{} // closed when it has ended
}

// launch starts a server whose output goes to a file. The kernel kills it when the thread that started it ends, as all
// do when the test binary is killed; so one goroutine keeps its thread until the server has ended.
func launch(output string, command []string) (*process, error) {
	file, err := os.Create(output)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &process{cmd: exec.Command(command[0], command[1:]...), output: output, done: make(chan struct{})}
	p.cmd.Dir = filepath.Dir(output)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // what it said tells more than how it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// answers waits until a server answers HTTP, with whatever.
func (p *process) answers(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		select {
		case <-p.done: // and somebody else may have answered
			return errEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		if err == nil {
			return answer.Body.Close()
		}
		select {
		case <-tick.C:
		case <-p.done:
		case <-ctx.Done():
		}
	}
}

// stop kills the server, which has nothing worth keeping, and waits until it has ended.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // fails where it has ended
	<-p.done
}

// said returns the end of the server's output.
func (p *process) said() string {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-mostShown):])
}
