package vision_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/vision"
)

// TestDeadCloud proves that a cloud that never answers costs its deadline three times, not on every picture, that it is
// tried again with one picture, and that it is back at once when that one succeeds.
func TestDeadCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := after(time.Hour, "cloud", nil)
		a := newAsked(t, vision.CloudFirst, cloud, after(soon, "local", nil))
		began := time.Now()
		for i := range 100 {
			r := a.expect(t, "local")
			if pending := i < 3; r.Pending != pending || (r.Missed == 0) != pending {
				t.Fatalf("picture %d: %+v", i, r)
			}
		}
		if took := time.Since(began); took != 3*deadline+100*soon || cloud.calls.Load() != 3 || len(a.faults) != 3 {
			t.Errorf("100 pictures took %v, %d calls, faults %v", took, cloud.calls.Load(), a.faults)
		}
		time.Sleep(11 * time.Second)
		a.expect(t, "local")
		a.expect(t, "local")
		if cloud.calls.Load() != 4 {
			t.Errorf("%d calls after the pause, want one more: 4", cloud.calls.Load())
		}
		cloud.become(after(0, "cloud", nil))
		a.expect(t, "local")
		time.Sleep(11 * time.Second)
		a.expect(t, "cloud")
		a.expect(t, "cloud")
		synctest.Wait()
		if len(a.late) != 4 {
			t.Errorf("late was said %d times, want 4", len(a.late))
		}
	})
}

// TestLateSuccessIsStillLate proves that answers that come after the deadline leave the circuit open.
func TestLateSuccessIsStillLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := after(3*time.Second, "cloud", nil)
		a := newAsked(t, vision.CloudFirst, cloud, after(0, "local", nil))
		for range 60 {
			a.expect(t, "local")
			time.Sleep(time.Second)
		}
		// Three of 3 s, then one each time that 10 s and the wait for the next picture are over.
		if n := cloud.calls.Load(); n < 6 || n > 8 {
			t.Errorf("%d calls in a minute", n)
		}
		synctest.Wait()
		for _, l := range a.late {
			if l.Answer.Source != "cloud" || l.Missed != 0 {
				t.Errorf("late answer %+v", l)
			}
		}
	})
}

func TestPermanentFaultPausesLonger(t *testing.T) {
	for name, d := range map[string]time.Duration{"at once": 0, "after the deadline": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := after(d, "", errRights)
				a := newAsked(t, vision.CloudOnly, cloud, nil)
				a.ask(t.Context(), 0)
				time.Sleep(d)
				for range 110 {
					if r, err := a.ask(t.Context(), 0); !errors.Is(err, vision.ErrPermanent) || !errors.Is(err, vision.ErrAway) || r.Missed != vision.WantAll {
						t.Fatalf("%+v, error %v while the rights are missing", r, err)
					}
					time.Sleep(time.Second)
				}
				if cloud.calls.Load() != 1 {
					t.Errorf("%d calls in 110 s, want 1", cloud.calls.Load())
				}
				cloud.become(after(0, "cloud", nil))
				time.Sleep(11 * time.Second)
				a.expect(t, "cloud")
			})
		})
	}
}

// TestPartsFailApart proves that rights missing for one part, or its outage, leave the other alone.
func TestPartsFailApart(t *testing.T) {
	for name, err := range map[string]error{"denied": errRights, "down": errLost} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var objects atomic.Int64
				failing := lacks(0, vision.WantObjects, err)
				cloud := &oracle{say: func(ctx context.Context, want vision.Want) (vision.Answer, error) {
					if want.Has(vision.WantObjects) {
						objects.Add(1)
					}
					return failing.say(ctx, want)
				}}
				a := newAsked(t, vision.CloudFirst, cloud, after(0, "local", nil))
				for range 20 {
					r := a.expect(t, "local")
					want := vision.Reply{Answer: mixedAnswer(vision.WantCelebrities), Missed: vision.WantObjects}
					if d := cmp.Diff(want, r); d != "" {
						t.Fatalf("(-want +got):\n%s", d)
					}
				}
				if n := objects.Load(); n > 3 || cloud.calls.Load() != 20 || int64(len(a.faults)) != n {
					t.Errorf("objects asked %d times of %d, faults %v", n, cloud.calls.Load(), a.faults)
				}
				_, err := a.Again(t.Context(), vision.Picture{})
				var partial *vision.PartialError
				if !errors.As(err, &partial) || !errors.Is(err, vision.ErrAway) || partial.Missing != vision.WantObjects ||
					!cmp.Equal(partial.Answer, part(whole("cloud"), vision.WantCelebrities)) {
					t.Errorf("again: %v", err)
				}
				if r, err := a.ask(t.Context(), vision.WantObjects); err != nil || r.Missed != vision.WantObjects {
					t.Errorf("only objects: %+v, %v", r, err)
				}
			})
		})
	}
}

