package dynamodb_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// TestViewOfALiveEvent follows an event with two copies while a box writes it, each observation before the state that counts
// on it, to a table that takes its time. What a copy calls complete is what the box says, and it is a second behind at most.
func TestViewOfALiveEvent(t *testing.T) {
	for seed := range 8 {
		synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(uint64(seed), 9))) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

const (
	step    = 500 * time.Millisecond // of the box
	latency = 50 * time.Millisecond  // of the table, at most
)

func live(t *testing.T, r *rand.Rand) {
	whole := mediatest.Random(r, "m", 60)
	begin := whole.Timeline.Analyzed()[0].From
	end, _ := whole.Timeline.AnalyzedUntil()
	m := fill(t, new(readable), at(whole, begin))
	m.wait = func(context.Context) error { time.Sleep(latency / 2); return nil }
	delays := rand.New(rand.NewPCG(r.Uint64(), 1))

	var mu sync.Mutex
	edge := begin // to which the box has written
	var all sync.WaitGroup
	defer all.Wait()
	start := time.Now()
	all.Go(func() {
		for p := begin; p < end; {
			time.Sleep(step)
			p += timeline.FromDuration(step)
			e := at(whole, p)
			m.mu.Lock()
			m.rows["m"] = e.Timeline.Within(mediatest.All)
			m.mu.Unlock()
			time.Sleep(time.Duration(delays.Int64N(int64(latency))))
			s := stateOf(t, &e)
			m.mu.Lock()
			m.states = []dynamodb.State{s}
			m.mu.Unlock()
			mu.Lock()
			edge = p
			mu.Unlock()
		}
	})
	copies := []*dynamodb.View{dynamodb.NewView(m, dynamodb.ViewOptions{}), dynamodb.NewView(m, dynamodb.ViewOptions{})}
	type told struct {
		edge timeline.Position
		at   time.Time
	}
	history := []told{{begin, start}}
	complete := 0
	for time.Since(start) < min(4*time.Minute, (end-begin).Duration()) {
		time.Sleep(time.Duration(20+r.IntN(400)) * time.Millisecond)
		mu.Lock()
		now := edge
		mu.Unlock()
		history = append(history, told{now, time.Now()})
		from := now - timeline.Position(r.IntN(40_000)) + 2000
		w := timeline.Span{From: from, Until: from + timeline.Position(r.IntN(15_000))}
		for _, v := range copies {
			asked := time.Now()
			got, err := v.Timeline("m", w)
			if err != nil {
				t.Fatal(err)
			}
			// The oldest that it may be: what was written a second and two answers of the table ago.
			i, _ := slices.BinarySearchFunc(history, asked.Add(-time.Second-2*latency), func(h told, t time.Time) int { return h.at.Compare(t) })
			if until, _ := got.AnalyzedUntil(); until < analyzedUntil(at(whole, history[max(0, i-1)].edge)) {
				t.Fatalf("%v into the event it was analysed until %v; the box said so of %v", time.Since(start), until, history[max(0, i-1)].edge)
			}
			if !got.Complete(w) {
				continue
			}
			complete++
			var c, want timeline.Context
			got.Context(&c, w)
			whole.Timeline.Context(&want, w)
			c.Breaks, want.Breaks = nil, nil // told ahead
			if diff := cmp.Diff(want, c); diff != "" {
				t.Fatalf("%v into the event, in %v (-box +copy):\n%s", time.Since(start), w, diff)
			}
		}
	}
	if complete < 100 {
		t.Errorf("only %d complete answers", complete)
	}
}

// at returns an event as the box has it when it has analysed all until p.
func at(e mediatest.Event, p timeline.Position) mediatest.Event {
	var list []*timeline.Observation
	for _, o := range e.Timeline.Within(mediatest.All) {
		if o.From >= p {
			break
		}
		c := *o
		if c.Until > p {
			c.Until, c.Open = p, true
		}
		list = append(list, &c)
	}
	var analyzed []timeline.Span
	for _, s := range e.Timeline.Analyzed() {
		if s.From < p {
			analyzed = append(analyzed, timeline.Span{From: s.From, Until: min(s.Until, p)})
		}
	}
	settled := p - 60_000
	e.Timeline, e.Settled = timeline.New(list, analyzed), &settled
	return e
}

func analyzedUntil(e mediatest.Event) timeline.Position {
	until, ok := e.Timeline.AnalyzedUntil()
	if !ok {
		return -timeline.MaxPosition
	}
	return until
}
