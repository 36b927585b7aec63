package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/ledger"
)

// model is what a ledger should hold.
type model struct {
	records []*ledger.Record
	kinds   map[string]bool // decision and type of events
	names   []string        // ids of viewers
}

func (m *model) decisions() []*ledger.Record {
	var all []*ledger.Record
	for _, r := range m.records {
		if r.Decision != nil {
			all = append(all, r)
		}
	}
	return all
}

func (m *model) shown(v ledger.Viewer, instrument string) int {
	n := 0
	for _, r := range m.decisions() {
		if v != (ledger.Viewer{}) && r.Decision.Viewer == v && r.Decision.Case.Arms[r.Decision.Choice].Instrument == instrument {
			n++
		}
	}
	return n
}

// verify compares a ledger with the model.
func (m *model) verify(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	check(t, l)
	if d := cmp.Diff(m.records, replay(t, l, 0)); d != "" {
		t.Fatalf("records: %s", d)
	}
	decisions := map[string]int{}
	for _, r := range m.decisions() {
		decisions[r.Decision.Case.Arms[r.Decision.Choice].Instrument]++
	}
	for instrument, total := range l.Totals() {
		if total.Decisions != decisions[instrument] {
			t.Fatalf("%s: total %d, want %d", instrument, total.Decisions, decisions[instrument])
		}
	}
	for _, id := range m.names {
		for i := range 20 {
			instrument := fmt.Sprint("instrument-", i)
			got, err := l.Shown(l.Viewer(id), instrument)
			if want := m.shown(l.Viewer(id), instrument); err != nil || got != want {
				t.Fatalf("shown %d, %v; want %d", got, err, want)
			}
		}
	}
}

// act appends something random.
func (m *model) act(t *testing.T, l *ledger.Ledger, r *rand.Rand) {
	t.Helper()
	if ds := m.decisions(); len(ds) > 0 && r.IntN(3) == 0 {
		d := ds[r.IntN(len(ds))].Number
		kind := []string{"view", "click", "answer"}[r.IntN(3)]
		rec := &ledger.Record{Event: &ledger.Event{At: start, Decision: d, Type: kind, Value: r.Float64()}}
		key := fmt.Sprint(d, kind)
		err := l.Append(rec)
		if m.kinds[key] != errors.Is(err, ledger.ErrDuplicate) || err != nil && !m.kinds[key] {
			t.Fatalf("event %s: %v", key, err)
		}
		if err == nil {
			m.kinds[key] = true
			m.records = append(m.records, rec)
		}
		return
	}
	rec := &ledger.Record{Decision: wide(r, l.Viewer(m.names[r.IntN(len(m.names))]))}
	add(t, l, rec)
	m.records = append(m.records, rec)
}

// TestCrashes appends and flushes at random, crashes at each step, goes on with what is on the disk, and compares it with
// a model.
func TestCrashes(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			m := &model{kinds: map[string]bool{}, names: []string{"", "a", "b", "c"}}
			dir := t.TempDir()
			for range 8 {
				l := open(t, dir)
				m.verify(t, l)
				// The crash comes at the n-th step, or when all is done.
				crashed, n := "", r.IntN(14)
				l.SetHook(func(string) {
					if n--; n == 0 {
						crashed = copyDir(t, dir)
					}
				})
				for range 1 + r.IntN(40) {
					m.act(t, l, r)
					if r.IntN(10) == 0 {
						flush(t, l)
					}
					if crashed != "" {
						break
					}
				}
				if crashed == "" {
					crashed = copyDir(t, dir)
				}
				if err := l.Crash(); err != nil {
					t.Fatal(err)
				}
				// What was committed after the copy was in its logs.
				dir = crashed
			}
			l := open(t, dir)
			m.verify(t, l)
		})
	}
}

