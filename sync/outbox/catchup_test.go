package outbox_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// counted is a table that admits so many puts in each second of the clock and throttles the rest, as provisioned capacity
// without a reserve does.
type counted struct {
	mu       sync.Mutex
	admits   int
	second   time.Time
	count    int
	throttle int
	taken    map[timeline.Position]time.Time // when each entry was taken
	lag      time.Duration                   // the longest of a live entry
}

const roundTrip = 20 * time.Millisecond

func (c *counted) put(_ context.Context, e store.Entry) error {
	<-time.After(roundTrip / 2)
	err := c.take(e)
	<-time.After(roundTrip / 2)
	return err
}

func (c *counted) take(e store.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if second := now.Truncate(time.Second); second != c.second {
		c.second, c.count = second, 0
	}
	if c.count++; c.count > c.admits {
		c.throttle++
		return errThrottled
	}
	c.taken[e.Observation.From] = now
	if e.Observation.From >= live {
		c.lag = max(c.lag, now.Sub(e.Queued))
	}
	return nil
}

// size returns how many entries were taken.
func (c *counted) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.taken)
}

// live is where the live entries of TestCatchUp begin.
const live = 1 << 30

// TestCatchUp is a box whose cloud was away for 72 hours of one stream with a scene each 5 s, 12 hours with -short, and now
// takes 200 a second.
func TestCatchUp(t *testing.T) {
	const admits, scene = 200, 5 * time.Second
	backlog := 72 * 3600 / 5
	if testing.Short() {
		backlog /= 6
	}
	synctest.Test(t, func(t *testing.T) {
		c := &counted{admits: admits, taken: make(map[timeline.Position]time.Time)}
		b := newBox(t, newCloud(), observations(0, backlog)...)
		<-time.After(time.Minute) // nothing of it is live
		b.Put, b.Workers = c.put, 16
		begin := time.Now()
		stop := b.start(t)
		defer stop()
		lived := 0
		for ; time.Since(begin) < 10*time.Minute; lived++ {
			record(t, b.s, observe(timeline.Position(live+lived)))
			<-time.After(scene)
		}
		synctest.Wait()
		b.waits(t, 0)
		var last time.Time
		for from, at := range c.taken {
			if from < live && at.After(last) {
				last = at
			}
		}
		took := last.Sub(begin)
		t.Logf("%d entries caught up in %v at %d puts a second of the %d admitted, %d puts throttled; live entries lagged %v at most",
			backlog, took.Round(time.Millisecond), int(float64(backlog)/took.Seconds()), admits, c.throttle, c.lag.Round(time.Millisecond))
		if len(c.taken) != backlog+lived || took > 10*time.Minute || c.lag >= 5*time.Second {
			t.Errorf("took %d of %d", len(c.taken), backlog+lived)
		}
		if len(b.faults) != 1 {
			t.Errorf("faults %v, want one", b.faults)
		}
	})
}

// TestCatchUpLargerTable has a table that is given more capacity, and one that loses most of it.
func TestCatchUpLargerTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counted{admits: 20, taken: make(map[timeline.Position]time.Time)}
		b := newBox(t, newCloud(), observations(0, 25_000)...)
		b.Put, b.Workers = c.put, 16
		stop := b.start(t)
		defer stop()
		rate := func() float64 {
			<-time.After(90 * time.Second)
			before := c.size()
			<-time.After(10 * time.Second)
			return float64(c.size()-before) / 10
		}
		for _, admits := range []int{20, 200, 20} {
			c.mu.Lock()
			c.admits = admits
			c.mu.Unlock()
			if got := rate(); got < 0.6*float64(admits) {
				t.Errorf("took %v a second of %d", got, admits)
			} else {
				t.Logf("took %v a second of %d", got, admits)
			}
		}
	})
}
