package offline_test

import (
	"math"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"spotter/engage/offline"
	"spotter/engage/policy"
)

// TestCoverage makes many logs of which the truth is known and counts how often the intervals hold it.
func TestCoverage(t *testing.T) {
	runs, resamples, low, high := 1000, 500, 0.93, 0.97
	if testing.Short() {
		// Of 200 runs at 95 % one in a thousand misses more than 3.3 standard errors of 1.54 %.
		runs, resamples, low, high = 200, 200, 0.899, 1.0
	}
	uniform := func(*world) policy.Policy { return policy.Uniform() }
	for _, c := range []struct {
		name               string
		sharpness, explore float64 // of the logging policy
		decisions, viewers int
		taste              float64
		target             func(*world) policy.Policy
	}{
		{"uniform log, sharp target", 0, 1, 1500, 0, 0, func(w *world) policy.Policy { return sharp{w, 8, 0} }},
		{"sharp log with little exploration, uniform target", 8, 0.1, 1500, 0, 0, uniform},
		{"softmax log, fixed instrument", 3, 0.2, 1500, 0, 0, func(*world) policy.Policy { return offline.Fixed("quiz") }},
		{"viewers with a taste of their own", 3, 0.2, 2000, 300, 1.5, uniform},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.viewers == 0 && c.explore >= 0.2 {
				t.Skip("left out in short mode")
			}
			w := newWorld(7, c.sharpness, c.explore)
			w.taste = c.taste
			target := c.target(w)
			truth := [4]float64{w.logged(), w.value(target), w.value(target), w.value(target)}
			if testing.Short() {
				c.decisions /= 4
				c.viewers /= 4
			}
			hits := make([][4]bool, runs)
			var g errgroup.Group
			g.SetLimit(runtime.GOMAXPROCS(0))
			for i := range hits {
				g.Go(func() error {
					r, err := offline.Evaluate(offline.Of(w.log(uint64(i), c.decisions, c.viewers)), target,
						offline.Options{Resamples: resamples, Seed: uint64(i)})
					if err != nil {
						return err
					}
					for k, e := range [4]offline.Estimate{r.Logged, r.IPS, r.SNIPS, r.DR} {
						hits[i][k] = e.Low <= truth[k] && truth[k] <= e.High
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			var share [4]float64
			for _, h := range hits {
				for k, hit := range h {
					if hit {
						share[k] += 1 / float64(runs)
					}
				}
			}
			t.Logf("%d runs of %d decisions: the 95%% intervals cover the truth: logged %.1f%%, IPS %.1f%%, SNIPS %.1f%%, DR %.1f%%",
				runs, c.decisions, 100*share[0], 100*share[1], 100*share[2], 100*share[3])
			for k, name := range []string{"logged", "IPS", "SNIPS", "DR"} {
				if s := math.Round(share[k]*1000) / 1000; s < low || s > high {
					t.Errorf("%s: %.1f%% of the intervals cover the truth, want %.0f%% to %.0f%%", name, 100*s, 100*low, 100*high)
				}
			}
		})
	}
}
