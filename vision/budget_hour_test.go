package vision_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/vision"
)

// memory is a ledger that is kept as long as the test.
type memory struct {
	spent      []vision.Spending
	saves      int
	load, save error
}

func (m *memory) Load() ([]vision.Spending, error) { return slices.Clone(m.spent), m.load }

func (m *memory) Save(s []vision.Spending) error {
	if m.save != nil {
		return m.save
	}
	m.saves++
	m.spent = slices.Clone(s)
	return nil
}

// sum returns the calls that the ledger knows of.
func (m *memory) sum() int {
	n := 0
	for _, s := range m.spent {
		n += s.Calls
	}
	return n
}

func TestLedgerOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := vision.Budget{CallsPerSecond: 5, USDPerHour: 0.1, USDPerCall: 0.001}
		kept := new(memory)
		began, made := time.Now(), 0
		for time.Since(began) < 59*time.Minute { // a crash after each picture
			p := newPurse(t, budget, kept)
			time.Sleep(time.Second)
			made += 2 * count(t, 1, func() error { return p.Spend("A", "B") })
			if kept.sum() < made {
				t.Fatalf("the ledger knows of %d calls, %d were made", kept.sum(), made)
			}
		}
		if made < 40 || made > 100 { // five were entered for each two
			t.Errorf("%d calls in an hour of crashes, want 40 to 100", made)
		}
		time.Sleep(64 * time.Minute)
		p := newPurse(t, budget, kept)
		made = 0
		for range 100 {
			time.Sleep(time.Second)
			made += count(t, 1, func() error { return p.Spend("A") })
		}
		if made != 100 {
			t.Errorf("%d calls an hour later, want 100", made)
		}
	})
}

// TestLedgerIsWrittenOnceASecond wants few writes, for each waits for the disk.
func TestLedgerIsWrittenOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := new(memory)
		p := newPurse(t, vision.Budget{CallsPerSecond: 10, USDPerHour: math.Inf(1), USDPerCall: 0.001}, kept)
		const seconds = 120
		made := 0
		for range seconds * 20 {
			made += count(t, 1, func() error { return p.Spend("A") })
			time.Sleep(time.Second / 20)
		}
		if made < seconds*10 || kept.saves > seconds+5 {
			t.Errorf("%d calls and %d writes in %d s, want 10 and 1 a second", made, kept.saves, seconds)
		}
		if n := kept.sum(); n < made || n > made+10 {
			t.Errorf("the ledger knows of %d calls, %d were made", n, made)
		}
	})
}

func TestLedgerTakenOver(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 30, 0, time.UTC)
	at := func(d time.Duration, calls int) vision.Spending {
		return vision.Spending{Minute: now.Add(d).Truncate(time.Minute), Calls: calls}
	}
	cases := []struct {
		name  string
		spent []vision.Spending
		load  error
		left  int // calls of the hour's 100
	}{
		{"nothing", nil, nil, 100},
		{"a moment ago", []vision.Spending{at(0, 30)}, nil, 70},
		{"half an hour ago", []vision.Spending{at(-30*time.Minute, 30), at(-20*time.Minute, 30)}, nil, 40},
		{"an hour ago, to the minute", []vision.Spending{at(-time.Hour, 30)}, nil, 70},
		{"long ago", []vision.Spending{at(-63*time.Minute, 30)}, nil, 100},
		{"out of order", []vision.Spending{at(0, 30), at(-30*time.Minute, 30)}, nil, 40},
		{"in the future: the clock was set back", []vision.Spending{at(24*time.Hour, 100)}, nil, 0},
		{"more than the money of today", []vision.Spending{at(0, 500)}, nil, 0},
		{"damaged", nil, fmt.Errorf("spending: %w", vision.ErrLedger), 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			elapsed := time.Duration(0)
			clock := func() (time.Time, time.Duration) { return now.Add(elapsed), elapsed }
			kept := &memory{spent: c.spent, load: c.load}
			budget := vision.Budget{CallsPerSecond: 1000, USDPerHour: 0.1, USDPerCall: 0.001}
			for _, start := range []string{"first", "second"} { // no start makes the next more generous
				p, err := vision.NewPurseAt(budget, kept, clock)
				if err != nil {
					t.Fatal(err)
				}
				elapsed += time.Second
				want := c.left
				if start == "second" {
					want = 0 // all of it was spent
				}
				if n := count(t, 200, func() error { return p.Spend("A") }); n != want {
					t.Errorf("%s start: %d calls, want %d", start, n, want)
				}
				kept.load = nil
				elapsed = 0
			}
			elapsed = 65 * time.Minute
			p, err := vision.NewPurseAt(budget, kept, func() (time.Time, time.Duration) { return now.Add(elapsed), elapsed - 65*time.Minute })
			if err != nil {
				t.Fatal(err)
			}
			elapsed += time.Second
			if n := count(t, 200, func() error { return p.Spend("A") }); n != 100 {
				t.Errorf("an hour later: %d calls, want 100", n)
			}
		})
	}
}

