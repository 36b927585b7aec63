package vision_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

func newPurse(t *testing.T, b vision.Budget, l vision.Ledger) *vision.Purse {
	t.Helper()
	p, err := vision.NewPurse(b, l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// count asks so many times and returns how often it was allowed.
func count(t *testing.T, times int, ask func() error) int {
	t.Helper()
	n := 0
	for range times {
		if err := ask(); err == nil {
			n++
		} else if !errors.Is(err, vision.ErrThrottled) {
			t.Fatalf("error %q does not wrap vision.ErrThrottled", err)
		}
	}
	return n
}

func TestPursePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 5, USDPerHour: 2, USDPerCall: 0.001}, nil)
		both := func() error { return p.Spend("A", "B") }
		if n := count(t, 3, both); n != 2 { // 5 calls are two pictures and a half
			t.Fatalf("%d pictures at once, want 2", n)
		}
		time.Sleep(200 * time.Millisecond) // one call more makes two
		if n := count(t, 2, both); n != 1 {
			t.Fatalf("%d pictures after 200 ms, want 1", n)
		}
		time.Sleep(200 * time.Millisecond)
		if err := p.Again("A"); err != nil {
			t.Errorf("repeat of a call: %v", err)
		}
		if p.Asked() != 5 || p.Refused() != 2 || p.Calls("A") != 4 || p.Calls("B") != 3 || math.Abs(p.SpentUSD()-0.007) > 1e-12 {
			t.Errorf("asked %d, refused %d, calls %d and %d, spent $%v; want 5, 2, 4 and 3, $0.007",
				p.Asked(), p.Refused(), p.Calls("A"), p.Calls("B"), p.SpentUSD())
		}
	})
}

func TestPurseSlowerThanOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 0.5}, nil)
		n := 0
		for range 41 { // two calls at once, then one picture in four seconds
			n += count(t, 1, func() error { return p.Spend("A", "B") })
			time.Sleep(time.Second)
		}
		if n != 11 {
			t.Errorf("%d pictures in 40 s, want 11", n)
		}
	})
}

func TestPurseMoney(t *testing.T) {
	cases := []struct {
		name   string
		budget vision.Budget
		want   int // pictures of two calls at once
	}{
		{"nothing to spend", vision.Budget{USDPerCall: 0.001}, 0},
		{"less than a picture", vision.Budget{USDPerHour: 0.0019, USDPerCall: 0.001}, 0},
		{"whole pictures only", vision.Budget{USDPerHour: 0.0059, USDPerCall: 0.001}, 2},
		{"sum that floats fall short of", vision.Budget{USDPerHour: 0.6, USDPerCall: 0.1}, 3},
		{"no ceiling", vision.Budget{USDPerHour: math.Inf(1), USDPerCall: 0.001}, 50},
		{"free of charge", vision.Budget{}, 50},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.budget.CallsPerSecond = math.Inf(1)
			p := newPurse(t, c.budget, nil)
			if n := count(t, 50, func() error { return p.Spend("A", "B") }); n != c.want {
				t.Errorf("%d pictures, want %d", n, c.want)
			}
		})
	}
}

// TestPurseMessages wants each refusal to name its limit and the configuration's key for it.
func TestPurseMessages(t *testing.T) {
	slowed := func(p *vision.Purse) {
		for range 10 {
			p.Throttled("DetectLabels")
		}
		_ = p.Spend("DetectLabels")
		_ = p.Spend("DetectLabels")
	}
	cases := []struct {
		name   string
		budget vision.Budget
		before func(*vision.Purse)
		says   []string
	}{
		{"money", vision.Budget{CallsPerSecond: 5, USDPerHour: 0.001, USDPerCall: 0.001}, nil, []string{"$0.002", "$0.00", "usd_per_hour"}},
		{"pace", vision.Budget{CallsPerSecond: 0}, nil, []string{"0 calls a second", "calls_per_second"}},
		{"throttled", vision.Budget{CallsPerSecond: 4}, slowed, []string{"DetectLabels", "2 calls a second", "quota"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPurse(t, c.budget, nil)
				if c.before != nil {
					c.before(p)
				}
				err := p.Spend("RecognizeCelebrities", "DetectLabels")
				if !errors.Is(err, vision.ErrThrottled) {
					t.Fatalf("error %v, want vision.ErrThrottled", err)
				}
				for _, want := range c.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
			})
		})
	}
}

