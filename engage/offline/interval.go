package offline

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Estimate is a mean with its confidence interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// ratio is an estimate in the making: the sum of a over the sum of b, over blocks that are independent of each other.
type ratio struct{ a, b []float64 }

// rounding is how much of a value its standard error must be to be one: where all blocks are alike, the sums' rounding leaves some
// 1e-8 of it.
const rounding = 1e-6

// spread returns the ratio and its standard error (the delta method) for sums of a, b, a*a, a*b and b*b.
func spread(a, b, aa, ab, bb float64) (value, sd float64) {
	value = a / b
	return value, math.Sqrt(max(aa-2*value*ab+value*value*bb, 0)) / b
}

// interval returns the ratio with its studentised bootstrap interval (Efron & Tibshirani 1993, section 12.5), which follows the
// skewness that importance weights have, where the percentile interval is too short. A block is drawn a Poisson(1) number of times,
// which for many blocks is the same as drawing with replacement (Hanley & MacGibbon 2006). Blocks of equal a/b leave nothing to
// resample: ok is then false.
func (r ratio) interval(resamples int, confidence float64, seed uint64, draws *poisson) (e Estimate, ok bool) {
	var a, b, aa, ab, bb float64
	for i, x := range r.a {
		y := r.b[i]
		a, b, aa, ab, bb = a+x, b+y, aa+x*x, ab+x*y, bb+y*y
	}
	if b == 0 {
		return Estimate{}, false
	}
	value, sd := spread(a, b, aa, ab, bb)
	e = Estimate{Value: value, Low: value, High: value}
	if !(sd > rounding*math.Abs(value)) {
		return e, false
	}
	ts := make([]float64, 0, resamples)
	for n := range resamples {
		v, s := r.resample(rand.NewPCG(seed, uint64(n)), draws)
		if t := (v - value) / s; !math.IsNaN(t) {
			ts = append(ts, t)
		}
	}
	if len(ts) == 0 {
		return e, false
	}
	slices.Sort(ts)
	tail := (1 - confidence) / 2
	e.Low = value - quantile(ts, 1-tail)*sd
	e.High = value - quantile(ts, tail)*sd
	return e, true
}

func (r ratio) resample(source *rand.PCG, draws *poisson) (value, sd float64) {
	var a, b, aa, ab, bb float64
	var bits uint64
	for i, x := range r.a {
		if i%4 == 0 {
			bits = source.Uint64()
		}
		k := draws[bits&0xffff]
		bits >>= 16
		if k == 0 {
			continue
		}
		n, y := float64(k), r.b[i]
		nx, ny := n*x, n*y
		a, b, aa, ab, bb = a+nx, b+ny, aa+nx*x, ab+nx*y, bb+ny*y
	}
	return spread(a, b, aa, ab, bb)
}

// quantile interpolates in sorted numbers; infinite ones are taken as they are.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) || sorted[i] == sorted[i+1] {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// poisson turns 16 random bits into a draw from the Poisson distribution with mean 1.
type poisson [1 << 16]uint8

func newPoisson() *poisson {
	var p poisson
	k, mass := uint8(0), math.Exp(-1)
	below := mass
	for i := range p {
		for (float64(i)+0.5)/float64(len(p)) > below {
			k++
			mass /= float64(k)
			below += mass
		}
		p[i] = k
	}
	return &p
}
