package main

import (
	"context"
	"log/slog"
	"time"

	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/sync/outbox"
	"spotter/timeline"
)

// Pair is a box of a pair with its outboxes, which are not drained.
type Pair struct{ cc *cloudCopy }

// NewPair returns a box of a pair on a table.
func NewPair(table *dynamodb.Table, s *store.Store, sinks ...string) Pair {
	table.Twin = true
	c := &config{Media: []mediaConfig{{SampleInterval: time.Second}}}
	c.Vision.MaxScene = 30 * time.Second
	p := &pair{lease: &dynamodb.Lease{Table: table, Media: "boxes"}, table: table, longest: c.longestScene(), log: slog.New(slog.DiscardHandler)}
	cc := &cloudCopy{store: s, pair: p}
	for _, name := range sinks {
		cc.drainers = append(cc.drainers, &outbox.Drainer{Sink: name})
	}
	p.wake, p.stand = func() {}, cc.leaveToTwin
	return Pair{cc}
}

// Run holds the lease or waits for it, and leaves to the other box what that has told.
func (p Pair) Run(ctx context.Context) error { return p.cc.pair.run(ctx) }

// Held reports whether this box pays.
func (p Pair) Held() bool { return p.cc.pair.lease.Held() }

// Put writes an observation.
func (p Pair) Put(ctx context.Context, o *timeline.Observation) error { return p.cc.pair.put(ctx, o) }
