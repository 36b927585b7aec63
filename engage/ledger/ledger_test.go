package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/engage/ledger"
)

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	want := []*ledger.Record{{Decision: decision(ledger.Viewer{}, "poll")}}
	for i := range 50 {
		want = append(want, &ledger.Record{Decision: wide(r, l.Viewer(fmt.Sprint("v", i%7)))})
	}
	want[3].Decision.Case.Context[0].Name = strings.Repeat("long ", 100)
	want[4].Decision.Case.Context[0].Value = -1.25e300
	want[5].Decision.Position = -5
	for i, d := range []uint64{1, 4, 4} {
		kind := []string{"click", "view", "answer"}[i]
		want = append(want, &ledger.Record{Event: &ledger.Event{At: start, Decision: d, Type: kind, Value: 3, Reward: 0.3, Cost: 0.1}})
	}
	for i, rec := range want {
		if n := add(t, l, rec); n != uint64(i+1) {
			t.Fatalf("record %d got number %d", i+1, n)
		}
	}
	if d := cmp.Diff(want, flush(t, l)); d != "" {
		t.Errorf("flushed: %s", d)
	}
	if d := cmp.Diff(want, replay(t, l, 0)); d != "" {
		t.Errorf("replayed: %s", d)
	}
	if d := cmp.Diff(want[40:], replay(t, l, 40)); d != "" {
		t.Errorf("replayed after 40: %s", d)
	}
	check(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if d := cmp.Diff(want, replay(t, l, 0)); d != "" {
		t.Errorf("after opening again: %s", d)
	}
	total := l.Totals()["poll"]
	if d := cmp.Diff(ledger.Total{Decisions: 1, Spent: 0.6, Reward: 0.3, Events: map[string]int{"click": 1}}, total); d != "" {
		t.Error(d)
	}
	if got, err := l.Rewarded(4); err != nil || got != 0.6 {
		t.Errorf("rewarded %v, %v", got, err)
	}
}

func TestEventsAreRefused(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		t.Run(fmt.Sprint("flushed=", flushed), func(t *testing.T) {
			l := open(t, t.TempDir())
			n := add(t, l, &ledger.Record{Decision: decision(l.Viewer("v"), "poll")})
			click := func(n uint64, kind string) error {
				if flushed {
					flush(t, l)
				}
				return l.Append(&ledger.Record{Event: &ledger.Event{At: start, Decision: n, Type: kind, Reward: 0.5}})
			}
			if err := click(n, "click"); err != nil {
				t.Fatal(err)
			}
			if err := click(n, "click"); !errors.Is(err, ledger.ErrDuplicate) {
				t.Errorf("again: %v", err)
			}
			if err := click(n, "view"); err != nil {
				t.Errorf("of another type: %v", err)
			}
			for _, n := range []uint64{0, 2, 99} { // 2 is an event
				if err := click(n, "click"); !errors.Is(err, ledger.ErrUnknown) {
					t.Errorf("decision %d: %v", n, err)
				}
				if _, err := l.Decision(n); !errors.Is(err, ledger.ErrUnknown) {
					t.Errorf("decision %d: %v", n, err)
				}
			}
			if got, err := l.Rewarded(n); err != nil || got != 1 {
				t.Errorf("rewarded %v, %v", got, err)
			}
		})
	}
}