func TestLedgerFailures(t *testing.T) {
	budget := vision.Budget{CallsPerSecond: 5, USDPerHour: 2, USDPerCall: 0.001}
	denied := errors.New("permission denied")
	if _, err := vision.NewPurse(budget, &memory{load: denied}); !errors.Is(err, denied) {
		t.Errorf("unreadable ledger: error %v", err)
	}
	full := errors.New("no space left on device")
	kept := &memory{save: full}
	p := newPurse(t, budget, kept)
	err := p.Spend("A", "B")
	if !errors.Is(err, full) || !errors.Is(err, vision.ErrThrottled) {
		t.Errorf("ledger that cannot be written: error %v", err)
	}
	if p.SpentUSD() != 0 || p.Refused() != 1 {
		t.Errorf("spent $%v, refused %d", p.SpentUSD(), p.Refused())
	}
	kept.save = nil
	if err := p.Spend("A", "B"); err != nil {
		t.Errorf("ledger that can be written again: %v", err)
	}
	want := []vision.Spending{{Minute: kept.spent[0].Minute, Calls: 5}}
	if d := cmp.Diff(want, kept.spent); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
}

// world is true time, and a clock on the wall that people and programs set.
type world struct {
	now    time.Duration
	wall   time.Time // at true time 0
	ahead  bool      // set forward, and nothing was saved since
	ledger memory
}

func (w *world) Load() ([]vision.Spending, error) { return w.ledger.Load() }

func (w *world) Save(s []vision.Spending) error {
	w.ahead = false
	return w.ledger.Save(s)
}

// start is a start of the program.
func (w *world) start(t *testing.T, b vision.Budget) *vision.Purse {
	t.Helper()
	began := w.now
	p, err := vision.NewPurseAt(b, w, func() (time.Time, time.Duration) { return w.wall.Add(w.now), w.now - began })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pass lets time stand still, pass, or leap, and now and then sets the clock.
func (w *world) pass(random *rand.Rand) {
	switch n := random.IntN(100_000); {
	case n < 5:
		w.now += time.Duration(random.Int64N(int64(3 * time.Hour)))
	case n < 50:
		w.now += time.Duration(random.Int64N(int64(10 * time.Minute)))
	case n < 20_000:
		w.now += time.Duration(random.Int64N(int64(500 * time.Millisecond)))
	case n > 99_980:
		by := time.Duration(random.Int64N(int64(6*time.Hour))) - 3*time.Hour
		w.wall, w.ahead = w.wall.Add(by), w.ahead || by > 0
	}
}

// TestPurseNeverOverspends makes a million calls, live and not, repeats included, of two APIs that are throttled now and
// then, over restarts and clocks that are set, and looks at every hour and every second that begins with a call.
// Only where the clock was set forward and the program crashed before it wrote the ledger again can a restart not know.
func TestPurseNeverOverspends(t *testing.T) {
	const asks = 1_000_000
	budgets := []vision.Budget{
		{CallsPerSecond: 5, USDPerHour: 2, USDPerCall: 0.001},
		{CallsPerSecond: 1000, USDPerHour: 2, USDPerCall: 0.001},
		{CallsPerSecond: 0.7, USDPerHour: 0.25, USDPerCall: 0.001},
		{CallsPerSecond: 40, USDPerHour: math.Inf(1), USDPerCall: 0.001},
	}
	for seed, b := range budgets {
		t.Run(fmt.Sprintf("%g a second, $%g an hour", b.CallsPerSecond, b.USDPerHour), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			w := &world{wall: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
			p := w.start(t, b)
			back := p.Background()
			var made []time.Duration
			restarts := 0
			for range asks / len(budgets) {
				w.pass(random)
				if random.IntN(3000) == 0 && !w.ahead {
					p, restarts = w.start(t, b), restarts+1
					back = p.Background()
				}
				calls, err := 1, error(nil)
				switch n := random.IntN(100); {
				case n < 60:
					calls, err = 2, p.Spend("A", "B")
				case n < 70:
					err = p.Spend("B")
				case n < 80:
					err = p.Again("A")
				case n < 98:
					calls, err = 2, back.Spend("A", "B")
				default:
					calls = 0
					p.Throttled("A")
				}
				for range calls {
					if err == nil {
						made = append(made, w.now)
					}
				}
			}
			within(t, made, time.Hour, math.Floor(b.USDPerHour/b.USDPerCall+1e-9))
			within(t, made, time.Second, b.CallsPerSecond+max(math.Ceil(b.CallsPerSecond), 2))
			t.Logf("%d calls in %v, %d restarts, %d writes", len(made), w.now.Round(time.Second), restarts, w.ledger.saves)
		})
	}
}

// within wants no stretch of time to hold more than the most.
func within(t *testing.T, made []time.Duration, stretch time.Duration, most float64) {
	t.Helper()
	first := 0
	for i, at := range made {
		for at-made[first] > stretch {
			first++
		}
		if n := i - first + 1; float64(n) > most {
			t.Fatalf("%d calls in the %v from %v, want %g at most", n, stretch, made[first], most)
		}
	}
}

// TestPurseSpendsWhatItMay wants an hour's money to be spent in an hour where there is enough to ask.
func TestPurseSpendsWhatItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 5, USDPerHour: 2, USDPerCall: 0.001}, new(memory))
		const hours = 3
		n := 0
		for range hours * 3600 {
			n += count(t, 1, func() error { return p.Spend("A") })
			time.Sleep(time.Second)
		}
		if n < hours*1990 {
			t.Errorf("%d calls in %d hours that pay 2000 each", n, hours)
		}
	})
}
