package policy

import "math"

const (
	// nodes is how many points an integral is taken at, and reach how many standard errors around a mean matter.
	nodes = 32
	reach = 5
	// minSpread keeps a normal distribution from being a point.
	minSpread = 1e-9
)

// quadrature computes probabilities of being the largest. It is room to compute in, and keeps nothing.
type quadrature struct {
	sums   []float64
	below  []float64 // the distribution of each number at this node
	others []float64 // the product of those of all others
	before []float64 // below at the node before
	beside []float64 // others at the node before
}

// largest returns for each of some independent normal numbers the probability that it is the largest of them; good until
// the next call. The integral over t of one number's density times the others' distributions is taken as a Stieltjes sum,
// which holds also where a spread is far below the distance of the nodes. These are closer where the largest is found first.
func (q *quadrature) largest(mean, spread []float64) []float64 {
	q.resize(len(mean))
	low, high := math.Inf(-1), math.Inf(-1)
	for i, m := range mean {
		s := max(spread[i], minSpread)
		low, high = max(low, m-reach*s), max(high, m+reach*s)
	}
	q.at(low, mean, spread)
	var total float64
	for k := 1; k < nodes; k++ {
		q.before, q.below = q.below, q.before
		q.beside, q.others = q.others, q.beside
		u := float64(k) / (nodes - 1)
		q.at(low+(high-low)*u*u, mean, spread)
		for i := range q.sums {
			part := (q.below[i] - q.before[i]) * (q.others[i] + q.beside[i]) / 2
			q.sums[i] += part
			total += part
		}
	}
	for i := range q.sums {
		q.sums[i] /= total
	}
	return q.sums
}

// at sets below and others for the node t.
func (q *quadrature) at(t float64, mean, spread []float64) {
	product := 1.0
	for i, m := range mean {
		q.below[i] = standardNormal.at((t - m) / max(spread[i], minSpread))
		q.others[i] = product
		product *= q.below[i]
	}
	product = 1
	for i := len(mean) - 1; i >= 0; i-- {
		q.others[i] *= product
		product *= q.below[i]
	}
}

func (q *quadrature) resize(n int) {
	for _, s := range []*[]float64{&q.sums, &q.below, &q.others, &q.before, &q.beside} {
		if cap(*s) < n {
			*s = make([]float64, n)
		}
		*s = (*s)[:n]
	}
	clear(q.sums)
}

// distribution is the standard normal distribution function, tabulated from -limit to limit.
type distribution [2*limit*perUnit + 2]float64

const (
	limit   = 7
	perUnit = 128
)

// standardNormal is never changed once made. Its error is below 2e-6.
var standardNormal = newDistribution()

func newDistribution() *distribution {
	var d distribution
	for i := range d {
		x := float64(i)/perUnit - limit
		d[i] = math.Erfc(-x/math.Sqrt2) / 2
	}
	return &d
}

func (d *distribution) at(x float64) float64 {
	switch {
	case x <= -limit:
		return 0
	case x >= limit:
		return 1
	}
	x = (x + limit) * perUnit
	i := int(x)
	return d[i] + (x-float64(i))*(d[i+1]-d[i])
}