// TestCrashAtEachStep ends the process between any two steps of a flush, and looks at what the next start finds.
func TestCrashAtEachStep(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	m := &model{kinds: map[string]bool{}, names: []string{"a", "b"}}
	type crash struct {
		step, dir string
		want      []*ledger.Record
	}
	var crashes []crash
	l.SetHook(func(step string) {
		crashes = append(crashes, crash{step, copyDir(t, dir), m.records})
	})
	for range 3 {
		for range 20 {
			m.act(t, l, r)
		}
		flush(t, l)
	}
	if len(crashes) != 12 {
		t.Fatalf("%d steps", len(crashes))
	}
	for i, c := range crashes {
		t.Run(fmt.Sprint(i, c.step), func(t *testing.T) {
			for range 2 { // what one start took in, the next must not take in again
				l := open(t, c.dir)
				(&model{records: c.want, names: m.names}).verify(t, l)
				if err := l.Crash(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestTornLogs(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	var sizes []int64
	path := logsOf(t, dir, ".log")[0]
	for range 3 {
		add(t, l, &ledger.Record{Decision: decision(l.Viewer("v"), "poll")})
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, fi.Size())
	}
	if err := l.Crash(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for cut := 0; cut <= len(data); cut += step {
		for _, zeros := range []int{0, 50} {
			if zeros > 0 && cut%7 != 0 {
				continue
			}
			dir := copyDir(t, dir)
			torn := append(bytes.Clone(data[:cut]), make([]byte, zeros)...)
			if err := os.WriteFile(logsOf(t, dir, ".log")[0], torn, 0o600); err != nil {
				t.Fatal(err)
			}
			var lines bytes.Buffer
			l := openWith(t, dir, ledger.Options{Log: slog.New(slog.NewTextHandler(&lines, nil))})
			want, whole := 0, cut == 0 || cut == 8
			for _, size := range sizes {
				if bytes.HasPrefix(torn, data[:size]) { // a number's last bytes are zeros as well
					want++
				}
				whole = whole || int64(cut) == size
			}
			if got := len(replay(t, l, 0)); got != want {
				t.Errorf("cut at %d: %d records, want %d", cut, got, want)
			}
			if said := bytes.Contains(lines.Bytes(), []byte("torn end")); said == (whole && zeros == 0) && len(torn) > 0 {
				t.Errorf("cut at %d: said %v: %s", cut, said, lines.Bytes())
			}
			if n := add(t, l, &ledger.Record{Decision: decision(l.Viewer("v"), "poll")}); n != uint64(want+1) {
				t.Errorf("cut at %d: next number %d", cut, n)
			}
			if err := l.Crash(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDamagedLog(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for range 10 {
		add(t, l, &ledger.Record{Decision: decision(l.Viewer("v"), "poll")})
	}
	if err := l.Crash(); err != nil {
		t.Fatal(err)
	}
	path := logsOf(t, dir, ".log")[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		at   int
		want int
	}{
		{"magic", 2, 0},
		{"first", 20, 0},
		{"middle", len(data)/2 + 8, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyDir(t, dir)
			bad := bytes.Clone(data)
			bad[c.at] ^= 0x10
			if err := os.WriteFile(logsOf(t, dir, ".log")[0], bad, 0o600); err != nil {
				t.Fatal(err)
			}
			var lines bytes.Buffer
			l := openWith(t, dir, ledger.Options{Log: slog.New(slog.NewTextHandler(&lines, nil))})
			if got := len(replay(t, l, 0)); got != c.want {
				t.Errorf("%d records, want %d", got, c.want)
			}
			if !bytes.Contains(lines.Bytes(), []byte("level=ERROR")) || len(logsOf(t, dir, ".damaged")) != 1 {
				t.Errorf("not said: %s", lines.Bytes())
			}
			if n := add(t, l, &ledger.Record{Decision: decision(l.Viewer("v"), "poll")}); n <= 10 {
				t.Errorf("the number %d of a lost decision is given out again", n)
			}
			check(t, l)
		})
	}
}

func TestWriteFaults(t *testing.T) {
	for _, c := range []struct {
		name       string
		left       int
		noTruncate bool
	}{
		{"nothing written", 0, false},
		{"short write", 30, false},
		{"short write that cannot be cut off", 30, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			d := func() *ledger.Record { return &ledger.Record{Decision: decision(l.Viewer("v"), "poll")} }
			add(t, l, d())
			f := l.Break()
			f.Left, f.NoTruncate, f.On = c.left, c.noTruncate, true
			r := d()
			if err := l.Append(r); err == nil || r.Number != 0 {
				t.Fatalf("number %d, %v", r.Number, err)
			}
			if n, err := l.Shown(l.Viewer("v"), "poll"); n != 1 || err != nil {
				t.Errorf("shown %d, %v", n, err)
			}
			f.On = false
			if n := add(t, l, d()); n != 2 {
				t.Errorf("number %d", n)
			}
			copied := open(t, copyDir(t, dir))
			if n := len(replay(t, copied, 0)); n != 2 {
				t.Errorf("%d records after a crash", n)
			}
			if n := len(flush(t, l)); n != 2 {
				t.Errorf("%d records flushed", n)
			}
			if logs := logsOf(t, dir, ".log"); len(logs) != 1 {
				t.Errorf("logs left: %v", logs)
			}
			check(t, l)
		})
	}
}
