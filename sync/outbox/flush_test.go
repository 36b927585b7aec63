package outbox_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

// flush gives Flush 10 s and returns how long it took.
func (b *box) flush(t *testing.T) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	if err := b.Flush(ctx); err != nil {
		t.Error(err)
	}
	return time.Since(begin)
}

func TestFlush(t *testing.T) {
	for name, tc := range map[string]struct {
		fail  func(puts int, o *timeline.Observation) error
		waits int
		took  [2]time.Duration // the least and the most
		puts  [2]int
	}{
		"well": {
			func(int, *timeline.Observation) error { return nil },
			0,
			[2]time.Duration{0, time.Second},
			[2]int{500, 500},
		},
		"away": {
			func(int, *timeline.Observation) error { return errAway },
			500,
			[2]time.Duration{10 * time.Second, 10*time.Second + time.Millisecond},
			[2]int{500, 10_000},
		},
		"denied": {
			func(int, *timeline.Observation) error { return errDenied },
			500,
			[2]time.Duration{0, 2 * time.Second},
			[2]int{500, 564},
		},
		"some refused": {
			func(_ int, o *timeline.Observation) error {
				if o.From < 300 && o.From%3 == 0 {
					return errRefused
				}
				return nil
			},
			100,
			[2]time.Duration{0, 2 * time.Second},
			[2]int{500, 564},
		},
		"half fail, every other time": {
			func(puts int, _ *timeline.Observation) error {
				if puts%2 == 0 {
					return errAway
				}
				return nil
			},
			0,
			[2]time.Duration{0, 9 * time.Second},
			[2]int{600, 1500},
		},
		"throttles now and then": {
			func(puts int, _ *timeline.Observation) error {
				if puts%100 == 99 {
					return errThrottled
				}
				return nil
			},
			0,
			[2]time.Duration{0, 9 * time.Second},
			[2]int{505, 520},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud()
				c.latency = 10 * time.Millisecond
				puts := 0
				c.failsFor(func(o *timeline.Observation) error { puts++; return tc.fail(puts, o) })
				b := newBox(t, c, observations(0, 450)...)
				<-time.After(time.Minute)
				record(t, b.s, observations(1000, 50)...)
				took := b.flush(t)
				b.waits(t, tc.waits)
				if took < tc.took[0] || took > tc.took[1] {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				if puts < tc.puts[0] || puts > tc.puts[1] {
					t.Errorf("%d puts, want %v", puts, tc.puts)
				}
				if c.sent[0] < 1000 {
					t.Errorf("began with %v, want a live one", c.sent[0])
				}
			})
		})
	}
}

// TestFlushAfterRun tries what Run has set aside, and what it was pausing for.
func TestFlushAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.fails(errRefused)
		b := newBox(t, c, observations(0, 100)...)
		stop := b.start(t)
		synctest.Wait()
		c.fails(errDenied)
		record(t, b.s, observations(500, 10)...)
		<-time.After(time.Hour / 2)
		stop()
		b.waits(t, 110)
		c.fails(nil)
		b.flush(t)
		b.check(t, c)
		if s := b.State(); s != (outbox.State{}) {
			t.Errorf("state %+v", s)
		}
	})
}

// TestFaultsAreToldOnce has each kind of fault come, stay, go and come back.
func TestFaultsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		b := newBox(t, c)
		stop := b.start(t)
		defer stop()
		next := timeline.Position(0)
		live := func(n int) {
			for range n {
				record(t, b.s, observe(next))
				next++
				<-time.After(5 * time.Second)
			}
			synctest.Wait()
		}
		for _, err := range []error{errAway, errThrottled, errRefused, errDenied} {
			kind := awsfault.KindOf(err)
			for range 3 { // the same fault, that goes for a moment
				c.fails(err)
				live(20)
				if state := b.State(); (state.Fault == nil) != (kind == awsfault.Refused) || state.Fault != nil && state.Kind != kind {
					t.Errorf("%v: state %+v", kind, state)
				}
				c.fails(nil)
				live(3)
			}
			c.fails(nil)
			<-time.After(10 * time.Minute)
			live(200)
			if state := b.State(); state.Fault != nil {
				t.Errorf("%v is over: state %+v", kind, state)
			}
			b.waitsLess(t, 70)
			if n := len(b.faults); n == 0 || n > 3 || b.faults[0] != kind {
				t.Errorf("%v: faults %v", kind, b.faults)
			}
			b.faults = nil
		}
	})
}

// waitsLess fails the test unless fewer than n entries are in the outbox.
func (b *box) waitsLess(t *testing.T, n int) {
	t.Helper()
	if got := b.s.Backlog("cloud").Entries; got >= n {
		t.Errorf("%d entries wait, want less than %d", got, n)
	}
}

// TestDrainKinds empties outboxes of segments and of frames, some refused.
func TestDrainKinds(t *testing.T) {
	for name, kind := range map[string]store.Kind{"segments": store.Segments, "frames": store.Frames} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := store.Open(filepath.Join(folder(t), "spotter.db"), store.Options{Sinks: []store.Sink{{Name: "x", Kind: kind}}})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				got := make(chan timeline.Position, 100)
				d := &outbox.Drainer{Sink: "x", Store: s, Workers: 4, Put: func(_ context.Context, e store.Entry) error {
					at := timeline.Position(-1)
					switch {
					case kind == store.Segments && e.Segment != nil:
						at = e.Segment.From
					case kind == store.Frames && e.Frame != nil:
						at = e.Frame.At
					}
					if at%10 == 9 {
						return errRefused
					}
					got <- at
					return nil
				}}
				stop := (&box{Drainer: d}).start(t)
				defer stop()
				for i := range 20 {
					at := timeline.Position(i)
					err := s.Record(store.Batch{
						Media: "m", Segments: []store.Segment{{Media: "m", URL: "https://origin.example/x.ts", From: at}},
						Frames: []store.Frame{{Media: "m", At: at, JPEG: []byte("JFIF")}},
					})
					if err != nil {
						t.Fatal(err)
					}
					<-time.After(time.Second)
				}
				if n := s.Backlog("x").Entries; n != 2 || d.State().Refused != 2 || len(got) != 18 {
					t.Errorf("%d wait, %+v, %d were taken", n, d.State(), len(got))
				}
				for at := range timeline.Position(20) {
					if at%10 == 9 {
						continue
					}
					if p := <-got; p != at {
						t.Errorf("took %v, want %v", p, at)
					}
				}
			})
		})
	}
}
