package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spotter/engage/ledger"
	"spotter/engage/policy"
	"spotter/timeline"
)

var start = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string) *ledger.Ledger {
	t.Helper()
	return openWith(t, dir, ledger.Options{})
}

func openWith(t testing.TB, dir string, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// decision makes a small one.
func decision(viewer ledger.Viewer, instrument string) *ledger.Decision {
	return &ledger.Decision{
		At: start, Media: "cup-final", Position: 40_000, Viewer: viewer, Propensity: 0.25, Policy: "linucb-1", Cost: 0.5,
		Case: &policy.Case{
			Context: []policy.Feature{{Name: "country=GB", Value: 1}, {Name: "age", Value: 0.1}},
			Arms:    []policy.Arm{{Instrument: "other"}, {Instrument: instrument, Features: []policy.Feature{{Name: "type=poll", Value: 1}}}},
		},
		Choice: 1,
	}
}

// wide makes one as a busy box does: 25 features, 5 arms.
func wide(r *rand.Rand, viewer ledger.Viewer) *ledger.Decision {
	d := &ledger.Decision{
		At: start.Add(time.Duration(r.IntN(1e9))), Media: "cup-final", Position: timeline.Position(r.IntN(9_000_000)), Viewer: viewer,
		Propensity: r.Float64(), Policy: fmt.Sprintf("linucb-%d", r.IntN(100)), Case: &policy.Case{}, Choice: r.IntN(5),
	}
	for i := range 15 {
		d.Case.Context = append(d.Case.Context, policy.Feature{Name: fmt.Sprintf("attribute%d=value%d", i, r.IntN(8)), Value: 1})
	}
	for i := range 5 {
		d.Case.Arms = append(d.Case.Arms, policy.Arm{
			Instrument: fmt.Sprintf("instrument-%d", r.IntN(20)),
			Features:   []policy.Feature{{Name: "type=trivia", Value: 1}, {Name: fmt.Sprintf("target=person %d", i), Value: 0.5}},
		})
	}
	return d
}

func add(t testing.TB, l *ledger.Ledger, r *ledger.Record) uint64 {
	t.Helper()
	if err := l.Append(r); err != nil {
		t.Fatal(err)
	}
	return r.Number
}

func flush(t testing.TB, l *ledger.Ledger) []*ledger.Record {
	t.Helper()
	rs, err := l.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func replay(t testing.TB, l *ledger.Ledger, after uint64) []*ledger.Record {
	t.Helper()
	var all []*ledger.Record
	if err := l.Replay(after, func(r *ledger.Record) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func check(t testing.TB, l *ledger.Ledger) {
	t.Helper()
	if err := l.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// copyDir copies the files of a folder, as they would be found had the process been killed now.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func logsOf(t testing.TB, dir, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "engagement-*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
