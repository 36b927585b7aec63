package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// TestDamagedDatabaseTakesNoLog: what a crash left in the log was committed to a database with a damaged head of a page; bbolt's
// panic about it ended the program at each start.
func TestDamagedDatabaseTakesNoLog(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	v := l.Viewer("p1")
	for range 5 {
		add(t, l, &ledger.Record{Decision: decision(v, "poll")})
		flush(t, l)
	}
	add(t, l, &ledger.Record{Decision: decision(v, "quiz")})
	killed := copyDir(t, dir)
	const name, page, head = "engagement.db", 4096, 24
	good, err := os.ReadFile(filepath.Join(killed, name))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := 0; at < min(len(good), 16*page); at += page {
		for i := range head {
			dir := filepath.Join(t.TempDir(), fmt.Sprint(at+i))
			if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
				t.Fatal(err)
			}
			data := bytes.Clone(good)
			data[at+i] ^= 1 << (i % 8)
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := ledger.Open(dir, ledger.Options{})
			if err == nil {
				err = l.Close()
			}
			if err == nil {
				continue
			}
			refused++
			if !errors.Is(err, ledger.ErrCorrupt) && !errors.Is(err, ledger.ErrFormat) {
				t.Errorf("byte %d: %v", at+i, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was seen")
	}
}