func TestShown(t *testing.T) {
	l := open(t, t.TempDir())
	v, w := l.Viewer("v"), l.Viewer("w")
	shown := func(v ledger.Viewer, instrument string, want int) {
		t.Helper()
		if n, err := l.Shown(v, instrument); err != nil || n != want {
			t.Errorf("shown %d, %v; want %d", n, err, want)
		}
	}
	for i := range 5 {
		add(t, l, &ledger.Record{Decision: decision(v, "poll")})
		shown(v, "poll", i+1)
		if i == 2 {
			flush(t, l)
			shown(v, "poll", i+1)
		}
	}
	shown(w, "poll", 0)
	shown(v, "other", 0)
	if err := l.Forget("poll"); err != nil {
		t.Fatal(err)
	}
	shown(v, "poll", 0)
	add(t, l, &ledger.Record{Decision: decision(v, "poll")})
	shown(v, "poll", 1)
	if n := len(flush(t, l)); n != 3 { // two of them were committed by Forget
		t.Errorf("flushed %d records", n)
	}
	check(t, l)
	if err := l.Prune(start); err != nil {
		t.Fatal(err)
	}
	shown(v, "poll", 1)
	check(t, l)
}

func TestEraseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	v, w := l.Viewer("secret viewer"), l.Viewer("w")
	if err := l.PutProfile("secret viewer", []byte(`{"town":"Hidden-on-Sea"}`)); err != nil {
		t.Fatal(err)
	}
	var events int
	for i := range 6000 {
		d := decision(v, "poll")
		d.Case.Context[0].Name = "town=Hidden-on-Sea"
		n := add(t, l, &ledger.Record{Decision: d})
		add(t, l, &ledger.Record{Decision: decision(w, "poll")})
		if i%100 == 0 {
			add(t, l, &ledger.Record{Event: &ledger.Event{At: start, Decision: n, Type: "view"}})
			events++
		}
		if i == 5000 {
			flush(t, l)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "engagement-0000000000000000.log.damaged"), []byte("Hidden-on-Sea"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase("secret viewer"); err != nil {
		t.Fatal(err)
	}
	check(t, l)
	if n := len(flush(t, l)); n != 999 { // w's
		t.Errorf("flushed %d records", n)
	}
	if n := len(replay(t, l, 0)); n != 6000 {
		t.Errorf("%d records are left", n)
	}
	if n, err := l.Shown(v, "poll"); n != 0 || err != nil {
		t.Errorf("shown %d, %v", n, err)
	}
	if _, err := l.Profile("secret viewer"); !errors.Is(err, ledger.ErrUnknown) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, v[:]) || bytes.Contains(data, []byte("Hidden-on-Sea")) {
			t.Errorf("%s still tells of the viewer", e.Name())
		}
	}
	if got := open(t, dir).Totals()["poll"].Decisions; got != 12000 {
		t.Errorf("total %d", got)
	}
}

func TestPrune(t *testing.T) {
	t.Run("by age", func(t *testing.T) {
		l := openWith(t, t.TempDir(), ledger.Options{KeepFor: time.Hour})
		v := l.Viewer("v")
		for i := range 9000 {
			d := decision(v, "poll")
			d.At = start.Add(time.Duration(i) * time.Second)
			n := add(t, l, &ledger.Record{Decision: d})
			if i%10 == 0 {
				add(t, l, &ledger.Record{Event: &ledger.Event{At: d.At, Decision: n, Type: "view"}})
			}
		}
		flush(t, l)
		if err := l.Prune(start.Add(time.Hour + 8000*time.Second)); err != nil {
			t.Fatal(err)
		}
		if n := len(replay(t, l, 0)); n != 1100 {
			t.Errorf("%d records are left", n)
		}
		if n, err := l.Shown(v, "poll"); n != 9000 || err != nil {
			t.Errorf("shown %d, %v", n, err)
		}
		check(t, l)
		if _, err := l.Decision(1); !errors.Is(err, ledger.ErrUnknown) {
			t.Error(err)
		}
		if err := l.Erase("v"); err != nil {
			t.Fatal(err)
		}
		if n := len(replay(t, l, 0)); n != 0 {
			t.Errorf("%d records are left of an erased viewer", n)
		}
		check(t, l)
	})
	t.Run("by size", func(t *testing.T) {
		const limit = 512 << 10
		l := openWith(t, t.TempDir(), ledger.Options{MaxBytes: limit})
		r := rand.New(rand.NewPCG(1, 2))
		last := uint64(0)
		for i := range 10 {
			for range 1000 {
				last = add(t, l, &ledger.Record{Decision: wide(r, l.Viewer(fmt.Sprint(i)))})
			}
			flush(t, l)
			if err := l.Prune(start); err != nil {
				t.Fatal(err)
			}
		}
		left := replay(t, l, 0)
		if len(left) < 1000 || len(left) > 6000 || left[len(left)-1].Number != last {
			t.Errorf("%d records are left", len(left))
		}
		check(t, l)
	})
}

