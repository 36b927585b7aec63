package ledger_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/engage/ledger"
)

// by returns a decision of a policy for nobody.
func by(version string) *ledger.Record {
	d := decision(ledger.Viewer{}, "poll")
	d.Policy = version
	return &ledger.Record{Decision: d}
}

func TestPolicyTotals(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	first := add(t, l, by("linucb/1"))
	add(t, l, by("linucb/2"))
	flush(t, l)
	second := add(t, l, by("uniform"))
	for _, e := range []*ledger.Event{
		{At: start, Decision: first, Type: "view"}, {At: start, Decision: first, Type: "click", Reward: 0.75}, {At: start, Decision: second, Type: "view"},
	} {
		add(t, l, &ledger.Record{Event: e})
	}
	if len(l.Policies()) != 0 {
		t.Errorf("when it was opened: %v", l.Policies())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]ledger.PolicyTotal{
		"linucb":  {Decisions: 2, Events: map[string]int{"view": 1, "click": 1}, Reward: 0.75},
		"uniform": {Decisions: 1, Events: map[string]int{"view": 1}},
	}
	if d := cmp.Diff(want, open(t, dir).Policies()); d != "" {
		t.Error(d)
	}
}

// TestPolicyTotalsAreBounded has more families than are counted apart.
func TestPolicyTotalsAreBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := range 200 {
		add(t, l, by(fmt.Sprintf("model%d/1", i)))
		if i%50 == 0 {
			flush(t, l)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := open(t, dir).Policies()
	sum := 0
	for _, p := range got {
		sum += p.Decisions
	}
	if len(got) > 65 || sum != 200 || got["other"].Decisions < 135 {
		t.Errorf("%d families, %d decisions, %d others", len(got), sum, got["other"].Decisions)
	}
}

// TestLedgerWithoutPolicies opens one of an earlier program, which counted none.
func TestLedgerWithoutPolicies(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, by("linucb/1"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "engagement.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("policies")) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	add(t, l, by("linucb/2"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]ledger.PolicyTotal{"linucb": {Decisions: 1}}, open(t, dir).Policies()); d != "" {
		t.Error(d)
	}
}
