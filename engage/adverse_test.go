package engage_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"spotter/engage"
	"spotter/engage/policy"
)

// meanwhile is a policy that does something while it weighs for the first time.
type meanwhile struct {
	policy.Policy
	once sync.Once
	do   func()
}

func (m *meanwhile) Weigh(c *policy.Case, p []float64) error {
	m.once.Do(m.do)
	return m.Policy.Weigh(c, p)
}

// TestErasedViewerLeavesNoDecisionUnderWay: a decision that had read the profile before the erasure was kept after it, profile
// and all.
func TestErasedViewerLeavesNoDecisionUnderWay(t *testing.T) {
	l := openLedger(t, t.TempDir())
	p := &meanwhile{Policy: policy.Uniform()}
	e := newEngine(t, engage.Config{Ledger: l, Policy: p}, some("a"))
	p.do = func() {
		if err := e.EraseViewer("p1"); err != nil {
			t.Error(err)
		}
	}
	if err := e.PutProfile("p1", []byte(`{"city":"Bath"}`)); err != nil {
		t.Fatal(err)
	}
	if id := decided(e, ask("p1")); id != "none" {
		t.Errorf("%q was chosen for a viewer who was erased meanwhile", id)
	}
	flush(t, e)
	if perViewer, _ := count(t, l); len(perViewer) != 0 {
		t.Errorf("kept after the erasure: %v", perViewer)
	}
	if id := decided(e, ask("p1")); id != "a" {
		t.Errorf("%q was chosen afterwards", id)
	}
}

// TestInstrumentMadeAnewPaysNothingForTheOldOne: events of decisions from before the deletion were charged to the new one, until
// the next start.
func TestInstrumentMadeAnewPaysNothingForTheOldOne(t *testing.T) {
	const text = `{"type":"poll","payload":{},"budget":1,"cost":{"click":1}}`
	dir := t.TempDir()
	l := openLedger(t, dir)
	e := newEngine(t, engage.Config{Ledger: l})
	put := func() {
		if err := e.PutInstrument("a", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	put()
	old := must(t, e, ask("p1"))
	if err := e.DeleteInstrument("a"); err != nil {
		t.Fatal(err)
	}
	put()
	if err := e.Event(old.ID, engage.EventInput{Type: "click"}, noon); err != nil {
		t.Fatal(err)
	}
	if one := e.Stats().Instruments[0]; one.Spent != 0 || one.Reward != 0 || len(one.Events) != 0 {
		t.Errorf("the new one has spent %v, earned %v, %v", one.Spent, one.Reward, one.Events)
	}
	if id := decided(e, ask("p2")); id != "a" {
		t.Errorf("%q was chosen, want a: its budget is whole", id)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLearningGoesOnAfterTheClockWentBack: one decision from the future held up what came of all others.
func TestLearningGoesOnAfterTheClockWentBack(t *testing.T) {
	e := newEngine(t, engage.Config{Learner: policy.NewLinUCB(policy.Options{})}, choices()...)
	must(t, e, ask("p0", at(noon.AddDate(1, 0, 0))))
	flush(t, e)
	for i := range 50 {
		for j := range 100 {
			must(t, e, ask(fmt.Sprint("p", i, j), at(noon.Add(time.Duration(i)*time.Second))))
		}
		flush(t, e)
	}
	if n := e.Open(); n > 3200 {
		t.Errorf("%d of 5000 choices are waiting for what their viewers do, in 50 seconds at 100 a second", n)
	}
}

// TestNothingNewIsNotWrittenAgain: a box that nobody watches wrote the learner's state every 30 seconds.
func TestNothingNewIsNotWrittenAgain(t *testing.T) {
	l := openLedger(t, t.TempDir())
	e := newEngine(t, engage.Config{Ledger: l, Learner: policy.NewLinUCB(policy.Options{})}, choices()...)
	must(t, e, ask("p1"))
	flush(t, e)
	if err := l.PutState([]byte("mark"), 1); err != nil {
		t.Fatal(err)
	}
	flush(t, e)
	if state, _, err := l.State(); string(state) != "mark" || err != nil {
		t.Errorf("%d bytes of state were written again, %v", len(state), err)
	}
	must(t, e, ask("p1"))
	flush(t, e)
	if state, upto, err := l.State(); string(state) == "mark" || upto != 2 || err != nil {
		t.Errorf("state up to record %d, %v", upto, err)
	}
}

// TestManyFaultsDoNotFloodTheLog: faults that took turns were each said at every look-up.
func TestManyFaultsDoNotFloodTheLog(t *testing.T) {
	log := new(logged)
	e := newEngine(t, engage.Config{Policy: &failing{}, Log: log.logger()}, some("a"))
	for range 200 {
		must(t, e, ask(""))
	}
	if n := strings.Count(log.String(), "the policy failed"); n < 1 || n > 8 {
		t.Errorf("%d lines for 200 faults", n)
	}
}

// failing is a policy that always fails, each time in another way.
type failing struct {
	policy.Policy
	n int
}

func (f *failing) Version() string { return "failing" }

func (f *failing) Weigh(*policy.Case, []float64) error {
	f.n++
	return fmt.Errorf("fault %d", f.n)
}
