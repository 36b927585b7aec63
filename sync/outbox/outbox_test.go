package outbox_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

func TestDrainBacklogThenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		b := newBox(t, c, observations(0, 450)...)
		stop := b.start(t)
		defer stop()
		synctest.Wait()
		b.check(t, c)
		record(t, b.s, observe(1000))
		revise(t, b.s, 3)
		synctest.Wait()
		b.check(t, c)
		if n := c.puts(); n != 452 {
			t.Errorf("%d puts, want 452", n)
		}
		if got := b.State(); got != (outbox.State{}) {
			t.Errorf("state %+v, want none", got)
		}
	})
}

func TestDrainIsParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.latency = 20 * time.Millisecond
		b := newBox(t, c, observations(0, 400)...)
		begin := time.Now()
		stop := b.start(t)
		defer stop()
		<-time.After(1050 * time.Millisecond) // 400 of 20 ms, 8 at once
		b.check(t, c)
		if c.most != 8 {
			t.Errorf("%d puts at once, want 8", c.most)
		}
		if took := c.times[399].Sub(begin); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestDrainLiveBeforeBacklog has a slow sink, 72 hours behind.
func TestDrainLiveBeforeBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.latency = 100 * time.Millisecond
		b := newBox(t, c, observations(0, 2000)...)
		<-time.After(time.Minute)
		b.Workers = 1
		stop := b.start(t)
		for i := range 20 {
			<-time.After(3 * time.Second)
			record(t, b.s, observe(timeline.Position(10_000+i)))
			<-time.After(1300 * time.Millisecond)
			if !c.has(timeline.Position(10_000 + i)) {
				t.Errorf("live entry %d still waits", i)
			}
		}
		stop()
		for i, from := range slices.DeleteFunc(c.sent, func(p timeline.Position) bool { return p >= 10_000 }) {
			if from != timeline.Position(i) {
				t.Fatalf("backlog entry %d is that of %v: not the oldest first", i, from)
			}
		}
	})
}

func TestDrainOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.fails(errAway)
		b := newBox(t, c)
		stop := b.start(t)
		defer stop()
		begin := time.Now()
		const hours = 3
		for p := range timeline.Position(hours * 60) {
			record(t, b.s, observe(p))
			<-time.After(time.Minute)
		}
		synctest.Wait()
		b.waits(t, hours*60)
		if state := b.State(); !errors.Is(state.Fault, errAway) || state.Kind != awsfault.Away || !state.Since.Equal(begin) {
			t.Errorf("state %+v", state)
		}
		if n := c.puts(); n > hours*60*60/48+10 || n < hours*60*60/60 {
			t.Errorf("%d puts in %d hours without a cloud, want one probe each 48 s to 60 s", n, hours)
		}
		c.fails(nil)
		<-time.After(time.Minute)
		synctest.Wait()
		b.check(t, c)
		if state := b.State(); state.Fault != nil {
			t.Errorf("state %+v", state)
		}
		if !slices.Equal(b.faults, []awsfault.Kind{awsfault.Away}) {
			t.Errorf("faults %v, want one", b.faults)
		}
	})
}

func TestDrainPauses(t *testing.T) {
	for name, tc := range map[string]struct {
		err     error
		longest time.Duration
	}{
		"away":          {errAway, 48 * time.Second},
		"denied":        {errDenied, 4 * time.Minute},
		"unknown error": {errors.New("no idea"), 48 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud()
				c.fails(tc.err)
				b := newBox(t, c, observations(0, 100)...)
				b.Workers = 1
				stop := b.start(t)
				defer stop()
				<-time.After(time.Hour)
				synctest.Wait()
				want := time.Second
				for i := range len(c.times) - 1 {
					if got := c.times[i+1].Sub(c.times[i]); got < want || got > want*5/4 {
						t.Errorf("pause %d is %v, want %v and up to a quarter more", i, got, want)
					}
					want = min(2*want, tc.longest)
				}
				if c.sent[0] == c.sent[1] {
					t.Errorf("probed %v twice: the entry may be at fault", c.sent[:2])
				}
				if len(b.faults) != 1 || b.faults[0] != awsfault.KindOf(tc.err) {
					t.Errorf("faults %v, want one", b.faults)
				}
			})
		})
	}
}

func TestDrainProbesBeforeBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.latency = 10 * time.Millisecond
		c.fails(errAway)
		b := newBox(t, c, observations(0, 500)...)
		stop := b.start(t)
		defer stop()
		<-time.After(10 * time.Minute)
		c.slows(time.Second)
		<-time.After(61 * time.Second)
		synctest.Wait()
		if c.most != 1 {
			t.Errorf("%d at once while away, want one probe", c.most)
		}
		c.fails(nil)
		c.slows(0)
		<-time.After(2 * time.Minute)
		b.check(t, c)
	})
}

func TestDrainRefusedEntryHoldsNothingUp(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		puts int // of the refused entry in two hours and a half
	}{
		"refused":                   {errRefused, 3},
		"as if the sink were away":  {errAway, 200},
		"as if the sink had denied": {errDenied, 200},
	} {
		t.Run(name, func(t *testing.T) {
			for _, workers := range []int{1, 8} {
				synctest.Test(t, func(t *testing.T) { refuseOne(t, tc.err, tc.puts, workers) })
			}
		})
	}
}

