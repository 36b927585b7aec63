package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"spotter/sync/dynamodb"
	"spotter/timeline"
	"spotter/vision"
)

const (
	// borrowEvery is how often the box that does not pay looks for the other's answer.
	borrowEvery = 300 * time.Millisecond
	// sweepEvery is how often it looks which of its observations the other has not written, and sweepTime for how long.
	sweepEvery, sweepTime = time.Minute, 5 * time.Second
	// aligned is how far apart two boxes may see the same scene begin: they sample the same pictures.
	aligned = timeline.Position(50)
)

var errNotPaid = errors.New("the other box of the pair pays for the cloud, and has not said what it answered")

// pair is this box as one of two on the same event. Both analyse the stream, answer viewers and know the same keys. The one
// that holds the lease pays for the cloud and writes the table; the other takes the answers from there, and writes what its
// twin turns out to lack.
type pair struct {
	lease    *dynamodb.Lease
	table    *dynamodb.Table
	maxScene timeline.Position
	wake     func()                    // the drainers
	stand    func() error              // done with what the other box tells
	paying   atomic.Pointer[time.Time] // since when; nil while the other box pays
}

// run holds the lease or waits for it until ctx is done.
func (p *pair) run(ctx context.Context) error {
	p.lease.OnChange = p.changed
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.lease.Run(ctx) }()
	end := func() error { cancel(); return <-done }
	defer cancel()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !p.lease.Held() {
				if err := p.stand(); err != nil {
					return errors.Join(err, end())
				}
			}
			p.wake()
		case err := <-done:
			return err
		}
	}
}

// changed takes in whether the lease is held now.
func (p *pair) changed(held bool) {
	if now := time.Now(); held {
		p.paying.Store(&now)
	} else {
		p.paying.Store(nil)
	}
	p.wake()
}

// writes reports whether the table's drainer is to go on: the box pays, or it is time to look for what the other lacks.
func (p *pair) writes() bool {
	return p.lease.Held() || time.Since(time.Now().Truncate(sweepEvery)) < sweepTime
}

// shared is the cloud as the two boxes of a pair ask it.
type shared struct {
	*pair
	cloud vision.Recognizer
	wait  bool // for the other's answer, as long as it is asked for
}

// Recognize implements vision.Recognizer: it pays, or says what the other box was answered. Whichever box pays by the time
// that the question is over has asked it.
func (s *shared) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	tick := time.NewTicker(borrowEvery)
	defer tick.Stop()
	for {
		if s.lease.Held() {
			return s.cloud.Recognize(ctx, p)
		}
		answer, ok, err := s.borrow(ctx, p)
		switch {
		case ok:
			return answer, nil
		case err == nil:
			err = errNotPaid
		}
		if !s.wait {
			return vision.Answer{}, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return vision.Answer{}, fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

// borrow returns what the cloud told the other box of a picture, if that is in the table.
func (p *pair) borrow(ctx context.Context, x vision.Picture) (a vision.Answer, ok bool, err error) {
	list, err := p.table.Query(ctx, x.Media, timeline.Span{From: x.At - p.maxScene, Until: x.At + aligned}, true)
	if err != nil {
		return a, false, fmt.Errorf("take the other box's answer: %w", err)
	}
	for _, o := range slices.Backward(list) {
		// A scene that began earlier may be on screen no longer, as long as the other box has not got further.
		if o.From < x.At-aligned && o.Until <= x.At {
			continue
		}
		if o.Source != timeline.SourceRekognition {
			return a, false, nil
		}
		return vision.Answer{Source: o.Source, Celebrities: o.Celebrities, Objects: o.Objects}, true, nil
	}
	return a, false, nil
}

// put writes an observation. What lies before this box began to pay is left out where the other has told of it: its scenes
// may have begun elsewhere.
func (p *pair) put(ctx context.Context, o *timeline.Observation) error {
	if since := p.paying.Load(); since != nil && p.lease.Held() && o.At.After(*since) {
		return p.table.Put(ctx, o)
	}
	list, err := p.table.Query(ctx, o.Media, timeline.Span{From: o.From - p.maxScene, Until: o.Until}, false)
	if err != nil {
		return err
	}
	if told(o, list) {
		return nil
	}
	return p.table.Put(ctx, o)
}

// told reports whether a list in order of positions says of all of an observation's span as much as that does.
func told(o *timeline.Observation, list []*timeline.Observation) bool {
	at := o.From
	for _, x := range list {
		if x.From > at {
			return false
		}
		if (x.Source == o.Source || x.Source == timeline.SourceRekognition) && (!x.Open || o.Open) { // a box that died left its last scene open
			at = max(at, x.Until)
		}
		if at >= o.Until && at > o.From {
			return true
		}
	}
	return false
}
