package policy

import "fmt"

// MaxExplore is the largest share of decisions that Explore leaves to chance.
const MaxExplore = 0.5

// Explore returns p with a share of the decisions, from 0 to MaxExplore, left to chance: each of n arms then has at least
// the probability share/n. A larger share counts as MaxExplore, one that is not above 0 returns p itself.
func Explore(p Policy, share float64) Policy {
	if !(share > 0) {
		return p
	}
	share = min(share, MaxExplore)
	return &explorer{Policy: p, share: share, version: fmt.Sprintf("%s+%g", p.Version(), share)}
}

type explorer struct {
	Policy
	share   float64
	version string
}

func (e *explorer) Version() string { return e.version }

func (e *explorer) Weigh(c *Case, p []float64) error {
	if err := e.Policy.Weigh(c, p); err != nil {
		return err
	}
	floor := e.share / float64(len(p))
	for i := range p {
		p[i] = p[i]*(1-e.share) + floor
	}
	return nil
}

// Draw returns the n-th random choice of a seed: i with the probability p[i], whatever the p add up to. It never returns
// an index whose probability is not above 0, and -1 when there is no other. Draws of different n are independent, and the
// same seed, n and p give the same draw.
func Draw(p []float64, seed, n uint64) int {
	var total float64
	for _, v := range p {
		if v > 0 {
			total += v
		}
	}
	// The upper 53 bits are a number in [0, 1).
	left := total * (float64(hashPair(hashPair(seed, 0x5bd1e995), n)>>11) / (1 << 53))
	last := -1
	for i, v := range p {
		if !(v > 0) {
			continue
		}
		if left < v {
			return i
		}
		left -= v
		last = i
	}
	return last
}
