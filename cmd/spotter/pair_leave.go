package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
)

const (
	// twinTells is how long the other box of a pair may take to tell a sink of what both have seen. What is younger waits, for
	// the case that it falls silent.
	twinTells = 15 * time.Second
	// leaveSize is how many entries are looked at together.
	leaveSize = 200
)

// leaveToTwin takes out of the outboxes what the other box of the pair has told the sinks, and tells the table what that
// lacks. While no other box is known to pay, as when the table is away, nobody has told anything.
func (cc *cloudCopy) leaveToTwin(ctx context.Context) error {
	before := time.Now().Add(-twinTells)
	if since, known := cc.pair.lease.Other(); !known || since.After(before) {
		return nil
	}
	var failed []error
	for _, d := range cc.drainers {
		failed = append(failed, cc.leave(ctx, d.Sink, before))
	}
	return errors.Join(failed...)
}

// leave does that for one sink, with what was queued before a moment.
func (cc *cloudCopy) leave(ctx context.Context, sink string, before time.Time) error {
	for after := uint64(0); ; {
		list, err := cc.store.Pending(sink, after, leaveSize)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(e store.Entry) bool { return e.Queued.After(before) })
		if len(list) == 0 {
			return nil
		}
		after = list[len(list)-1].Seq
		done, fault := list, error(nil)
		if sink == dynamoDBSink {
			done, fault = cc.complete(ctx, list)
		}
		seqs := make([]uint64, len(done))
		for i, e := range done {
			seqs[i] = e.Seq
		}
		if err := errors.Join(fault, cc.store.Done(sink, seqs...)); err != nil {
			return err
		}
	}
}

// complete puts what the table lacks of a list, and returns what it has then. What the table refuses for itself waits for a
// time when this box pays, and a scene until it has ended: the other box's may have begun elsewhere, and goes on too.
func (cc *cloudCopy) complete(ctx context.Context, list []store.Entry) (done []store.Entry, err error) {
	list = slices.DeleteFunc(slices.Clone(list), func(e store.Entry) bool { return e.Observation.Open })
	errs := make([]error, len(list))
	var all sync.WaitGroup
	free := make(chan struct{}, dynamoDBWorkers)
	for i, e := range list {
		free <- struct{}{}
		all.Go(func() {
			errs[i] = cc.pair.put(ctx, e.Observation)
			<-free
		})
	}
	all.Wait()
	for i, e := range list {
		switch {
		case errs[i] == nil:
			done = append(done, e)
		case awsfault.KindOf(errs[i]) != awsfault.Refused:
			err = fmt.Errorf("tell the table what the other box did not: %w", errs[i])
		}
	}
	return done, err
}
