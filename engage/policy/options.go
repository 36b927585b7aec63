package policy

import (
	"math"
	"math/bits"
)

// Options set up a learner. The zero Options are good defaults; a number out of its range is brought into it.
type Options struct {
	// Dimensions is the length of the vector that a case's context is hashed into: a power of two from 16 to 1024, 64 when
	// 0. An arm takes about 10*Dimensions^2 bytes, and a lesson time in proportion to Dimensions^2.
	Dimensions int
	// Alpha is how much an estimate's uncertainty counts, from 0 to 10: what LinUCB adds to an estimate, and what Thompson
	// sampling spreads it by, in standard errors for a reward of unit variance. 0 stands for the learner's own default.
	Alpha float64
	// Ridge is the weight of the prior: how many lessons it counts for. From 0.001 to 1e6; 1 when 0.
	Ridge float64
	// Discount is what a lesson is worth after each later lesson of the same instrument, from 0.9 to 1; 0.9998 when 0. 1
	// forgets nothing.
	Discount float64
	// MaxBytes bounds the memory for the arms and one snapshot of them; 64 MiB when 0. At least one arm is kept.
	MaxBytes int64
}

const (
	minDimensions     = 16
	maxDimensions     = 1024
	defaultDimensions = 64
	// sharedDimensions is the size of the model that the arms have in common. It is only where an arm starts from.
	sharedDimensions = 128
	defaultRidge     = 1
	defaultDiscount  = 0.9998
	defaultMaxBytes  = 64 << 20
)

// withDefaults fills in zeros and brings every number into its range.
func (o Options) withDefaults(alpha float64) Options {
	o.Dimensions = powerOfTwo(int(orElse(float64(o.Dimensions), defaultDimensions, minDimensions, maxDimensions)))
	o.Alpha = orElse(o.Alpha, alpha, 0, 10)
	o.Ridge = orElse(o.Ridge, defaultRidge, 0.001, 1e6)
	o.Discount = orElse(o.Discount, defaultDiscount, 0.9, 1)
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	return o
}

// orElse returns v within [low, high], or other where v is 0 or not a number.
func orElse(v, other, low, high float64) float64 {
	if v == 0 || math.IsNaN(v) {
		return other
	}
	return min(max(v, low), high)
}

// powerOfTwo returns the smallest power of two that is at least n, for n above 0.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }
