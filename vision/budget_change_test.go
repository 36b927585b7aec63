package vision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

// TestPurseLimitsChange: other limits count from the next call on, for the background too, and forget nothing that was spent.
func TestPurseLimitsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 100, USDPerHour: 0.010, USDPerCall: 0.001}, nil)
		behind := p.Background()
		one := func() error { return p.Spend("A") }
		if n := count(t, 20, one); n != 10 {
			t.Fatalf("%d calls for a cent, want 10", n)
		}
		p.SetLimits(100, 0.015)
		time.Sleep(time.Second)
		if n := count(t, 20, one); n != 5 {
			t.Errorf("%d more calls for half a cent more, want 5", n)
		}
		p.SetLimits(100, 0.005)
		time.Sleep(time.Second)
		if n := count(t, 20, one); n != 0 {
			t.Errorf("%d calls above a ceiling that was lowered below what is spent", n)
		}
		p.SetLimits(2, 1)
		time.Sleep(2 * time.Second)
		if n := count(t, 20, one); n != 2 {
			t.Errorf("%d calls at once at two a second, want 2", n)
		}
		time.Sleep(time.Second)
		if n := count(t, 20, func() error { return behind.Spend("A") }); n > 2 || n == 0 {
			t.Errorf("%d background calls at two a second", n)
		}
		if b := behind.Budget(); b.CallsPerSecond != 2 || b.USDPerHour != 1 || b.USDPerCall != 0.001 {
			t.Errorf("budget %+v", b)
		}
	})
}

// TestPurseLimitsOfASlowedAPI: an API that Amazon throttled is not asked faster at once because the limit was raised.
func TestPurseLimitsOfASlowedAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPurse(t, vision.Budget{CallsPerSecond: 8, USDPerHour: 100, USDPerCall: 0.001}, nil)
		one := func() error { return p.Spend("A") }
		count(t, 8, one)
		p.Throttled("A") // to four a second
		p.SetLimits(16, 100)
		time.Sleep(time.Second)
		if n := count(t, 30, one); n < 4 || n > 6 {
			t.Errorf("%d calls in the second after, want about 4", n)
		}
		time.Sleep(2 * time.Minute)
		count(t, 30, one)
		time.Sleep(time.Second)
		if n := count(t, 30, one); n != 16 {
			t.Errorf("%d calls a second after two minutes, want 16", n)
		}
	})
}
