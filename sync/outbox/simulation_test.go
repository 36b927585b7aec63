package outbox_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

var (
	runs = flag.Int("runs", 0, "how many runs TestSimulation makes; 0 for 3000, or 300 with -short")
	seed = flag.Uint64("seed", 0, "the only seed of TestSimulation; 0 for all")
)

// TestSimulation kills boxes between any two steps while their cloud fails in all its ways, and has the table equal the box
// in the end.
func TestSimulation(t *testing.T) {
	n := uint64(*runs)
	if n == 0 {
		n = 3000
		if testing.Short() {
			n = 300
		}
	}
	shards := uint64(runtime.GOMAXPROCS(0))
	if *seed != 0 {
		simulate(t, *seed)
		return
	}
	var mu sync.Mutex
	var all tally
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				var sum tally
				for s := shard + 1; s <= n && !t.Failed(); s += shards {
					sum.add(simulate(t, s).tally)
				}
				mu.Lock()
				defer mu.Unlock()
				all.add(sum)
			})
		}
	})
	t.Logf("%d runs: %+v", n, all)
}

// TestSimulationRepeats holds that a seed always gives the same run, so that one which failed can be looked at.
func TestSimulationRepeats(t *testing.T) {
	for s := range uint64(8) {
		if a, b := simulate(t, s+1), simulate(t, s+1); a.trace != b.trace {
			t.Errorf("seed %d gave two runs: %+v, %+v", s+1, a.tally, b.tally)
		}
	}
}

// simulate makes one run.
func simulate(t *testing.T, seed uint64) (w *world) {
	path := filepath.Join(folder(t), "spotter.db")
	defer os.Remove(path) // thousands of them would fill a small memory
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, path)
		w.begin()
		for range 20 + w.rng.IntN(40) {
			w.act()
		}
		w.end()
	})
	if w.failed.Load() {
		t.Logf("to repeat it: go test ./sync/outbox -run 'TestSimulation$' -seed %d", seed)
	}
	return w
}

var errKilled = errors.New("the box was killed")

// life is a box from its start until it is killed or stops: its store and drainer, each of whose calls is a step.
type life struct {
	*world
	store *store.Store
	stop  context.CancelFunc
	done  chan error
	d     *outbox.Drainer

	mu     sync.Mutex
	steps  int // until it is killed; negative for never
	dead   bool
	killed chan struct{}
	flying map[row]bool
}

// row is the key of a table's item.
type row struct {
	media string
	from  timeline.Position
}

// step is one of the box's steps, before which it may be killed.
func (l *life) step(what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errKilled
	}
	l.note("%v %s", l.steps, what)
	if l.steps--; l.steps == 0 {
		l.dead = true
		close(l.killed)
		l.stop()
		return errKilled
	}
	return nil
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) Pending(sink string, after uint64, limit int) ([]store.Entry, error) {
	if err := l.step("pending"); err != nil {
		return nil, err
	}
	return l.store.Pending(sink, after, limit)
}

func (l *life) PendingSince(sink string, since time.Time, limit int) ([]store.Entry, error) {
	if err := l.step("pending since"); err != nil {
		return nil, err
	}
	return l.store.PendingSince(sink, since, limit)
}

func (l *life) Done(sink string, seqs ...uint64) error {
	if err := l.step(fmt.Sprint("done ", len(seqs))); err != nil {
		return err
	}
	return l.store.Done(sink, seqs...)
}

func (l *life) Changed(sink string) <-chan struct{} { return l.store.Changed(sink) }

// put sends one entry. Each of its steps has a moment of its own, so that nothing depends on which goroutine runs first.
func (l *life) put(ctx context.Context, e store.Entry) error {
	o := e.Observation
	key := row{o.Media, o.From}
	rng := l.sending(o, key)
	l.departs(key)
	defer l.lands(key)
	time.Sleep(moment(rng, time.Millisecond))
	if err := l.step(fmt.Sprint("put ", key)); err != nil {
		return err
	}
	answer := l.send(rng, o, key)
	timeout := time.NewTimer(2*time.Second + moment(rng, time.Millisecond))
	defer timeout.Stop()
	var err error
	select {
	case err = <-answer:
	case <-timeout.C:
		err = errAway
	case <-ctx.Done():
		return ctx.Err() // killed, too
	}
	if err := l.step(fmt.Sprint("answer ", key, err)); err != nil {
		return err
	}
	return err
}

// departs holds that a key has one put at once.
func (l *life) departs(key row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying[key] {
		l.fail("two puts of %v at once", key)
	}
	l.flying[key] = true
}

func (l *life) lands(key row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.flying, key)
}

// moment returns a random duration below d, to the nanosecond.
func moment(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)))
}

