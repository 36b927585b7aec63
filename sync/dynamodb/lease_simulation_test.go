package dynamodb_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"spotter/sync/dynamodb"
)

var (
	leaseRuns = flag.Int("lease.runs", 1000, "simulations of the lease, a tenth of them with -short")
	leaseSeed = flag.Uint64("lease.seed", 0, "the one simulation to run again")
)

const (
	simulated = 30 * time.Second
	followed  = 3 * time.Second
)

// TestLeaseSimulation lets two boxes contend for a lease while requests and answers are delayed and lost, boxes freeze, die and
// restart and the table goes away: at no time do both hold it, and 3 s after the last fault one does.
func TestLeaseSimulation(t *testing.T) {
	if *leaseSeed != 0 {
		simulateLease(t, *leaseSeed)
		return
	}
	runs := *leaseRuns
	if testing.Short() {
		runs /= 10
	}
	held := time.Duration(0)
	for seed := range uint64(runs) {
		held += simulateLease(t, seed+1)
	}
	t.Logf("%d runs; somebody held the lease for %.0f %% of the time", runs, 100*held.Seconds()/(float64(runs)*simulated.Seconds()))
}

// world is a simulation.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	table *memory
	boxes [2]*box
	// wild loses requests and answers all the time: then nothing can be said of how soon somebody holds.
	wild bool
	// differ lets the boxes disagree about the duration. Each waits as long as the item says, so that must not be deleted.
	differ bool

	traffic   sync.WaitGroup
	mu        sync.Mutex
	away      bool // the table
	refuses   bool // at once, when away
	lastFault time.Time
}

// box is one life of a box.
type box struct {
	w      *world
	n      int
	lease  *dynamodb.Lease
	cancel context.CancelFunc
	done   chan struct{}
	// guarded by w.mu
	frozen    time.Time // until when
	cut, dead bool
}

func simulateLease(t *testing.T, seed uint64) (held time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 5)), table: newMemory(), wild: seed%3 == 0, differ: seed%6 == 0}
		w.table.mute = seed%5 == 0
		w.lastFault = time.Now()
		for n := range w.boxes {
			w.start(n)
		}
		const look = 100 * time.Millisecond
		next := w.pause()
		for end := time.Now().Add(simulated); time.Now().Before(end) && !t.Failed(); time.Sleep(look) {
			if w.check(nil) {
				held += look
			}
			if next -= look; next <= 0 {
				w.fault()
				next = w.pause()
			}
		}
		for _, b := range w.boxes {
			b.cancel()
		}
		for _, b := range w.boxes {
			<-b.done
		}
		w.traffic.Wait()
		if t.Failed() {
			t.Logf("again: go test ./sync/dynamodb -run TestLeaseSimulation -lease.seed %d", seed)
		}
	})
	return held
}

func (w *world) intn(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.intn(int(d/time.Millisecond))) * time.Millisecond
}

func (w *world) pause() time.Duration { return 100*time.Millisecond + w.upTo(7*time.Second) }

func (w *world) start(n int) {
	ctx, cancel := context.WithCancel(context.Background())
	b := &box{w: w, n: n, cancel: cancel, done: make(chan struct{})}
	duration := time.Duration(0)
	if w.differ && n == 1 {
		duration = time.Second + w.upTo(4*time.Second)
	}
	b.lease = &dynamodb.Lease{
		Table: &dynamodb.Table{Client: b, Name: "observations"}, Media: "cup-final", Owner: fmt.Sprint("box ", n), Duration: duration,
		OnChange: func(held bool) {
			if held {
				w.check(b)
			}
		},
	}
	w.mu.Lock()
	w.boxes[n] = b
	w.mu.Unlock()
	go func() {
		defer close(b.done)
		if err := b.lease.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	}()
}

// check looks at who holds the lease; by is who has just been told that it does.
func (w *world) check(by *box) (held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, well, holders := time.Now(), 0, 0
	for _, b := range w.boxes {
		if b == nil || b.dead {
			continue
		}
		if b.lease.Held() {
			holders++
		}
		if !b.cut && now.After(b.frozen) {
			well++
		}
	}
	if holders > 1 {
		w.t.Errorf("both boxes hold the lease %v", now)
	}
	if by == nil && holders == 0 && well > 0 && !w.away && !w.wild && now.Sub(w.lastFault) > followed {
		w.t.Errorf("nobody holds the lease %v after the last fault", now.Sub(w.lastFault))
	}
	return holders > 0
}