// refuseOne has a cloud that will not take the oldest of many entries.
func refuseOne(t *testing.T, err error, most, workers int) {
	c := newCloud()
	c.failsFor(func(o *timeline.Observation) error {
		if o.From == 0 {
			return err
		}
		return nil
	})
	b := newBox(t, c, observations(0, 300)...)
	b.Workers = workers
	stop := b.start(t)
	defer stop()
	<-time.After(time.Minute)
	b.waits(t, 1)
	if n := b.State().Refused; n != 1 {
		t.Errorf("%d workers: %d are set aside, want 1", workers, n)
	}
	for p := range timeline.Position(90) {
		record(t, b.s, observe(1000+p))
		<-time.After(time.Second)
	}
	<-time.After(10 * time.Second)
	b.waits(t, 1)
	<-time.After(148 * time.Minute)
	if puts := c.putsOf(0); puts > most {
		t.Errorf("%d workers: put %d times, want %d at most", workers, puts, most)
	}
	c.fails(nil)
	<-time.After(61 * time.Minute)
	b.check(t, c)
	if n := b.State().Refused; n != 0 {
		t.Errorf("%d workers: %d are set aside, want none", workers, n)
	}
}

// TestDrainTriesRefusedAgain has the refused entry revised, and the drainer started anew.
func TestDrainTriesRefusedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.failsFor(func(o *timeline.Observation) error {
			if o.From < 250 && o.Revision == 1 {
				return errRefused
			}
			return nil
		})
		b := newBox(t, c, observations(0, 300)...)
		stop := b.start(t)
		synctest.Wait()
		b.waits(t, 250)
		revise(t, b.s, 7)
		synctest.Wait()
		b.waits(t, 249)
		if n := b.State().Refused; n != 249 {
			t.Errorf("%d are set aside, want 249", n)
		}
		stop()
		c.fails(nil)
		fresh := &outbox.Drainer{Sink: "cloud", Store: b.s, Put: c.put}
		stop = (&box{Drainer: fresh}).start(t)
		synctest.Wait()
		stop()
		b.check(t, c)
		if !slices.Equal(b.faults, []awsfault.Kind{awsfault.Refused}) {
			t.Errorf("faults %v, want one", b.faults)
		}
	})
}

func TestDrainStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		b := newBox(t, c, observations(0, 10)...)
		ready := make(chan bool, 1) // holds the present answer
		ready <- false
		b.Ready = func() bool { r := <-ready; ready <- r; return r }
		stop := b.start(t)
		<-time.After(time.Hour)
		record(t, b.s, observe(100))
		b.Wake() // in vain
		<-time.After(time.Hour)
		b.waits(t, 11)
		<-ready
		ready <- true
		b.Wake()
		synctest.Wait()
		b.check(t, c)
		<-ready
		ready <- false
		record(t, b.s, observe(101))
		<-time.After(time.Hour)
		stop()
		if err := b.Flush(context.Background()); err != nil || c.puts() != 11 {
			t.Errorf("%v; something was put while it stood by", err)
		}
	})
}

// broken is a store of which one method fails.
type broken struct {
	outbox.Store
	method string
}

func (b broken) Pending(sink string, after uint64, limit int) ([]store.Entry, error) {
	if b.method == "Pending" {
		return nil, store.ErrCorrupt
	}
	return b.Store.Pending(sink, after, limit)
}

func (b broken) PendingSince(sink string, since time.Time, limit int) ([]store.Entry, error) {
	if b.method == "PendingSince" {
		return nil, store.ErrCorrupt
	}
	return b.Store.PendingSince(sink, since, limit)
}

func (b broken) Done(sink string, seqs ...uint64) error {
	if b.method == "Done" {
		return store.ErrCorrupt
	}
	return b.Store.Done(sink, seqs...)
}

func TestDrainReportsStore(t *testing.T) {
	for _, method := range []string{"Pending", "PendingSince", "Done"} {
		t.Run(method, func(t *testing.T) {
			b := newBox(t, newCloud(), observe(1))
			b.Store = broken{b.s, method}
			if err := b.Run(context.Background()); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("run: %v, want the store's", err)
			}
			if err := b.Flush(context.Background()); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("flush: %v, want the store's", err)
			}
		})
	}
}

func TestDrainStopsWithinRound(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	defer s.Close()
	record(t, s, observations(1, 3)...)
	ctx, cancel := context.WithCancel(context.Background())
	var sent []timeline.Position
	d := &outbox.Drainer{Sink: "cloud", Store: s, Put: func(ctx context.Context, e store.Entry) error {
		sent = append(sent, e.Observation.From)
		if e.Observation.From == 2 {
			cancel()
			return ctx.Err()
		}
		return nil
	}, OnFault: func(err error) { t.Errorf("fault %v", err) }}
	err := d.Run(ctx)
	if n := s.Backlog("cloud").Entries; err != nil || n != 2 || !slices.Equal(sent, []timeline.Position{1, 2}) {
		t.Errorf("sent %v, %d wait, %v; want the first one sent and cleared", sent, n, err)
	}
}
