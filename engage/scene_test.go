package engage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// described returns what the policy was told at each decision.
func described(t *testing.T, ask func(e *engage.Engine), list ...instrument.Instrument) []*policy.Case {
	t.Helper()
	l := openLedger(t, t.TempDir())
	e := newEngine(t, engage.Config{Ledger: l, Policy: policy.Uniform()}, list...)
	ask(e)
	flush(t, e)
	var cases []*policy.Case
	if err := l.Replay(0, func(r *ledger.Record) error {
		cases = append(cases, r.Decision.Case)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestDescriptionsThatComeAgain asks the same questions of one engine, in which scenes and arms come up again, and of an engine
// each, which remembers none.
func TestDescriptionsThatComeAgain(t *testing.T) {
	list := []instrument.Instrument{
		some("both", aimedAt("Person", "Couch")), some("couch", aimedAt("couch")), some("dog", aimedAt("DOG")), some("plain"),
		some("rare", perViewer(2)),
	}
	couch, person := seeing("Couch"), seeing("Person", "Couch")
	questions := []*engage.Question{
		ask("p1", couch), ask("p1", person), ask("p1", couch), ask("", couch), ask("p2", seeing("Couch")), ask("p1"),
		ask("p2", seeing("Couch", "Person")), ask("p2", person), ask("p2", seeing("Dog")), ask("p1", couch), ask("p3", couch),
	}
	all := described(t, func(e *engage.Engine) {
		for _, q := range questions {
			must(t, e, q)
		}
		e.UseFile(list[1:])
		must(t, e, questions[0])
	}, list...)
	for i, q := range questions {
		alone := described(t, func(e *engage.Engine) { must(t, e, q) }, list...)
		// The viewer may have had their share of one of the arms by then.
		if d := cmp.Diff(alone[0].Context, all[i].Context); d != "" {
			t.Errorf("context of question %d (-alone +among others):\n%s", i, d)
		}
		byID := make(map[string]policy.Arm)
		for _, a := range alone[0].Arms {
			byID[a.Instrument] = a
		}
		for _, a := range all[i].Arms {
			if d := cmp.Diff(byID[a.Instrument], a); d != "" {
				t.Errorf("arm of question %d (-alone +among others):\n%s", i, d)
			}
		}
		if n := len(alone[0].Arms) - len(all[i].Arms); n != 0 && n != 1 {
			t.Errorf("question %d has %d arms fewer than alone", i, n)
		}
	}
	if last := all[len(all)-1]; last.Arms[0].Instrument != "couch" {
		t.Errorf("the first arm after a change of the file is %q", last.Arms[0].Instrument)
	}
}
