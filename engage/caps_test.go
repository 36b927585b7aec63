package engage_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
)

// TestCapsUnderConcurrency asks by 64 clients and holds the ledger against the caps and against what was answered.
func TestCapsUnderConcurrency(t *testing.T) {
	questions := 1_000_000
	if testing.Short() {
		questions = 100_000
	}
	l := openLedger(t, t.TempDir())
	e := newEngine(t, engage.Config{Ledger: l},
		some("each-thrice", perViewer(3), prioritised(5)),
		some("few", total(1000), prioritised(4)),
		some("both", perViewer(2), total(1500), prioritised(3)),
		some("priced", prioritised(2), func(i *instrument.Instrument) { i.Cost.Decision, i.Budget = 0.1, 77.7 }),
		some("other-a", perViewer(200)), some("other-b"),
	)
	stop := run(t, e)
	const clients, viewers = 64, 5000
	var (
		wg       sync.WaitGroup
		answered atomic.Int64
	)
	for c := range clients {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(c)))
			for range questions / clients {
				if _, ok := e.Decide(ask(fmt.Sprintf("v%d", random.IntN(viewers)))); ok {
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	stop()
	each, all := count(t, l)
	caps := map[string]int{"each-thrice": 3, "both": 2, "other-a": 200}
	for who, n := range each {
		var viewer, id string
		fmt.Sscan(who, &viewer, &id)
		if c := caps[id]; c > 0 && n > c {
			t.Errorf("%s was chosen %d times for one viewer, the cap is %d", id, n, c)
		}
	}
	sum := 0
	for _, n := range all {
		sum += n
	}
	t.Logf("%d questions by %d clients: %d decisions answered, %d in the ledger: %v", questions/clients*clients, clients, answered.Load(), sum, all)
	if sum != int(answered.Load()) {
		t.Errorf("%d decisions were answered, the ledger has %d", answered.Load(), sum)
	}
	for id, want := range map[string]int{"few": 1000, "both": 1500, "priced": 777} {
		if all[id] != want {
			t.Errorf("%s was chosen %d times, want %d", id, all[id], want)
		}
	}
	if n := all["each-thrice"]; n > 3*viewers {
		t.Errorf("each-thrice was chosen %d times, want %d at most", n, 3*viewers)
	}
}

func TestRestartKeepsCaps(t *testing.T) {
	dir := t.TempDir()
	instruments := []instrument.Instrument{some("a", perViewer(2)), some("b", total(3), prioritised(1))}
	var got []string
	for i := range 4 {
		l := openLedger(t, dir)
		e := newEngine(t, engage.Config{Ledger: l}, instruments...)
		for range 2 {
			got = append(got, decided(e, ask("p1")))
		}
		if i%2 == 0 {
			flush(t, e)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"b", "b", "b", "a", "a", "none", "none", "none"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFlight(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("a", func(i *instrument.Instrument) {
		i.Flight = instrument.Flight{Start: noon, End: noon.Add(time.Hour)}
	}))
	for _, c := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"before", noon.Add(-time.Nanosecond), "none"},
		{"at its start", noon, "a"},
		{"at its end", noon.Add(time.Hour), "none"},
		{"the last moment", noon.Add(time.Hour - time.Nanosecond), "a"},
	} {
		if got := decided(e, ask("", at(c.at))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPacing(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("a", total(100), func(i *instrument.Instrument) {
		i.Flight = instrument.Flight{Start: noon, End: noon.Add(100 * time.Minute)}
		i.Pacing = "even"
	}))
	for _, c := range []struct {
		after time.Duration
		want  int // in all until then
	}{{0, 1}, {30 * time.Second, 1}, {10 * time.Minute, 10}, {50 * time.Minute, 50}, {99*time.Minute + 59*time.Second, 99}} {
		for range 200 {
			e.Decide(ask("", at(noon.Add(c.after))))
		}
		if got := e.Stats().Instruments[0].Decisions; got != c.want {
			t.Errorf("after %v: %d decisions, want %d", c.after, got, c.want)
		}
	}
}

func TestBudget(t *testing.T) {
	t.Run("of decisions, which is never exceeded", func(t *testing.T) {
		e := newEngine(t, engage.Config{}, some("a", func(i *instrument.Instrument) { i.Cost.Decision, i.Budget = 0.3, 1 }))
		for range 10 {
			e.Decide(ask(""))
		}
		s := e.Stats().Instruments[0]
		if s.Decisions != 3 || s.Spent > 1 {
			t.Errorf("%d decisions have spent %v, want 3 and 1 at most", s.Decisions, s.Spent)
		}
	})
	t.Run("of events, which are charged up to it", func(t *testing.T) {
		e := newEngine(t, engage.Config{}, some("a", func(i *instrument.Instrument) { i.Cost.Click, i.Budget = 0.6, 1 }))
		first, second, third := must(t, e, ask("")), must(t, e, ask("")), must(t, e, ask(""))
		for _, d := range []engage.Decision{first, second, third} {
			if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon); err != nil {
				t.Fatal(err)
			}
		}
		if s := e.Stats().Instruments[0]; s.Spent != 1 || s.Events["click"] != 3 || *s.BudgetLeft != 0 {
			t.Errorf("spent %v on %v, want 1 on 3 clicks", s.Spent, s.Events)
		}
		if got := decided(e, ask("")); got != "none" {
			t.Errorf("%s is shown though its budget is used up", got)
		}
	})
}

func TestChangeKeepsCountsDeletionDropsThem(t *testing.T) {
	e := newEngine(t, engage.Config{})
	put := func(body string) {
		t.Helper()
		if err := e.PutInstrument("a", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"type":"poll","payload":{},"caps":{"per_viewer":1}}`)
	must(t, e, ask("p1"))
	put(`{"type":"quiz","payload":{},"caps":{"per_viewer":2}}`)
	must(t, e, ask("p1"))
	if got := decided(e, ask("p1")); got != "none" {
		t.Fatalf("%s was chosen a third time", got)
	}
	if err := e.DeleteInstrument("a"); err != nil {
		t.Fatal(err)
	}
	put(`{"type":"quiz","payload":{},"caps":{"per_viewer":1}}`)
	if got := decided(e, ask("p1")); got != "a" {
		t.Errorf("an instrument made anew begins with the counts of the one deleted")
	}
}
