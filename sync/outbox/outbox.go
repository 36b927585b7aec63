// Package outbox owns the loop that empties one sink's outbox: what is live before what is old, as fast as the sink takes it,
// again and again until the sink has taken everything, however long it is away.
package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
)

const (
	// liveAge is how old an entry is that still goes before the backlog.
	liveAge = 10 * time.Second
	// liveSize and roundSize bound the live entries and the backlog that one round reads, and so what a crash makes the
	// sink see again.
	liveSize  = 64
	roundSize = 200
	// roundTime is how long a round begins puts before live entries are looked for again.
	roundTime = time.Second
	// flushWait is how long Flush waits after a pass of which the sink took nothing.
	flushWait = time.Second
)

// Store is the outbox to be emptied.
type Store interface {
	// Pending returns up to limit entries with a Seq greater than after, oldest first, each key once.
	Pending(sink string, after uint64, limit int) ([]store.Entry, error)
	// PendingSince returns the newest limit entries that were queued at or after since, the oldest of them first.
	PendingSince(sink string, since time.Time, limit int) ([]store.Entry, error)
	// Done takes entries out; those that are gone, or were queued anew, are passed over.
	Done(sink string, seqs ...uint64) error
	// Changed receives after entries were queued.
	Changed(sink string) <-chan struct{}
}

// Drainer empties the outbox of one sink. Its settings must not change after Run was called.
type Drainer struct {
	Sink  string
	Store Store
	// Put gives the sink one entry, until ctx is done. It must be harmless to repeat, and an older revision must not overwrite
	// a newer one: after a crash the sink sees again what it had taken shortly before. awsfault.KindOf says what becomes of an
	// entry whose Put failed.
	Put func(ctx context.Context, e store.Entry) error
	// Workers is how many puts may be under way at once; less than 1 is 1.
	Workers int
	// Ready says whether the sink may be given anything; nil for always. While it is false the entries wait. It is asked
	// before each put, and again when Wake is called.
	Ready func() bool
	// OnFault, which may be nil, hears each kind of fault when it begins, and not its repeats: an error with the entry it
	// came of, for awsfault.KindOf. It is called from Run and must not block.
	OnFault func(error)
	// Logger is told what OnFault hears, and when the sink takes again; nil for silence.
	Logger *slog.Logger

	// What follows is Run's own, and after it Flush's.
	pace    pace
	faults  faults
	rest    rest
	aside   aside
	strikes strikes
	after   uint64   // all of the backlog up to here is taken or set aside
	probes  int      // puts that failed since the sink took one, or 0
	taken   []uint64 // what the sink has taken and the store has not yet taken out

	mu    sync.Mutex // guards what follows
	wake  chan struct{}
	state State
}

// State is how a sink does.
type State struct {
	// Fault is why the sink takes nothing; nil when it takes.
	Fault error
	// Kind is that of Fault.
	Kind awsfault.Kind
	// Since is when Fault began.
	Since time.Time
	// Pace is how many puts a second the sink is given at most; 0 while it has never throttled, for no limit.
	Pace float64
	// Refused is how many entries are set aside, because the sink takes others but not them.
	Refused int
}

// State returns how the sink does just now. It may be called at any time.
func (d *Drainer) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Wake says that Ready, or what the sink takes, may have changed: it is tried at once. It may be called at any time and never
// blocks.
func (d *Drainer) Wake() {
	select {
	case d.woken() <- struct{}{}:
	default:
	}
}

// woken returns the channel that holds one call of Wake.
func (d *Drainer) woken() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wake == nil {
		d.wake = make(chan struct{}, 1)
	}
	return d.wake
}

func (d *Drainer) ready() bool { return d.Ready == nil || d.Ready() }

func (d *Drainer) log() *slog.Logger {
	if d.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Logger
}

// Run empties the outbox and waits for more until ctx is done, which ends the puts under way too; then it waits for them and
// returns nil. Any other end is an error of the store, after which Run may be called again: it first has the store take out what
// the sink took before. One Run per sink at a time: two would only repeat each other.
func (d *Drainer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if !d.ready() {
			d.sleep(ctx, nil)
			continue
		}
		r, err := d.round(ctx)
		if err != nil {
			return fmt.Errorf("drain outbox of %s: %w", d.Sink, err)
		}
		switch {
		case r.halted:
			d.rests(ctx, d.rest.next(r.kind, r.answered))
		case r.idle:
			d.sleep(ctx, d.Store.Changed(d.Sink))
		}
	}
	return nil
}

// sleep waits for changed, for Wake, for the time of what was set aside or for the end of ctx.
func (d *Drainer) sleep(ctx context.Context, changed <-chan struct{}) {
	var due <-chan time.Time
	if changed != nil && !d.aside.due.IsZero() {
		t := time.NewTimer(time.Until(d.aside.due))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-d.woken():
	case <-due:
	}
}

// Flush gives the sink what waits, the live entries first, until all is taken or ctx is done. It is for after Run, and tries
// each entry once at least where the time suffices, those that were set aside too, but not twice when only a person can mend
// what is wrong. While Ready is false it does nothing. It returns errors of the store only.
func (d *Drainer) Flush(ctx context.Context) error {
	for ctx.Err() == nil && d.ready() {
		p, err := d.pass(ctx)
		if err != nil {
			return fmt.Errorf("flush outbox of %s: %w", d.Sink, err)
		}
		if !p.again {
			return nil
		}
		if p.taken == 0 {
			pause(ctx, flushWait)
		}
	}
	return nil
}

// rests waits for wait, for Wake or for the end of ctx.
func (d *Drainer) rests(ctx context.Context, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.woken():
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