// TestPurseThrottled follows the limit of one API down, and up again within a minute, while the other's stays.
func TestPurseThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 16}, nil)
		perSecond := func(api string) int {
			time.Sleep(time.Second)
			n := count(t, 100, func() error { return p.Spend(api) })
			time.Sleep(time.Second)
			return n
		}
		p.Throttled("A")
		p.Throttled("A") // was under way at the same time
		if a, b := perSecond("A"), perSecond("B"); a != 8 || b != 16 {
			t.Errorf("after one refusal %d and %d at once, want 8 and 16", a, b)
		}
		for range 20 {
			time.Sleep(time.Second)
			p.Throttled("A")
		}
		n := 0
		for range 10 { // one a second at the floor of a sixteenth, and what grows
			n += count(t, 100, func() error { return p.Spend("A") })
			time.Sleep(time.Second)
			p.Throttled("A")
		}
		if n < 9 || n > 20 {
			t.Errorf("%d calls in 10 s at the floor, want about one a second", n)
		}
		before := p.Calls("B")
		if err := p.Spend("A", "B"); err == nil {
			_ = p.Spend("A", "B")
			before = p.Calls("B")
			err = p.Spend("A", "B")
			if err == nil {
				t.Error("three pictures at once at the floor")
			}
		}
		if p.Calls("B") != before {
			t.Error("a refused picture took a call of the other API")
		}
		time.Sleep(time.Minute)
		_ = p.Spend("A") // its pace is that of a moment ago until it is asked
		if a := perSecond("A"); a != 16 {
			t.Errorf("a minute later %d at once, want 16", a)
		}
	})
}

func TestPurseBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 10, USDPerHour: 0.1, USDPerCall: 0.001}, nil)
		back := p.Background()
		both := func() error { return back.Spend("A", "B") }
		if n := count(t, 10, both); n != 2 { // 10 calls, 5 of which are for live pictures
			t.Errorf("%d background pictures at once, want 2", n)
		}
		if n := count(t, 10, func() error { return p.Spend("A", "B") }); n != 3 {
			t.Errorf("%d live pictures after them, want 3", n)
		}
		n := 5
		for range 100 {
			time.Sleep(time.Second)
			n += count(t, 1, both)
		}
		if n != 37 { // 75 of the 100 calls
			t.Errorf("%d pictures before the background ended, want 37", n)
		}
		if err := back.Again("A"); err != nil {
			t.Errorf("the 75th call: %v", err)
		}
		if err := back.Again("A"); !errors.Is(err, vision.ErrThrottled) || !strings.Contains(err.Error(), "live pictures") {
			t.Errorf("error %v: want one that says what is kept", err)
		}
		live := 0
		for range 100 {
			time.Sleep(time.Second)
			live += count(t, 1, func() error { return p.Spend("A") })
		}
		if live != 25 {
			t.Errorf("%d live calls afterwards, want 25", live)
		}
	})
}

// TestPurseBackgroundAtALowPace wants background pictures to be asked at any pace that leaves room between live ones.
func TestPurseBackgroundAtALowPace(t *testing.T) {
	for _, pace := range []float64{0.5, 1, 2, 2.5} {
		synctest.Test(t, func(t *testing.T) {
			p := newPurse(t, vision.Budget{CallsPerSecond: pace}, nil).Background()
			n := 0
			for range 100 {
				time.Sleep(time.Second)
				n += count(t, 1, func() error { return p.Spend("A", "B") })
			}
			if n < 24 {
				t.Errorf("%d background pictures in 100 s at %g calls a second", n, pace)
			}
		})
	}
}

func TestPurseConcurrent(t *testing.T) {
	p := newPurse(t, vision.Budget{CallsPerSecond: math.Inf(1), USDPerHour: 0.2, USDPerCall: 0.001}, new(memory))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				_ = p.Spend("A", "B")
				_, _ = p.SpentUSD(), p.Refused()
			}
			p.Throttled("A")
		})
	}
	all.Wait()
	if got := p.Asked() - p.Refused(); got != 100 || p.Calls("A") != 100 || p.Calls("B") != 100 {
		t.Errorf("%d pictures of %d and %d calls, want 100", got, p.Calls("A"), p.Calls("B"))
	}
}
