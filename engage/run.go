package engage

import (
	"context"
	"errors"
	"time"
)

// How often Run does what it does.
const (
	flushEvery = 250 * time.Millisecond
	stateEvery = 30 * time.Second
	pruneEvery = time.Hour
)

// Run moves what was decided from the ledger's log to its database, learns from it and lets decisions use what was learned,
// until ctx is done, and then once more. Only one Run may be running. What fails is logged and tried again; the
// error returned is that of the last try.
func (e *Engine) Run(ctx context.Context) error {
	flush, state, prune := time.NewTicker(flushEvery), time.NewTicker(stateEvery), time.NewTicker(pruneEvery)
	defer flush.Stop()
	defer state.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return errors.Join(e.flush(), e.saveState())
		case <-flush.C:
			e.attempt("moving records to the database", e.flush())
		case <-state.C:
			e.attempt("keeping what was learned", e.saveState())
		case <-prune.C:
			e.attempt("removing old records", e.ledger.Prune(time.Now()))
		}
	}
}

func (e *Engine) attempt(doing string, err error) {
	if err != nil {
		e.fault(doing, err)
	}
}

// flush commits what was appended, and learns from it. What was committed before an error is learned from all the same.
func (e *Engine) flush() error {
	records, err := e.ledger.Flush()
	if e.learner != nil && len(records) > 0 {
		err = errors.Join(err, e.learn(records))
		e.publish()
	}
	return err
}
