package outbox

import (
	"context"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
)

// round is one offer of some entries to the sink, and what came of it. All of it happens in one goroutine but the puts
// themselves. A round waits for its puts before the next one begins: as an outbox has each key once, that is enough for the
// puts of a key to be in order, however many are under way at once.
type round struct {
	d *Drainer
	// end is when no more puts are begun, but for the first; zero for never.
	end time.Time
	// tireless goes on where the sink is away or denies.
	tireless bool

	flying  int
	begun   int
	results chan result
	settled map[uint64]bool // by Seq: taken, or set aside
	taken   []uint64

	idle      bool // there was nothing to offer
	answered  bool // the sink dealt with a put, whether it took it or not
	throttled error
	failed    bool          // some put failed
	again     bool          // some put failed for a reason that passes by itself
	halted    bool          // the sink is away, or denies
	kind      awsfault.Kind // what halted it
}

// result is what came of one put.
type result struct {
	entry store.Entry
	begun time.Time
	err   error
}

// round offers the sink what is live and some of the backlog, and clears what it took.
func (d *Drainer) round(ctx context.Context) (*round, error) {
	if err := d.done(nil); err != nil {
		return nil, err
	}
	now := time.Now()
	if d.aside.revisit(now) {
		d.after = 0
	}
	offer, batch, err := d.pick(now)
	if err != nil {
		return nil, err
	}
	r := &round{d: d, end: now.Add(roundTime), idle: len(offer) == 0}
	probing := d.probes > 0
	if probing && !r.idle { // each probe with another entry: the one that failed may be at fault
		i := d.probes % len(offer)
		offer = offer[i : i+1]
	}
	r.offer(ctx, offer)
	for _, e := range batch {
		if !r.settled[e.Seq] && !d.aside.has(e) {
			break
		}
		d.after = e.Seq
	}
	if !probing && !r.failed {
		clear(d.strikes)
	}
	if r.answered {
		d.probes = 0
	}
	if r.halted {
		d.probes++
	}
	if r.throttled != nil && len(r.taken) == 0 {
		d.stuck(r.throttled)
	}
	return r, d.done(r.taken)
}

// done has the store take out what the sink has taken. Where that fails it is kept in mind, so that the sink is not given it again
// but after a restart.
func (d *Drainer) done(taken []uint64) error {
	if d.taken = append(d.taken, taken...); len(d.taken) == 0 {
		return nil
	}
	err := d.Store.Done(d.Sink, d.taken...)
	if err == nil {
		d.taken = nil
	}
	return err
}

// pick returns what a round is to offer, the live entries first, and the part of the backlog that was read for it. The
// backlog is read as a sweep: what was set aside is passed over once, and not seen again until it is due.
func (d *Drainer) pick(now time.Time) (offer, batch []store.Entry, err error) {
	live, err := d.Store.PendingSince(d.Sink, now.Add(-liveAge), liveSize)
	if err != nil {
		return nil, nil, err
	}
	limit := d.pace.most(roundTime, d.workers(), roundSize)
	for {
		if batch, err = d.Store.Pending(d.Sink, d.after, limit); err != nil {
			return nil, nil, err
		}
		offer = d.fresh(live, batch)
		if len(offer) > 0 || len(batch) == 0 {
			return offer, batch, nil
		}
		d.after = batch[len(batch)-1].Seq
	}
}

// fresh returns what is in either list and not set aside, each key once. What was queued again between the two reads is in
// both, with two revisions: the newer is offered.
func (d *Drainer) fresh(live, batch []store.Entry) (offer []store.Entry) {
	newest := make(map[key]uint64, len(live)+len(batch))
	for _, list := range [][]store.Entry{live, batch} {
		for _, e := range list {
			newest[keyOf(e)] = max(newest[keyOf(e)], e.Seq)
		}
	}
	for _, list := range [][]store.Entry{live, batch} {
		for _, e := range list {
			if newest[keyOf(e)] == e.Seq && !d.aside.has(e) {
				offer = append(offer, e)
				delete(newest, keyOf(e))
			}
		}
	}
	return offer
}