// TestHarmlessRefusals proves that a spent budget, an unfit picture and callers who leave do not stop the cloud.
func TestHarmlessRefusals(t *testing.T) {
	for name, err := range map[string]error{"throttled": errPace, "unfit picture": errUnfit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := after(0, "", err)
				a := newAsked(t, vision.CloudFirst, cloud, after(0, "local", nil))
				for range 20 {
					a.expect(t, "local")
				}
				cloud.become(after(0, "cloud", nil))
				a.expect(t, "cloud")
			})
		})
	}
	t.Run("caller leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			local, cloud := after(0, "local", nil), after(time.Hour, "cloud", nil)
			a := newAsked(t, vision.CloudFirst, cloud, local)
			for i := range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
				if r, err := a.ask(ctx, 0); !errors.Is(err, context.DeadlineExceeded) || !cmp.Equal(r, vision.Reply{}) {
					t.Fatalf("%+v, error %v", r, err)
				}
				if _, err := a.Again(ctx, vision.Picture{}); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("error %v", err)
				}
				cancel()
			}
			cloud.become(after(0, "cloud", nil))
			a.expect(t, "cloud")
			if local.calls.Load() != 0 || len(a.faults) != 0 || len(a.late) != 0 {
				t.Errorf("%d local calls, faults %v, late %v for callers who left", local.calls.Load(), a.faults, a.late)
			}
		})
	})
}

// TestCallerLeavesLater ends the caller's context at every stage after the deadline.
func TestCallerLeavesLater(t *testing.T) {
	t.Run("while local recognition runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, vision.CloudFirst, after(5*time.Second, "cloud", nil), after(soon, "local", nil))
			ctx, cancel := context.WithTimeout(t.Context(), deadline+soon/2)
			defer cancel()
			r, err := a.ask(ctx, 0)
			if !errors.Is(err, context.DeadlineExceeded) || !cmp.Equal(r, vision.Reply{}) {
				t.Errorf("%+v, error %v", r, err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(a.late) != 0 {
				t.Errorf("late %v though nothing is pending", a.late)
			}
		})
	})
	t.Run("while the answer is late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, vision.CloudFirst, after(5*time.Second, "cloud", nil), after(soon, "local", nil))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			if r, err := a.ask(ctx, 0); err != nil || !r.Pending {
				t.Fatalf("%+v, %v", r, err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if want := []lateSaid{{vision.Answer{}, vision.WantAll}}; !cmp.Equal(want, a.late) || a.done.Sub(began) != 3*time.Second {
				t.Errorf("late %v after %v", a.late, a.done.Sub(began))
			}
			if len(a.faults) != 1 {
				t.Errorf("faults %v, want the lateness alone", a.faults)
			}
		})
	})
}

