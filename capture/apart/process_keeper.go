package apart

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	firstPause   = 100 * time.Millisecond // after a child that ended before it was of use
	longestPause = 3 * time.Second        // with a start, less than the 5 s within which a child is replaced
)

// Keeper has a living child at hand: it starts a new one as soon as the last has ended. Only children that end before
// they were of use are followed by a pause, which doubles with each, so that a broken installation does not spin.
type Keeper struct {
	options Options
	ended   func(how error, pause time.Duration)
	cancel  context.CancelFunc
	done    chan struct{}

	mu      sync.Mutex
	current *Process      // nil between two children
	changed chan struct{} // closed when there is another
	last    error         // how the last child ended, or why it could not be started
}

// NewKeeper starts the first child in the background. ended, which may be nil, is told how each child ended, or why it
// could not be started, and how long the next is waited for; it must not call the Keeper. The caller must Close it.
func NewKeeper(o Options, ended func(how error, pause time.Duration)) *Keeper {
	if o.lines == nil {
		o.lines = newLimiter()
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keeper{options: o, ended: ended, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	go k.run(ctx)
	return k
}

// Get returns the living child, and waits for it where it is being started. When the context ends before, the error
// says also how the last child ended.
func (k *Keeper) Get(ctx context.Context) (*Process, error) {
	for {
		k.mu.Lock()
		p, changed, last := k.current, k.changed, k.last
		k.mu.Unlock()
		if p != nil && p.Err() == nil {
			return p, nil
		}
		select {
		case <-changed:
		case <-k.done:
			return nil, fmt.Errorf("get the decoder: %w", ErrClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("get the decoder: %w", errors.Join(context.Cause(ctx), last))
		}
	}
}

// Close kills the child and waits for its end. It may be called again.
func (k *Keeper) Close() error {
	k.cancel()
	<-k.done
	return nil
}

// run starts one child after the other.
func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	useless := 0 // children in a row that ended before they were of use
	for {
		served, how := k.one(ctx)
		if ctx.Err() != nil {
			return
		}
		if useless++; served {
			useless = 0
		}
		pause := pauseAfter(useless)
		k.mu.Lock()
		k.last = how
		k.mu.Unlock()
		if k.ended != nil {
			k.ended(how, pause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// one starts a child and waits for its end.
func (k *Keeper) one(ctx context.Context) (served bool, how error) {
	p, err := Start(ctx, k.options)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	k.current = p
	close(k.changed)
	k.changed = make(chan struct{})
	k.mu.Unlock()
	how = p.Wait()
	return p.served.Load(), how
}

// pauseAfter is how long is waited after so many children in a row that were of no use.
func pauseAfter(useless int) time.Duration {
	if useless == 0 {
		return 0
	}
	return min(longestPause, firstPause<<min(useless-1, 16))
}
