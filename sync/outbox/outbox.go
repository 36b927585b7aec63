// Package outbox owns the loop that empties one sink's outbox: in order, again and again until the sink has taken
// everything, however long it is away.
package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"spotter/store"
	"spotter/timeline"
)

const (
	// roundSize bounds what one round reads, and so what a crash makes the sink see again.
	roundSize = 100
	// roundFailures ends a round: so few entries that the sink refuses do not hold up the others, and a sink that
	// is away is not asked a hundred times.
	roundFailures = 4
	// minWait and maxWait bound the pause after a round with failures; it doubles each time.
	minWait = time.Second
	maxWait = time.Minute
)

// Store is the outbox to be emptied.
type Store interface {
	// Pending returns up to limit entries, oldest first, each observation once.
	Pending(sink string, limit int) ([]store.Entry, error)
	// Done takes entries out; those that are gone are passed over.
	Done(sink string, seqs ...uint64) error
	// Changed receives after entries were queued.
	Changed(sink string) <-chan struct{}
}

// Drainer empties the outbox of one sink.
type Drainer struct {
	Sink  string
	Store Store
	// Put gives the sink one observation, until ctx is done. It must be harmless to repeat, and an older revision
	// must not overwrite a newer one: after a crash the sink sees again what it had taken shortly before.
	Put func(ctx context.Context, o *timeline.Observation) error
	// Logger is told when the sink begins to fail and when it takes again; nil for silence.
	Logger *slog.Logger
}

// Run empties the outbox and waits for more until ctx is done; then it returns nil. Any other end is an error of the
// store. One Run per sink: two would only repeat each other.
func (d *Drainer) Run(ctx context.Context) error {
	log := d.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var wait time.Duration // not zero while the sink fails
	for ctx.Err() == nil {
		r, err := d.round(ctx)
		if err != nil {
			return fmt.Errorf("drain outbox of %s: %w", d.Sink, err)
		}
		switch {
		case ctx.Err() != nil:
		case r.failed != nil:
			if wait == 0 {
				log.Warn("sink fails, its outbox waits", "sink", d.Sink, "error", r.failed)
			}
			if r.taken > 0 {
				wait = 0 // it is there, and refuses only some
			}
			wait = min(max(2*wait, minWait), maxWait)
			pause(ctx, jitter(wait))
		case r.seen == roundSize:
		default:
			if wait != 0 {
				log.Info("sink takes again, its outbox is empty", "sink", d.Sink)
			}
			wait = 0
			select {
			case <-ctx.Done():
			case <-d.Store.Changed(d.Sink):
			}
		}
	}
	return nil
}

// result is what a round came to: how many entries there were and were taken, and the last refusal.
type result struct {
	seen, taken int
	failed      error
}

// round offers the sink the oldest entries once and clears those that it took.
func (d *Drainer) round(ctx context.Context) (r result, err error) {
	entries, err := d.Store.Pending(d.Sink, roundSize)
	if err != nil {
		return r, err
	}
	r.seen = len(entries)
	var taken []uint64
	failures := 0
	for _, e := range entries {
		if ctx.Err() != nil || failures == roundFailures {
			break
		}
		if err := d.Put(ctx, e.Observation); err != nil {
			r.failed = fmt.Errorf("observation of %s at %v: %w", e.Observation.Media, e.Observation.From, err)
			failures++
			continue
		}
		taken = append(taken, e.Seq)
	}
	r.taken = len(taken)
	return r, d.Store.Done(d.Sink, taken...)
}

// jitter spreads the boxes of one site that lost the cloud at one moment: d to 1.25 d.
func jitter(d time.Duration) time.Duration {
	return d + rand.N(d/4)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
