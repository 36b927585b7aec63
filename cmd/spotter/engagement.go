package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/engage"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// engagement chooses instruments for viewers and keeps account of it.
type engagement struct {
	ledger *ledger.Ledger
	engine *engage.Engine
	file   *instrumentsFile // nil where the configuration names none
	model  *scoringModel    // nil but for policy: model
	window time.Duration    // of events
	log    *slog.Logger
}

// openEngagement opens what the configuration asks for, or nothing: then it returns nil. Errors say the mend.
func openEngagement(c *config, registerer prometheus.Registerer, log *slog.Logger) (e *engagement, err error) {
	k := c.Engage
	if k == nil {
		return nil, nil
	}
	e = &engagement{window: k.Window, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
			e = nil
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil { // a copy of the viewer API has made none
		return e, fmt.Errorf("make data folder: %w: give this user the right to write there, or set data_dir", err)
	}
	if e.ledger, err = ledger.Open(c.DataDir, ledger.Options{KeepFor: k.Keep, MaxBytes: parseBytes(k.MaxBytes), Log: log}); err != nil {
		return e, err
	}
	set := engage.Config{
		Ledger: e.ledger, Explore: k.Explore, Seed: k.Seed, Window: k.Window, Log: log, Registerer: registerer,
	}
	switch k.Policy {
	case policyLinUCB:
		set.Learner = policy.NewLinUCB(policy.Options{})
	case policyThompson:
		set.Learner = policy.NewThompson(policy.Options{})
	case policyUniform:
		set.Policy = policy.Uniform()
	case policyModel:
		if e.model, err = openScoringModel(c.path(k.Model)); err != nil {
			return e, fmt.Errorf("engage.model: %w", err)
		}
		set.Policy = e.model.policy
	}
	if e.engine, err = engage.New(set); err != nil {
		return e, err
	}
	if k.Instruments != "" {
		e.file = &instrumentsFile{path: c.path(k.Instruments), use: e.engine.UseFile}
		if err := e.file.read(); err != nil {
			return e, fmt.Errorf("engage.instruments: %w", err)
		}
	}
	return e, nil
}

// Run keeps account until ctx is done, and takes up changes of the instruments' file.
func (e *engagement) Run(ctx context.Context) error {
	if e == nil {
		return nil
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	if e.file != nil {
		watching.Go(func() { e.file.watch(ctx, e.log) })
	}
	return e.engine.Run(ctx)
}

// account returns where decisions are kept; nil where viewers are not engaged.
func (e *engagement) account() *ledger.Ledger {
	if e == nil {
		return nil
	}
	return e.ledger
}

// Close closes what openEngagement opened.
func (e *engagement) Close() error {
	if e == nil {
		return nil
	}
	var failed []error
	if e.ledger != nil {
		failed = append(failed, e.ledger.Close())
	}
	if e.model != nil {
		failed = append(failed, e.model.Close())
	}
	return errors.Join(failed...)
}
