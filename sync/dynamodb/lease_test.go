package dynamodb_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"spotter/sync/dynamodb"
)

// contender is a box that runs for the lease of cup-final.
type contender struct {
	lease   *dynamodb.Lease
	changes chan bool
	cancel  context.CancelFunc
	done    chan error
}

func contend(t *testing.T, tab *dynamodb.Table, owner string) *contender {
	ctx, cancel := context.WithCancel(context.Background())
	c := &contender{changes: make(chan bool, 100), cancel: cancel, done: make(chan error, 1)}
	c.lease = &dynamodb.Lease{Table: tab, Media: "cup-final", Owner: owner, OnChange: func(held bool) { c.changes <- held }}
	go func() { c.done <- c.lease.Run(ctx) }()
	return c
}

// stop ends a contender in order.
func (c *contender) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	if err := <-c.done; err != nil || c.lease.Held() {
		t.Errorf("run: %v, held %v", err, c.lease.Held())
	}
}

// checkLease hands a lease from one box to the other, in real time where the table is a real one.
func checkLease(t *testing.T, tab *dynamodb.Table) {
	if _, inMemory := tab.Client.(*memory); inMemory {
		synctest.Test(t, func(t *testing.T) { handOver(t, tab) })
		return
	}
	handOver(t, tab)
}

func handOver(t *testing.T, tab *dynamodb.Table) {
	main := contend(t, tab, "main")
	defer main.cancel()
	if !<-main.changes || !main.lease.Held() {
		t.Fatal("the first box does not hold")
	}
	backup := contend(t, tab, "backup")
	defer backup.cancel()
	select {
	case <-backup.changes:
		t.Fatal("the second box holds too")
	case <-time.After(1200 * time.Millisecond):
	}
	main.stop(t)
	if <-main.changes {
		t.Error("the first box was told that it holds")
	}
	begin := time.Now()
	if !<-backup.changes || !backup.lease.Held() {
		t.Fatal("the second box did not follow")
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it followed after %v", took)
	}
	backup.stop(t)
}

// cable is a way to a table that can be cut.
type cable struct {
	*memory
	mu  sync.Mutex
	cut bool
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
}

// pass waits for ctx where the cable is cut.
func (c *cable) pass(ctx context.Context) error {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if !cut {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (c *cable) PutItem(ctx context.Context, in *sdk.PutItemInput, _ ...func(*sdk.Options)) (*sdk.PutItemOutput, error) {
	if err := c.pass(ctx); err != nil {
		return nil, err
	}
	return c.memory.PutItem(ctx, in)
}

func (c *cable) GetItem(ctx context.Context, in *sdk.GetItemInput, _ ...func(*sdk.Options)) (*sdk.GetItemOutput, error) {
	if err := c.pass(ctx); err != nil {
		return nil, err
	}
	return c.memory.GetItem(ctx, in)
}

// TestLeaseOfSilentHolder cuts the holder off: it ceases to hold by itself before the other one begins, and gets nothing back.
func TestLeaseOfSilentHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		way := &cable{memory: m}
		main := contend(t, &dynamodb.Table{Client: way, Name: "observations"}, "main")
		<-main.changes
		backup := contend(t, &dynamodb.Table{Client: m, Name: "observations"}, "backup")
		time.Sleep(10 * time.Second)
		way.set(true)
		begin := time.Now()
		if <-main.changes {
			t.Error("the holder was told that it holds")
		}
		lost := time.Since(begin)
		if !<-backup.changes {
			t.Error("the other was told that it does not hold")
		}
		took := time.Since(begin)
		t.Logf("lost after %v, followed after %v", lost, took)
		if lost > 2*time.Second || took > 3*time.Second || took <= lost {
			t.Errorf("lost after %v, followed after %v", lost, took)
		}
		way.set(false)
		time.Sleep(10 * time.Second)
		if main.lease.Held() || !backup.lease.Held() || len(main.changes)+len(backup.changes) > 0 {
			t.Error("it went back")
		}
		backup.stop(t)
		if !<-main.changes {
			t.Error("the first did not follow")
		}
		main.stop(t)
	})
}

// TestLeaseWhileTableIsAway: the holder loses the lease, nobody takes it, and somebody has it soon after.
func TestLeaseWhileTableIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := &cable{memory: newMemory()}
		tab := &dynamodb.Table{Client: way, Name: "observations"}
		main := contend(t, tab, "main")
		<-main.changes
		backup := contend(t, tab, "backup")
		time.Sleep(5 * time.Second)
		way.set(true)
		<-main.changes
		time.Sleep(time.Minute)
		if main.lease.Held() || backup.lease.Held() {
			t.Error("somebody holds a lease that nobody can have")
		}
		way.set(false)
		time.Sleep(time.Second)
		if main.lease.Held() == backup.lease.Held() {
			t.Errorf("main holds: %v, backup holds: %v", main.lease.Held(), backup.lease.Held())
		}
		main.stop(t)
		backup.stop(t)
	})
}

func TestLeaseDuration(t *testing.T) {
	for d, ok := range map[time.Duration]bool{time.Second: true, time.Minute: true, -1: false, 999 * time.Millisecond: false, time.Hour: false} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l := dynamodb.Lease{Table: &dynamodb.Table{Client: newMemory()}, Media: "m", Duration: d}
		if err := l.Run(ctx); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "it must be from 1s to 1m0s") {
			t.Errorf("%v: %v", d, err)
		}
	}
}