// begin starts a box on the file as it is.
func (w *world) begin() {
	w.lives++
	l := &life{world: w, store: open(w.t, w.path), killed: make(chan struct{}), flying: make(map[row]bool), steps: -1}
	if w.rng.IntN(4) > 0 && !w.last {
		l.steps = 1 + w.rng.IntN(120)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop, l.done = cancel, make(chan error, 1)
	l.d = &outbox.Drainer{Sink: "cloud", Store: l, Put: l.put, Workers: 1 + w.rng.IntN(8)}
	jitter := rand.New(rand.NewPCG(w.seed, uint64(w.lives)))
	outbox.SetJitter(l.d, func(d time.Duration) time.Duration { return moment(jitter, d) })
	go func() { l.done <- l.d.Run(ctx) }()
	w.life = l
	synctest.Wait() // what the box does at this moment it has done, whoever runs first
}

// bury waits until nothing of the box that was killed or stopped runs any more, and gives its file free.
func (w *world) bury() {
	w.life.stop()
	if err := <-w.life.done; err != nil && !errors.Is(err, errKilled) {
		w.fail("%v", err)
	}
	if err := w.life.store.Close(); err != nil {
		w.fail("%v", err)
	}
}

// act does one of the things that a box does, or starts the next box where it was killed.
func (w *world) act() {
	time.Sleep(moment(w.rng, []time.Duration{time.Millisecond, time.Second, 20 * time.Second}[w.rng.IntN(3)]))
	switch n := w.rng.IntN(40); {
	case w.life.isDead():
		w.kills++
		w.bury()
		w.begin()
	case n == 0:
		w.flush()
		w.bury()
		w.begin()
	default:
		if w.life.step("record") == nil {
			w.record(n)
		}
	}
}

// flush stops the box as a signal does.
func (w *world) flush() {
	w.flushes++
	w.life.stop()
	w.life.done <- <-w.life.done // bury reads it too
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.life.d.Flush(ctx); err != nil && !errors.Is(err, errKilled) {
		w.fail("flush: %v", err)
	}
}

// record begins a scene, or has one last, ends it or has it told better, or repeats what was recorded.
func (w *world) record(n int) {
	key := row{[]string{"final", "semi-final"}[w.rng.IntN(2)], timeline.Position(w.rng.IntN(12)) * 1000}
	if n < 10 {
		_, err := w.life.store.Revise(key.media, key.from, func(o *timeline.Observation) bool {
			o.Source, o.Objects = timeline.SourceRekognition, []timeline.Entity{{Name: "Couch", Confidence: float64(w.rng.IntN(100))}}
			return true
		})
		if err != nil {
			w.fail("%v", err)
		}
		return
	}
	b := store.Batch{Media: key.media}
	for i := range 1 + w.rng.IntN(4) {
		from := key.from + timeline.Position(i)*1000
		b.Observations = append(b.Observations, &timeline.Observation{
			Media: key.media, Span: timeline.Span{From: from, Until: from + timeline.Position(w.rng.IntN(1000))},
			Source: timeline.SourceONNX, Open: w.rng.IntN(4) > 0,
		})
	}
	if err := w.life.store.Record(b); err != nil {
		w.fail("%v", err)
	}
}

// end mends the cloud and looks at what it has when nothing waits any more.
func (w *world) end() {
	synctest.Wait()
	w.mend()
	w.last = true
	if w.life.isDead() || w.rng.IntN(2) == 0 {
		w.bury()
		w.begin()
	}
	w.life.mu.Lock()
	if !w.life.dead {
		w.life.steps = -1
	}
	w.life.mu.Unlock()
	if w.rng.IntN(2) == 0 {
		w.flush()
	} else {
		time.Sleep(3 * time.Hour) // what was refused is tried again after one or two
	}
	w.packets.Wait()
	synctest.Wait()
	w.check()
	w.bury()
}

// check compares the table with the box's timelines.
func (w *world) check() {
	var want []*timeline.Observation
	for _, media := range w.life.store.Media() {
		tl, _ := w.life.store.Timeline(media)
		want = append(want, tl.Within(timeline.Span{From: -1, Until: timeline.MaxPosition})...)
	}
	var got []*timeline.Observation
	for _, o := range w.table {
		c := *o
		c.Open = false // no attribute of an item
		got = append(got, &c)
	}
	slices.SortFunc(got, func(a, b *timeline.Observation) int {
		return cmp.Or(cmp.Compare(a.Media, b.Media), cmp.Compare(a.From, b.From))
	})
	for i, o := range want {
		c := *o
		c.Open = false
		want[i] = &c
	}
	w.items = len(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		w.fail("the table differs from the box (-want +got):\n%s", diff)
	}
	if n := w.life.store.Backlog("cloud").Entries; n != 0 {
		w.fail("%d entries wait", n)
	}
}