func (d *Drainer) workers() int { return max(d.Workers, 1) }

// offer gives the sink entries, in order of their beginning, and returns when no put is under way any more.
func (r *round) offer(ctx context.Context, entries []store.Entry) {
	r.results = make(chan result, r.d.workers())
	r.settled = make(map[uint64]bool, len(entries))
	for _, e := range entries {
		if !r.admit(ctx) {
			break
		}
		r.flying++
		r.begun++
		go func() {
			begun := time.Now()
			r.results <- result{e, begun, r.d.Put(ctx, e)}
		}()
	}
	for r.flying > 0 {
		r.hear(ctx, <-r.results)
	}
}

// admit waits until one more put may begin; false ends the round.
func (r *round) admit(ctx context.Context) bool {
	for r.flying == r.d.workers() {
		r.hear(ctx, <-r.results)
	}
	// The first put of a round waits however long it takes: at a low pace there would never be one else.
	wait, ok := r.d.pace.reserve(time.Now(), r.end, r.begun == 0)
	if !ok {
		return false
	}
	if wait == 0 {
		return r.open(ctx)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	for {
		select {
		case res := <-r.results:
			r.hear(ctx, res)
		case <-ctx.Done():
			return false
		case <-t.C:
			return r.open(ctx)
		}
	}
}

// open reports whether the round goes on, after what was heard until now.
func (r *round) open(ctx context.Context) bool {
	for {
		select {
		case res := <-r.results:
			r.hear(ctx, res)
			continue
		default:
		}
		over := r.begun > 0 && !r.end.IsZero() && time.Now().After(r.end)
		return !over && ctx.Err() == nil && (r.tireless || !r.halted) && r.d.ready()
	}
}

// hear deals with the end of a put.
func (r *round) hear(ctx context.Context, res result) {
	r.flying--
	d, now := r.d, time.Now()
	if res.err == nil {
		r.answered = true
		r.settled[res.entry.Seq] = true
		r.taken = append(r.taken, res.entry.Seq)
		d.took(res.entry, now)
		return
	}
	if ctx.Err() != nil {
		return // that is the end of Run, and says nothing of the sink
	}
	r.failed = true
	kind := awsfault.KindOf(res.err)
	err := fault(res)
	d.heard(kind, err, now)
	switch kind {
	case awsfault.Throttled:
		r.answered, r.again, r.throttled = true, true, err
		d.pace.throttled(res.begun, now)
	case awsfault.Refused:
		r.answered = true
		d.putAside(res.entry, now.Add(refusedFor), now)
	default:
		r.halted, r.kind = true, kind
		r.again = r.again || kind == awsfault.Away
		d.stuck(err)
		if d.strikes.out(res.entry, d.faults.took, now) {
			d.putAside(res.entry, now.Add(struckFor), now)
		}
	}
	r.settled[res.entry.Seq] = d.aside.has(res.entry)
	d.publish()
}

// pass is what came of offering the sink all that waits.
type pass struct {
	taken int
	again bool // it is worth another one
}

func (d *Drainer) pass(ctx context.Context) (p pass, err error) {
	if err := d.done(nil); err != nil {
		return p, err
	}
	entries, err := d.Store.PendingSince(d.Sink, time.Now().Add(-liveAge), liveSize)
	if err != nil {
		return p, err
	}
	after := uint64(0)
	for {
		r := &round{d: d, tireless: true}
		r.offer(ctx, entries)
		if err := d.done(r.taken); err != nil {
			return p, err
		}
		p.taken += len(r.taken)
		p.again = p.again || r.again
		if ctx.Err() != nil || !d.ready() {
			return p, nil
		}
		if entries, err = d.Store.Pending(d.Sink, after, roundSize); err != nil || len(entries) == 0 {
			return p, err
		}
		after = entries[len(entries)-1].Seq
	}
}
