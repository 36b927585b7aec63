package ledger_test

import (
	"bytes"
	"os"
	"testing"

	"spotter/engage/ledger"
)

// TestReadsEndAfterADamagedLog: numbers are skipped for what a damaged log may have held, and reads that took these for committed
// waited for them for ever.
func TestReadsEndAfterADamagedLog(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	v := l.Viewer("p1")
	first := add(t, l, &ledger.Record{Decision: decision(v, "poll")})
	add(t, l, &ledger.Record{Decision: decision(v, "quiz")})
	add(t, l, &ledger.Record{Decision: decision(v, "poll")})
	copied := copyDir(t, dir)
	path := logsOf(t, copied, ".log")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.Index(data, []byte("quiz"))] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, copied)
	if n, err := l.Shown(v, "poll"); n != 1 || err != nil {
		t.Errorf("shown %d, %v", n, err)
	}
	if err := l.Append(&ledger.Record{Event: &ledger.Event{At: start, Decision: first, Type: "click", Reward: 1}}); err != nil {
		t.Error(err)
	}
	if sum, err := l.Rewarded(first); sum != 1 || err != nil {
		t.Errorf("rewarded %v, %v", sum, err)
	}
}
