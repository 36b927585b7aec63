package engage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

func choices() []instrument.Instrument {
	return []instrument.Instrument{some("chess-quiz"), some("football-poll"), some("upsell")}
}

// favourite returns a viewer of one of two tastes, and what that one clicks.
func favourite(i int) (viewer string, attributes map[string]any, id string) {
	if i%2 == 0 {
		return fmt.Sprintf("c%d", i), map[string]any{"likes": "chess"}, "chess-quiz"
	}
	return fmt.Sprintf("f%d", i), map[string]any{"likes": "football"}, "football-poll"
}

// watch lets n viewers decide, who click what they like, and returns the share that got it.
func watch(t *testing.T, e *engage.Engine, n int) float64 {
	t.Helper()
	hits := 0
	for i := range n {
		viewer, attributes, id := favourite(i)
		d := must(t, e, ask(viewer, func(q *engage.Question) { q.Attributes = attributes }))
		if d.Instrument.ID == id {
			hits++
			if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon); err != nil {
				t.Fatal(err)
			}
		}
		if i%20 == 0 {
			flush(t, e)
		}
	}
	flush(t, e)
	return float64(hits) / float64(n)
}

func TestClicksMoveTheChoice(t *testing.T) {
	for name, learner := range map[string]func(policy.Options) policy.Learner{"LinUCB": policy.NewLinUCB, "Thompson": policy.NewThompson} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, engage.Config{Learner: learner(policy.Options{}), Seed: 3}, choices()...)
			before := e.Stats().Policy
			watch(t, e, 500)
			if share := watch(t, e, 200); share < 0.8 {
				t.Errorf("viewers get what they click in %v of the decisions, want 0.8", share)
			}
			if e.Stats().Policy == before {
				t.Errorf("the policy is still %s", before)
			}
		})
	}
}

func TestWhatWasLearnedOutlivesTheProcess(t *testing.T) {
	for _, c := range []struct {
		name  string
		state bool // written before the end
		other bool // another learner comes
	}{{"with its state", true, false}, {"from the ledger alone", false, false}, {"another learner learns anew", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l := openLedger(t, dir)
			e := newEngine(t, engage.Config{Ledger: l, Learner: policy.NewLinUCB(policy.Options{})}, choices()...)
			watch(t, e, 300)
			if !c.state {
				if err := l.PutState(nil, 0); err != nil {
					t.Fatal(err)
				}
			}
			before := e.Stats()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			learner := policy.NewLinUCB(policy.Options{})
			if c.other {
				learner = policy.NewThompson(policy.Options{})
			}
			e = newEngine(t, engage.Config{Ledger: openLedger(t, dir), Learner: learner}, choices()...)
			flush(t, e)
			after := e.Stats()
			if !c.other && after.Policy != before.Policy {
				t.Errorf("the policy is %s, was %s", after.Policy, before.Policy)
			}
			if d := cmp.Diff(before.Instruments, after.Instruments); d != "" {
				t.Error(d)
			}
			if share := watch(t, e, 200); share < 0.8 {
				t.Errorf("viewers get what they click in %v of the decisions, want 0.8", share)
			}
		})
	}
}

// TestOneSeedGivesTheSameChoices also shows that features and their order are the same in each run.
func TestOneSeedGivesTheSameChoices(t *testing.T) {
	once := func() (out []string) {
		l := openLedger(t, t.TempDir())
		e := newEngine(t, engage.Config{Ledger: l, Learner: policy.NewThompson(policy.Options{}), Explore: 0.1, Seed: 11}, choices()...)
		watch(t, e, 150)
		if err := l.Replay(0, func(r *ledger.Record) error {
			if d := r.Decision; d != nil {
				out = append(out, fmt.Sprint(d.Choice, d.Propensity, d.Policy, *d.Case))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if d := cmp.Diff(once(), once()); d != "" {
		t.Error(d)
	}
}

func TestRunFlushesAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLedger(t, t.TempDir())
		e := newEngine(t, engage.Config{Ledger: l, Learner: policy.NewLinUCB(policy.Options{})}, choices()...)
		stop := run(t, e)
		must(t, e, ask("p1"))
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		if _, all := count(t, l); len(all) != 1 {
			t.Errorf("the ledger's database has decisions for %v after 300 ms", all)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if state, upto, err := l.State(); len(state) == 0 || upto != 1 || err != nil {
			t.Errorf("%d bytes of state up to record %d, %v", len(state), upto, err)
		}
		must(t, e, ask("p2"))
		stop()
		if _, upto, err := l.State(); upto != 2 || err != nil {
			t.Errorf("state up to record %d at the end, %v", upto, err)
		}
	})
}

func TestFeatures(t *testing.T) {
	l := openLedger(t, t.TempDir())
	e := newEngine(t, engage.Config{Ledger: l}, some("a", aimedAt("PERSON", "dog"), prioritised(1)))
	if err := e.PutProfile("p1", []byte(`{"age":40,"Likes":["Chess","chess","Go"],"member":true,"debt":-3}`)); err != nil {
		t.Fatal(err)
	}
	must(t, e, ask("p1", seeing("Person", "Couch")))
	must(t, e, ask("", func(q *engage.Question) {
		q.Look, q.Position, q.Now = look("Dog"), -1, noon.Add(13*time.Hour)
	}))
	must(t, e, ask("p1", func(q *engage.Question) { q.Look, q.Position = look("Dog"), 3_600_000 }))
	flush(t, e)
	var got []string
	if err := l.Replay(0, func(r *ledger.Record) error {
		var b strings.Builder
		for _, f := range append(r.Decision.Case.Context, r.Decision.Case.Arms[0].Features...) {
			fmt.Fprintf(&b, "%s:%.2g ", f.Name, f.Value)
		}
		got = append(got, strings.TrimSpace(b.String()))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	profile := "age:0.37 age~15:1 debt:-0.14 debt~-6:1 likes=chess:1 likes=go:1 member=true:1 "
	want := []string{
		profile + "viewer=known:1 media=cup-final:1 hour=12:1 day=monday:1 position=0:1 sees=couch:1 sees=person:1 type=trivia:1 priority:0.069 target=person:1",
		"viewer=anonymous:1 media=cup-final:1 hour=1:1 day=tuesday:1 position=-1:1 sees=dog:1 type=trivia:1 priority:0.069 target=dog:1",
		profile + "viewer=known:1 media=cup-final:1 hour=12:1 day=monday:1 position=6:1 sees=dog:1 type=trivia:1 priority:0.069 target=dog:1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
