package policy

import "math"

const (
	ucbAlpha      = 0.15
	thompsonAlpha = 0.08
)

// weighUCB gives all to the arms of the highest upper confidence bound.
func weighUCB(e *estimates, p []float64) {
	best, ties := math.Inf(-1), 0
	for i, m := range e.mean {
		switch u := m + e.spread[i]; {
		case u > best:
			best, ties = u, 1
		case u == best:
			ties++
		}
	}
	for i, m := range e.mean {
		if m+e.spread[i] == best {
			p[e.arm[i]] = 1 / float64(ties)
		}
	}
}

// weighThompson gives each arm the probability that it is the largest of independent normal numbers. To draw from these
// is to sample the numbers and take the largest, but with a known propensity.
func weighThompson(e *estimates, p []float64) {
	for i, v := range e.quad.largest(e.mean, e.spread) {
		p[e.arm[i]] = v
	}
}
