package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"spotter/internal/awsfault"
	"spotter/sync/dynamodb"
	"spotter/timeline"
	"spotter/vision"
)

const (
	// borrowEvery is how often the box that does not pay looks for the other's answer.
	borrowEvery = 300 * time.Millisecond
	// sweepEvery is how often it looks what of its own the other has not told.
	sweepEvery = 20 * time.Second
	// aligned is how far apart two boxes may see the same scene begin: they sample the same pictures.
	aligned = timeline.Position(50)
)

var errNotPaid = errors.New("the other box of the pair pays for the cloud, and has not said what it answered")

// pair is this box as one of two on the same event. Both analyse the stream, answer viewers and know the same keys. The one
// that holds the lease pays for the cloud and writes the table; the other takes the answers from there, and writes what its
// twin turns out to lack.
type pair struct {
	lease   *dynamodb.Lease
	table   *dynamodb.Table
	longest timeline.Position // of a scene
	log     *slog.Logger
	wake    func()                      // the drainers
	stand   func(context.Context) error // done with what the other box tells
	paying  atomic.Pointer[time.Time]   // since when; nil while the other box pays
}

// run holds the lease or waits for it until ctx is done.
func (p *pair) run(ctx context.Context) error {
	p.lease.OnChange = p.changed
	done := make(chan error, 1)
	go func() { done <- p.lease.Run(ctx) }()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := p.stand(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("what the other box of the pair has told stays in the outbox until the next try", "error", err)
			}
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
	list, err := p.table.Query(ctx, x.Media, timeline.Span{From: x.At - p.longest, Until: x.At + aligned}, true)
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

// longestScene is the length that no scene exceeds: one that goes on is asked about again with the first picture after
// max_scene.
func (c *config) longestScene() timeline.Position {
	longest := time.Duration(0)
	for _, m := range c.Media {
		longest = max(longest, m.SampleInterval)
	}
	return timeline.FromDuration(c.Vision.MaxScene + longest)
}

// put writes an observation. What lies before this box began to pay is left out where the other has told of it: its scenes
// may have begun elsewhere.
func (p *pair) put(ctx context.Context, o *timeline.Observation) error {
	if since := p.paying.Load(); since != nil && p.lease.Held() && o.At.After(*since) {
		return p.table.Put(ctx, o)
	}
	list, err := p.table.Query(ctx, o.Media, timeline.Span{From: o.From - p.longest, Until: o.Until}, false)
	if err != nil && awsfault.KindOf(err) != awsfault.Refused { // an item that nobody can read tells nothing
		return err
	}
	if told(o, list) {
		return nil
	}
	return p.table.Put(ctx, o)
}

// told reports whether a list in order of positions says of all of an observation's span as much as that does.
//
// What a person said of a scene no other scene tells, and so it is told where that scene itself says it.
func told(o *timeline.Observation, list []*timeline.Observation) bool {
	at, edited := o.From, o.LastEdit() > 0
	for _, x := range list {
		left := x.From == o.From && x.Open && !o.Open // by a box that died in its last scene, or it is to be closed yet
		if edited {
			if x.From == o.From {
				return !left && !revised(o, x)
			}
			continue
		}
		if x.From > at || x.From == o.From && revised(o, x) {
			return false
		}
		if (x.Source == o.Source || x.Source == timeline.SourceRekognition) && !left {
			at = max(at, x.Until)
		}
		if at >= o.Until && at > o.From {
			return true
		}
	}
	return false
}

// revised reports whether o would replace what x says of the same scene.
func revised(o, x *timeline.Observation) bool {
	if o.LastEdit() != x.LastEdit() { // by a person
		return o.LastEdit() > x.LastEdit()
	}
	return x.Source == o.Source && x.Revision < o.Revision &&
		!(reflect.DeepEqual(x.Celebrities, o.Celebrities) && reflect.DeepEqual(x.Objects, o.Objects))
}
