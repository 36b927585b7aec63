package apart

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"golang.org/x/time/rate"
)

// DefaultMemory is what a child may use where nothing else is asked for, in bytes: six times what decoding 4K pictures
// with cascades and a network took (245 MiB), so that only a leak or an attack gets there.
const DefaultMemory = 1536 << 20

var (
	// ErrMemory is part of a child's end when it wanted more memory than it may use.
	ErrMemory = errors.New("too much memory")

	// ErrClosed is a child's end when its owner closed it, and Get's error when the Keeper is closed.
	ErrClosed = errors.New("closed")
)

// Options say how a child is started.
type Options struct {
	// Command is the program and its arguments; by default this program's own file, even when another version has taken
	// its place on disk since, with the argument "decoder".
	Command []string

	// Dir is where each child gets a folder of its own, the only one it can write to, removed when it has ended. It is
	// made where it does not exist.
	Dir string

	// MemoryBytes is the most memory that the child may use; 0 is DefaultMemory.
	MemoryBytes int64

	// ReadOnly are the files and folders that the child may read beyond the system's libraries: models, cascades.
	ReadOnly []string

	// Devices lets the child work with graphics cards.
	Devices bool

	// Env is added to the child's environment, which is empty but for the place of its folder and what keeps OpenCV and
	// ONNX Runtime from looking around.
	Env []string

	// Name says in the log whose child it is.
	Name string

	// Log gets what the child prints, a line each, bounded; nil discards it.
	Log *slog.Logger

	// lines bounds what the children of one Keeper write into the log together.
	lines *rate.Limiter
}

func (o Options) memory() int64 {
	if o.MemoryBytes > 0 {
		return o.MemoryBytes
	}
	return DefaultMemory
}

// Process is a confined child. Its methods may be used from several goroutines.
type Process struct {
	options Options
	conn    *net.UnixConn
	folder  string
	words   *words
	kill    func() error // sends SIGKILL; harmless once the child was waited for
	pid     int
	before  int64 // the most memory that this process had before, in bytes: the kernel counts it as the child's
	served  atomic.Bool
	done    chan struct{}

	mu  sync.Mutex
	why error // the first reason that Kill was given
	err error // how it ended; read only after done
}

// Start starts a confined child with one end of a socket pair as its descriptor 3. It lasts until it ends by itself, is
// killed, wants too much memory, or the context or this process ends. The caller must Close it. Where the system cannot
// confine files, the child runs without that, see jail.FilesError.
func Start(ctx context.Context, o Options) (*Process, error) {
	p, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start the decoder: %w", err)
	}
	return p, nil
}

// Conn is the socket to the child. It is closed when the child has ended.
func (p *Process) Conn() *net.UnixConn { return p.conn }

// PID is the child's process id.
func (p *Process) PID() int { return p.pid }

// Served notes that the child has been of use: a Keeper replaces such a one without delay.
func (p *Process) Served() { p.served.Store(true) }

// Done is closed when the child has ended and nothing of it is left.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended, with the last that it printed. It is nil while the child runs. It wraps the reason given
// to Kill where that ended it, and ErrMemory where its limit did.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Wait waits for the child's end, and says how it came.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Kill ends the child at once, stopped or not; why, such as "hung for 5 s", becomes part of Err. It does not wait.
func (p *Process) Kill(why error) {
	p.mu.Lock()
	if p.why == nil {
		p.why = why
	}
	p.mu.Unlock()
	// The only error is that the child has ended already, which is what is wanted.
	_ = p.kill()
}

// Close kills the child where it still runs, and waits for its end. It may be called again.
func (p *Process) Close() error {
	p.Kill(ErrClosed)
	<-p.done
	return nil
}

// end says how the child ended.
func (p *Process) end(state *os.ProcessState, err error) error {
	p.mu.Lock()
	why := p.why
	p.mu.Unlock()
	if state == nil {
		return p.words.add(fmt.Errorf("could not be waited for: %w", err))
	}
	how, killed, most := ending(state)
	if why != nil && killed {
		return p.words.add(why)
	}
	// What grows faster than is looked is refused memory by the kernel, and dies of that in many ways.
	if p.words.wantedMemory() || !killed && most > max(p.options.memory(), p.before) {
		return p.words.add(fmt.Errorf("%w: exceeded %s", ErrMemory, humanize.IBytes(uint64(p.options.memory()))))
	}
	return p.words.add(errors.New(how))
}
