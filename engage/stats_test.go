package engage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/policy"
)

// TestPoliciesAreCounted has two policies choose, one after the other, and events come late to the decision of the first.
func TestPoliciesAreCounted(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	e := newEngine(t, engage.Config{Ledger: l, Policy: policy.Uniform()}, some("a"), some("b"))
	first := must(t, e, ask("p1"))
	second := must(t, e, ask("p2"))
	happen := func(d engage.Decision, kind string) {
		t.Helper()
		if err := e.Event(d.ID, engage.EventInput{Type: kind}, noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	happen(first, "view")
	happen(first, "click")
	if err := e.Event(first.ID, engage.EventInput{Type: "click"}, noon); !errors.Is(err, engage.ErrDuplicate) {
		t.Errorf("a second click gives %v", err)
	}
	want := []engage.PolicyStats{{Policy: "uniform", Decisions: 2, Events: map[string]int{"view": 1, "click": 1}, Reward: 1}}
	if d := cmp.Diff(want, e.Stats().Policies); d != "" {
		t.Error(d)
	}
	flush(t, e)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l = openLedger(t, dir)
	e = newEngine(t, engage.Config{Ledger: l}, some("a"), some("b"))
	third := must(t, e, ask("p3"))
	happen(third, "dismiss")
	happen(second, "answer") // made before the restart, so the ledger has to tell by which policy
	want = []engage.PolicyStats{
		{Policy: "priority", Decisions: 1, Events: map[string]int{"dismiss": 1}},
		{Policy: "uniform", Decisions: 2, Events: map[string]int{"view": 1, "click": 1, "answer": 1}, Reward: 2},
	}
	if d := cmp.Diff(want, e.Stats().Policies); d != "" {
		t.Error(d)
	}
	if err := l.Close(); err != nil { // what was not flushed comes from the log
		t.Fatal(err)
	}
	if d := cmp.Diff(want, newEngine(t, engage.Config{Ledger: openLedger(t, dir)}).Stats().Policies); d != "" {
		t.Error(d)
	}
}
