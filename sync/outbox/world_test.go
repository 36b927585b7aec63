package outbox_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spotter/timeline"
)

// weather is how the cloud of the simulation does for a while.
type weather int

const (
	well      weather = iota
	throttles         // half of the puts
	losesSome         // half of the puts never arrive, and are answered by nobody
	forgets           // takes the puts, but half of the answers never arrive
	halves            // fails half of the puts at once
	late              // half of the puts arrive long after the box gave them up
	away              // nothing arrives
	refuses           // a quarter of the puts
	denies            // all
	weathers          // how many there are
)

// world is a run of the simulation: a cloud with one table, and the boxes that live one after the other on one file.
type world struct {
	tally
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	path string
	life *life
	last bool // the present box is not killed

	failed atomic.Bool

	packets sync.WaitGroup // on their way to the cloud

	mu       sync.Mutex
	forecast []change // in order of time
	table    map[row]*timeline.Observation
	tries    map[row]uint64
	offered  map[row]*timeline.Observation // the newest that was ever put
	trace    uint64                        // of all that happened
}

// change is one of the weather.
type change struct {
	until time.Time
	weather
}

// tally counts what happened.
type tally struct{ lives, kills, flushes, puts, applied, passed, items int }

func (a *tally) add(b tally) {
	a.lives += b.lives
	a.kills += b.kills
	a.flushes += b.flushes
	a.puts += b.puts
	a.applied += b.applied
	a.passed += b.passed
	a.items += b.items
}

func newWorld(t *testing.T, seed uint64, path string) *world {
	w := &world{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), path: path,
		table: make(map[row]*timeline.Observation), tries: make(map[row]uint64), offered: make(map[row]*timeline.Observation),
	}
	until := time.Now()
	for range 60 {
		until = until.Add(time.Second + moment(w.rng, 30*time.Second))
		w.forecast = append(w.forecast, change{until, weather(w.rng.IntN(int(weathers)))})
	}
	return w
}

// fail fails the test and names the seed.
func (w *world) fail(format string, args ...any) {
	w.failed.Store(true)
	w.t.Errorf("seed %d: "+format, append([]any{w.seed}, args...)...)
}

// mend makes the weather good for ever.
func (w *world) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forecast = nil
}

// note adds to the trace.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := fnv.New64a()
	fmt.Fprint(h, w.trace, time.Now().UnixNano())
	fmt.Fprintf(h, format, args...)
	w.trace = h.Sum64()
}

// sending begins a put, and holds that what the box puts never grows older. It returns the chance of that put alone, which
// depends on nothing but the seed, the key and how often that was put.
func (w *world) sending(o *timeline.Observation, key row) *rand.Rand {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.puts++
	if before := w.offered[key]; before != nil && newer(o, before) {
		w.fail("put revision %d until %v of %v after revision %d until %v", o.Revision, o.Until, key,
			before.Revision, before.Until)
	}
	w.offered[key] = o
	w.tries[key]++
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, key)
	return rand.New(rand.NewPCG(h.Sum64(), w.tries[key]))
}

func (w *world) weather() weather {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, c := range w.forecast {
		if now.Before(c.until) {
			return c.weather
		}
	}
	return well
}

// send gives the network a put and returns where its answer comes, if one does. What is on its way arrives though the box
// that sent it is dead.
func (w *world) send(rng *rand.Rand, o *timeline.Observation, key row) <-chan error {
	answer := make(chan error, 1)
	coin, way, back := rng.IntN(2) == 0, moment(rng, 30*time.Millisecond), moment(rng, 30*time.Millisecond)
	arrives, answers := true, true
	var failure error
	switch w.weather() {
	case throttles:
		if coin {
			failure = errThrottled
		}
	case losesSome:
		arrives = coin
	case forgets:
		answers = coin
	case halves:
		if coin {
			failure = errAway
		}
	case late:
		if coin {
			way += moment(rng, 30*time.Second)
		}
	case away:
		arrives = false
	case refuses:
		if coin && rng.IntN(2) == 0 {
			failure = errRefused
		}
	case denies:
		failure = errDenied
	}
	if !arrives {
		return nil
	}
	w.packets.Go(func() {
		time.Sleep(way)
		if failure == nil {
			w.apply(o, key)
		}
		time.Sleep(back)
		if answers {
			answer <- failure
		}
	})
	return answer
}

// apply writes what arrives where the condition holds.
func (w *world) apply(o *timeline.Observation, key row) {
	w.note("apply %v revision %d until %v", key, o.Revision, o.Until)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !newer(w.table[key], o) {
		w.passed++
		return
	}
	w.applied++
	w.table[key] = o
}
