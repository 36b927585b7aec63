package vision_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

// TestPurseLastHour: what was spent is forgotten after an hour, and not at a restart.
func TestPurseLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, kept := vision.Budget{CallsPerSecond: 1, USDPerHour: 1, USDPerCall: 0.001}, new(memory)
		p := newPurse(t, budget, kept)
		expect := func(p *vision.Purse, least, most float64) {
			t.Helper()
			if got := p.LastHourUSD(); got < least-1e-12 || got > most+1e-12 || math.IsNaN(got) {
				t.Errorf("$%v in the last hour, want $%v to $%v", got, least, most)
			}
		}
		expect(p, 0, 0)
		for range 10 {
			count(t, 1, func() error { return p.Spend("A") })
			time.Sleep(time.Second)
		}
		expect(p, 0.010, 0.010)
		again := newPurse(t, budget, kept)
		expect(again, 0.010, 0.015) // some are entered ahead
		time.Sleep(59 * time.Minute)
		expect(p, 0.010, 0.010)
		time.Sleep(2 * time.Minute)
		expect(p, 0, 0)
		time.Sleep(5 * time.Minute)
		expect(again, 0, 0)
	})
}