func TestClose(t *testing.T) {
	t.Run("while the answer is late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, vision.CloudFirst, after(5*time.Second, "cloud", nil), after(soon, "local", nil))
			if r, err := a.ask(t.Context(), 0); err != nil || !r.Pending {
				t.Fatalf("%+v, %v", r, err)
			}
			a.Close()
			if want := []lateSaid{{vision.Answer{}, vision.WantAll}}; !cmp.Equal(want, a.late) || len(a.faults) != 1 {
				t.Errorf("late %v, faults %v", a.late, a.faults)
			}
			if r, err := a.ask(t.Context(), 0); err == nil || !cmp.Equal(r, vision.Reply{}) {
				t.Errorf("closed, yet %+v, %v", r, err)
			}
			if _, err := a.Again(t.Context(), vision.Picture{}); err == nil {
				t.Error("closed, yet asked again")
			}
			a.Close()
		})
	})
	t.Run("while callers wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, vision.CloudFirst, after(time.Second, "cloud", nil), after(soon, "local", nil))
			var callers sync.WaitGroup
			callers.Go(func() {
				if r, err := a.ask(t.Context(), 0); err == nil || errors.Is(err, vision.ErrPermanent) || r.Pending {
					t.Errorf("%+v, %v", r, err)
				}
			})
			callers.Go(func() {
				if _, err := a.Again(t.Context(), vision.Picture{}); err == nil {
					t.Error("no error")
				}
			})
			synctest.Wait()
			began := time.Now()
			a.Close()
			callers.Wait()
			if took := time.Since(began); took != 0 || len(a.faults) != 0 {
				t.Errorf("took %v, faults %v", took, a.faults)
			}
		})
	})
}

func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if _, err := newAsked(t, vision.LocalOnly, nil, after(0, "local", nil)).Again(t.Context(), vision.Picture{}); !errors.Is(err, vision.ErrMode) {
			t.Errorf("local-only: %v", err)
		}
		cloud := after(5*time.Second, "cloud", nil)
		a := newAsked(t, vision.CloudFirst, cloud, after(0, "local", nil))
		again := func() error {
			answer, err := a.Again(t.Context(), vision.Picture{Want: vision.WantObjects})
			if want := part(whole("cloud"), vision.WantObjects); err == nil && !cmp.Equal(want, answer) {
				t.Errorf("got %+v", answer)
			}
			return err
		}
		for range 2 * 3 { // slow is no fault here
			if err := again(); err != nil {
				t.Fatal(err)
			}
		}
		cloud.become(after(time.Hour, "cloud", nil))
		for range 3 {
			if err := again(); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, vision.ErrAway) {
				t.Fatal(err)
			}
		}
		if err := again(); !errors.Is(err, vision.ErrAway) {
			t.Errorf("after three failures: %v", err)
		}
		cloud.become(after(5*time.Second, "cloud", nil))
		time.Sleep(11 * time.Second)
		if err := again(); err != nil {
			t.Error(err)
		}
		// That was too slow to say that live pictures will be in time: the next one alone is on trial.
		before := cloud.calls.Load()
		for range 2 {
			if _, err := a.ask(t.Context(), vision.WantObjects); err != nil {
				t.Error(err)
			}
		}
		if n := cloud.calls.Load() - before; n != 1 {
			t.Errorf("%d calls for two pictures on trial, want 1", n)
		}
	})
}

// TestManyAtOnce has callers, late answers and Close meet, for the race detector.
func TestManyAtOnce(t *testing.T) {
	cloud := &oracle{}
	cloud.say = func(ctx context.Context, want vision.Want) (vision.Answer, error) {
		n := cloud.calls.Load()
		if err := wait(ctx, time.Duration(n%7)*200*time.Microsecond); err != nil {
			return vision.Answer{}, err
		}
		if n%11 == 0 {
			return vision.Answer{}, errLost
		}
		return whole("cloud"), nil
	}
	a, err := vision.NewAsker(vision.CloudFirst, cloud, after(0, "local", nil), vision.AskOptions{Deadline: 500 * time.Microsecond, Patience: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var pending, said atomic.Int64
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			for range 50 {
				r, err := a.Ask(t.Context(), vision.Picture{}, func(vision.Answer, vision.Want) { said.Add(1) })
				if err == nil && r.Answer.Source == "" {
					t.Error("neither answer nor error")
				}
				if r.Pending {
					pending.Add(1)
				}
				if i == 0 {
					a.Again(t.Context(), vision.Picture{Want: vision.WantObjects})
				}
			}
			if i == 15 {
				a.Close()
			}
		})
	}
	callers.Wait()
	a.Close()
	if pending.Load() != said.Load() {
		t.Errorf("%d pending, %d said", pending.Load(), said.Load())
	}
}