// fault begins one, and has it end after a while.
func (w *world) fault() {
	b := w.boxes[w.intn(2)]
	lasts := 100*time.Millisecond + w.upTo(8*time.Second)
	change := func(f func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
		w.lastFault = time.Now()
	}
	later := func(f func()) { time.AfterFunc(lasts, func() { change(f) }) }
	faults := 6
	if w.differ {
		faults--
	}
	switch w.intn(faults) {
	case 0: // a pause as by SIGSTOP
		change(func() { b.frozen = time.Now().Add(lasts) })
		later(func() {})
	case 1: // no way to the table
		change(func() { b.cut = true })
		later(func() { b.cut = false })
	case 2:
		change(func() { w.away, w.refuses = true, w.rng.IntN(2) == 0 })
		later(func() { w.away = false })
	case 3: // killed, and started again
		change(func() { b.dead = true })
		b.cancel()
		<-b.done
		w.start(b.n)
		change(func() {})
	case 4: // restarted in order
		b.cancel()
		<-b.done
		w.start(b.n)
		change(func() {})
	case 5: // the item is deleted by hand
		w.table.mu.Lock()
		clear(w.table.items)
		w.table.mu.Unlock()
		change(func() {})
	}
}

// send brings a request to the table and the answer back.
func (b *box) send(ctx context.Context, ask func() (any, error)) (any, error) {
	type reply struct {
		out any
		err error
	}
	b.thaw()
	answer := make(chan reply, 1)
	slow := 20 * time.Millisecond
	if b.w.wild && b.w.intn(4) == 0 {
		slow = 4 * time.Second
	}
	there, back := b.w.upTo(slow), b.w.upTo(slow)
	lost := b.w.wild && b.w.intn(6) == 0
	b.w.traffic.Go(func() {
		time.Sleep(there)
		b.w.mu.Lock()
		away, refused := b.w.away || b.cut || b.dead, b.w.away && b.w.refuses
		b.w.mu.Unlock()
		if away {
			if refused {
				answer <- reply{nil, errors.New("connection refused")}
			}
			return
		}
		out, err := ask()
		time.Sleep(back)
		b.w.mu.Lock()
		away = b.w.away || b.cut || b.dead
		b.w.mu.Unlock()
		if !lost && !away {
			answer <- reply{out, err}
		}
	})
	select {
	case <-ctx.Done():
		b.thaw()
		return nil, ctx.Err()
	case r := <-answer:
		b.thaw()
		return r.out, r.err
	}
}

// thaw waits until the box is no longer frozen.
func (b *box) thaw() {
	b.w.mu.Lock()
	left := time.Until(b.frozen)
	b.w.mu.Unlock()
	time.Sleep(left)
}

func (b *box) PutItem(ctx context.Context, in *sdk.PutItemInput, _ ...func(*sdk.Options)) (*sdk.PutItemOutput, error) {
	out, err := b.send(ctx, func() (any, error) { return b.w.table.PutItem(ctx, in) })
	if err != nil {
		return nil, err
	}
	return out.(*sdk.PutItemOutput), nil
}

func (b *box) GetItem(ctx context.Context, in *sdk.GetItemInput, _ ...func(*sdk.Options)) (*sdk.GetItemOutput, error) {
	out, err := b.send(ctx, func() (any, error) { return b.w.table.GetItem(ctx, in) })
	if err != nil {
		return nil, err
	}
	return out.(*sdk.GetItemOutput), nil
}

func (b *box) Query(context.Context, *sdk.QueryInput, ...func(*sdk.Options)) (*sdk.QueryOutput, error) {
	return nil, errors.New("a lease queries nothing")
}

func (b *box) DescribeTable(context.Context, *sdk.DescribeTableInput, ...func(*sdk.Options)) (*sdk.DescribeTableOutput, error) {
	return nil, errors.New("a lease describes nothing")
}
