package ledger_test

import (
	"slices"
	"testing"

	"spotter/engage/ledger"
)

// TestShownEach: what the ledger remembers of the tallies' IDs follows new instruments, and those that were forgotten and begun anew.
func TestShownEach(t *testing.T) {
	l := open(t, t.TempDir())
	v := l.Viewer("p1")
	want := func(n ...int) {
		t.Helper()
		if got, err := l.ShownEach(v, []string{"poll", "quiz"}); err != nil || !slices.Equal(got, n) {
			t.Errorf("shown %v, want %v, %v", got, n, err)
		}
	}
	want(0, 0)
	add(t, l, &ledger.Record{Decision: decision(v, "poll")})
	want(1, 0)
	flush(t, l)
	want(1, 0)
	add(t, l, &ledger.Record{Decision: decision(v, "quiz")})
	flush(t, l)
	add(t, l, &ledger.Record{Decision: decision(v, "quiz")})
	want(1, 2)
	if err := l.Forget("poll"); err != nil {
		t.Fatal(err)
	}
	want(0, 2)
	add(t, l, &ledger.Record{Decision: decision(v, "poll")})
	want(1, 2)
	flush(t, l)
	want(1, 2)
	if n, err := l.ShownEach(ledger.Viewer{}, []string{"poll"}); err != nil || n[0] != 0 {
		t.Errorf("nobody was shown %v, %v", n, err)
	}
	check(t, l)
}
