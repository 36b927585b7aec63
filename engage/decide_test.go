package engage_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

func TestTriviaForPersonWhileOneIsOnScreen(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("trivia", aimedAt("Person")))
	for _, c := range []struct {
		name string
		q    *engage.Question
		want string
	}{
		{"a person", ask("", seeing("Couch", "Person")), "trivia"},
		{"other things", ask("", seeing("Couch")), "none"},
		{"nothing", ask("", seeing()), "none"},
		{"no look", ask(""), "none"},
	} {
		if got := decided(e, c.q); got != c.want {
			t.Errorf("%s on screen: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWhoMayBeShown(t *testing.T) {
	adults := some("adults", func(i *instrument.Instrument) {
		low := 18.0
		i.Audience = map[string]instrument.Condition{"age": {Min: &low}}
	})
	for _, c := range []struct {
		name        string
		instruments []instrument.Instrument
		q           *engage.Question
		want        string
	}{
		{"only the highest priority", []instrument.Instrument{some("low"), some("high", prioritised(2)), some("mid", prioritised(1))}, ask("p1"), "high"},
		{"the next priority when the highest may not", []instrument.Instrument{some("low"), some("high", prioritised(2), aimedAt("Dog"))}, ask("p1"), "low"},
		{"a cap per viewer and nobody", []instrument.Instrument{some("capped", perViewer(1))}, ask(""), "none"},
		{"the stored profile", []instrument.Instrument{adults}, ask("adult"), "adults"},
		{"no profile", []instrument.Instrument{adults}, ask("stranger"), "none"},
		{"a token instead of the stored profile", []instrument.Instrument{adults}, ask("adult", func(q *engage.Question) {
			q.Attributes = map[string]any{"age": 12.0}
		}), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, engage.Config{}, c.instruments...)
			if err := e.PutProfile("adult", []byte(`{"age":40}`)); err != nil {
				t.Fatal(err)
			}
			if got := decided(e, c.q); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestProfileChangeCountsAtOnce(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("fans", func(i *instrument.Instrument) {
		i.Audience = map[string]instrument.Condition{"likes": {In: []any{"football"}}}
	}))
	for _, c := range []struct{ profile, want string }{
		{`{"likes":["chess"]}`, "none"}, {`{"likes":["chess","Football"]}`, "fans"}, {`{}`, "none"},
	} {
		if err := e.PutProfile("p1", []byte(c.profile)); err != nil {
			t.Fatal(err)
		}
		if got := decided(e, ask("p1")); got != c.want {
			t.Errorf("with %s: %s, want %s", c.profile, got, c.want)
		}
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	instruments := []instrument.Instrument{some("a", aimedAt("Person"), perViewer(1)), some("b", prioritised(-1))}
	e := newEngine(t, engage.Config{Ledger: l}, instruments...)
	first := must(t, e, ask("p1", seeing("Person")))
	check := func(name string, q *engage.Question, same bool, want string) {
		t.Helper()
		d := must(t, e, q)
		if (d.ID == first.ID) != same || d.Instrument.ID != want {
			t.Errorf("%s: %s, the same decision: %v", name, d.Instrument.ID, d.ID == first.ID)
		}
	}
	check("kept while it is eligible", ask("p1", seeing("Person"), keeping(first.ID)), true, "a")
	check("not kept when its target is gone", ask("p1", seeing("Dog"), keeping(first.ID)), false, "b")
	check("not kept for another viewer", ask("p2", seeing("Person"), keeping(first.ID)), false, "a")
	check("not kept when it is forged", ask("p1", seeing("Person"), keeping("B"+first.ID[1:])), false, "b")
	check("not kept after the window", ask("p1", seeing("Person"), keeping(first.ID), at(noon.Add(31*time.Minute))), false, "b")
	flush(t, e)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	e = newEngine(t, engage.Config{Ledger: openLedger(t, dir)}, instruments...)
	check("kept after a restart", ask("p1", seeing("Person"), keeping(first.ID)), true, "a")
	if n := e.Stats().Instruments[0].Decisions; n != 2 {
		t.Errorf("a was counted %d times, want 2", n)
	}
}

// broken is a policy that fails as a test wants.
type broken func(p []float64) error

func (broken) Version() string                           { return "broken/1" }
func (b broken) Weigh(_ *policy.Case, p []float64) error { return b(p) }

func TestFailingPolicyFallsBackToPriorityOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		bad  broken
	}{
		{"an error", func([]float64) error { return errors.New("no model") }},
		{"a panic", func([]float64) error { panic("bug") }},
		{"not a number", func(p []float64) error { p[0] = math.NaN(); return nil }},
		{"infinite", func(p []float64) error { p[1] = math.Inf(1); return nil }},
		{"negative", func(p []float64) error { p[0], p[1] = -0.5, 1.5; return nil }},
		{"less than 1 in all", func(p []float64) error { p[0] = 0.5; return nil }},
		{"nothing", func([]float64) error { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log logged
			l := openLedger(t, t.TempDir())
			e := newEngine(t, engage.Config{Ledger: l, Policy: c.bad, Log: log.logger()}, some("b"), some("a"))
			for range 5 {
				if got := decided(e, ask("secret-viewer")); got != "a" {
					t.Errorf("%s, want a", got)
				}
			}
			flush(t, e)
			if err := l.Replay(0, func(r *ledger.Record) error {
				if d := r.Decision; d.Policy != "priority" || d.Propensity != 1 {
					t.Errorf("the ledger has policy %s and propensity %v", d.Policy, d.Propensity)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "broken/1") {
				t.Errorf("want one line that names the policy:\n%s", log.String())
			}
			if d := cmp.Diff([]engage.PolicyStats{{Policy: "priority", Decisions: 5, Events: map[string]int{}}}, e.Stats().Policies); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLedgerThatFailsGivesNoInstrument(t *testing.T) {
	l := openLedger(t, t.TempDir())
	var log logged
	e := newEngine(t, engage.Config{Ledger: l, Log: log.logger()}, some("a", total(5)))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := decided(e, ask("secret-viewer")); got != "none" {
			t.Errorf("%s, want none", got)
		}
	}
	if n := e.Stats().Instruments[0].Decisions; n != 0 {
		t.Errorf("%d decisions are counted that nobody got", n)
	}
	if s := log.String(); s == "" || strings.Contains(s, "secret-viewer") {
		t.Errorf("the log says:\n%s", s)
	}
}

func TestPropensitiesAreThoseOfThePolicy(t *testing.T) {
	l := openLedger(t, t.TempDir())
	skewed := broken(func(p []float64) error { p[0], p[1] = 0.8, 0.2; return nil })
	e := newEngine(t, engage.Config{Ledger: l, Policy: skewed, Explore: 0.2, Seed: 7}, some("a"), some("b"))
	const n = 4000
	got := make(map[string]int)
	for range n {
		got[decided(e, ask(""))]++
	}
	// 0.8 * 0.8 + 0.2 / 2
	if share := float64(got["a"]) / n; math.Abs(share-0.74) > 0.03 {
		t.Errorf("a was chosen in %v of the decisions, want 0.74", share)
	}
	flush(t, e)
	if err := l.Replay(0, func(r *ledger.Record) error {
		if want := []float64{0.74, 0.26}[r.Decision.Choice]; math.Abs(r.Decision.Propensity-want) > 1e-9 {
			t.Fatalf("propensity %v, want %v", r.Decision.Propensity, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestConfigThatCannotBe(t *testing.T) {
	for _, explore := range []float64{-0.1, 0.6, math.NaN()} {
		if _, err := engage.New(engage.Config{Ledger: openLedger(t, t.TempDir()), Explore: explore}); err == nil {
			t.Errorf("explore %v was taken", explore)
		}
	}
}
