package ledger_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/engage/ledger"
)

var update = flag.Bool("update", false, "write testdata/format1 anew")

// TestFormat1 opens a ledger of the first format, which a process that was killed left with some records in its log.
func TestFormat1(t *testing.T) {
	golden := filepath.Join("testdata", "format1")
	fill := func(l *ledger.Ledger) []*ledger.Record {
		v := l.Viewer("p1")
		click := &ledger.Event{At: start, Decision: 1, Type: "click", Value: 2, Reward: 1, Cost: 0.25}
		records := []*ledger.Record{
			{Decision: decision(v, "poll")},
			{Event: click},
			{Decision: decision(ledger.Viewer{}, "quiz")},
			{Decision: decision(v, "poll")},
		}
		for i, r := range records {
			add(t, l, r)
			if i == 2 {
				flush(t, l)
			}
		}
		return records
	}
	if *update {
		dir := t.TempDir()
		l := open(t, dir)
		fill(l)
		if err := l.PutProfile("p1", []byte(`{"age":30}`)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(golden, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	l := open(t, copyDir(t, golden))
	check(t, l)
	model := open(t, t.TempDir())
	want := fill(model)
	for _, r := range want {
		if r.Decision != nil && r.Decision.Viewer != (ledger.Viewer{}) {
			r.Decision.Viewer = l.Viewer("p1") // each ledger has a secret of its own
		}
	}
	if d := cmp.Diff(want, replay(t, l, 0)); d != "" {
		t.Error(d)
	}
	if n, err := l.Shown(l.Viewer("p1"), "poll"); n != 2 || err != nil {
		t.Errorf("shown %d, %v", n, err)
	}
	if d := cmp.Diff(ledger.Total{Decisions: 2, Spent: 1.25, Reward: 1, Events: map[string]int{"click": 1}}, l.Totals()["poll"]); d != "" {
		t.Error(d)
	}
	if p, err := l.Profile("p1"); err != nil || string(p) != `{"age":30}` {
		t.Errorf("profile %s, %v", p, err)
	}
}

// TestRecordsAreShort has decisions of 25 features and 5 arms by many viewers.
func TestRecordsAreShort(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	const n = 5000
	for i := range n {
		add(t, l, &ledger.Record{Decision: wide(r, l.Viewer(fmt.Sprint(i)))})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "engagement.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		bytes := 0
		b := tx.Bucket([]byte("records"))
		if err := b.ForEach(func(_, v []byte) error { bytes += len(v); return nil }); err != nil {
			return err
		}
		t.Logf("%d bytes a record; %d with what bbolt adds", bytes/n, b.Stats().LeafInuse/n)
		if bytes/n > 150 {
			t.Errorf("%d bytes a record", bytes/n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