func TestNamesOfEpochs(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 150,000 names")
	}
	dir := t.TempDir()
	l := openWith(t, dir, ledger.Options{KeepFor: time.Hour})
	for i := range 150_000 {
		d := decision(l.Viewer("v"), "poll")
		d.Policy, d.At = fmt.Sprint("version-", i), start.Add(time.Duration(i)*time.Second)
		add(t, l, &ledger.Record{Decision: d})
	}
	flush(t, l)
	verify := func(l *ledger.Ledger, first int) {
		t.Helper()
		records := replay(t, l, 0)
		for i, r := range records {
			if want := fmt.Sprint("version-", first+i); r.Decision.Policy != want {
				t.Fatalf("got %s, want %s", r.Decision.Policy, want)
			}
		}
		if len(records) != 150_000-first {
			t.Errorf("%d records", len(records))
		}
	}
	verify(l, 0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openWith(t, dir, ledger.Options{KeepFor: time.Hour})
	verify(l, 0)
	if err := l.Prune(start.Add(time.Hour + 149_000*time.Second)); err != nil {
		t.Fatal(err)
	}
	verify(l, 149_000)
	check(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "engagement.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		if n := tx.Bucket([]byte("names")).Stats().KeyN; n > 1<<16 {
			t.Errorf("%d names are left", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsAndProfiles(t *testing.T) {
	dir := t.TempDir()
	l, other := open(t, dir), open(t, t.TempDir())
	v, secret := l.Viewer("v"), l.Secret("decisions")
	if l.Viewer("") != (ledger.Viewer{}) || v == (ledger.Viewer{}) || v == l.Viewer("w") || v == other.Viewer("v") {
		t.Error("viewers are not told apart")
	}
	if len(secret) != 32 || bytes.Equal(secret, l.Secret("x")) || bytes.Equal(secret, other.Secret("decisions")) {
		t.Error("secrets are not told apart")
	}
	state := bytes.Repeat([]byte("state"), 200_000)
	for _, err := range []error{
		l.PutProfiles([]ledger.Profile{{ID: "v", Attributes: []byte(`{"age":30}`)}, {ID: "w", Attributes: []byte(`{}`)}}),
		l.PutInstrument("poll", []byte(`{"type":"poll"}`)), l.PutInstrument("quiz", []byte(`{}`)), l.DeleteInstrument("quiz"),
		l.PutState([]byte("long ago"), 3), l.PutState(state, 7), l.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.PutInstrument("x", nil); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Append(&ledger.Record{Decision: decision(v, "poll")}); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = open(t, dir)
	if l.Viewer("v") != v || !bytes.Equal(l.Secret("decisions"), secret) {
		t.Error("the secret did not last")
	}
	if p, err := l.Profile("v"); err != nil || string(p) != `{"age":30}` {
		t.Errorf("profile %s, %v", p, err)
	}
	if m, err := l.Instruments(); err != nil || len(m) != 1 || string(m["poll"]) != `{"type":"poll"}` {
		t.Errorf("instruments %s, %v", m, err)
	}
	if data, upto, err := l.State(); err != nil || upto != 7 || !bytes.Equal(data, state) {
		t.Errorf("state of %d bytes up to %d, %v", len(data), upto, err)
	}
	fi, err := os.Stat(filepath.Join(dir, "engagement.db"))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}
