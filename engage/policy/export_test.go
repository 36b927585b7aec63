package policy

import (
	"maps"
	"slices"
)

// Known returns the ids of the arms that a learner knows, sorted.
func Known(l Learner) []string { return slices.Sorted(maps.Keys(l.(*linear).arms)) }

// Largest returns the probability of each of some normal numbers to be the largest.
func Largest(mean, spread []float64) []float64 { return new(quadrature).largest(mean, spread) }

// HashVector returns the hashed vector of a context.
func HashVector(n int, context []Feature) []float64 {
	v := newVector(n)
	v.setContext(hashAll(nil, context))
	return v.dense
}

// Regress has a ridge regression learn n observations that next makes, and returns the inverse, row by row, its weights,
// and the inverse made anew from the sums.
func Regress(o Options, n int, next func(x []float64) float64) (rows, anew [][]float64, weights []float64) {
	o = o.withDefaults(1)
	s := newSolver(o.Dimensions, o)
	r := newRidge(o.Dimensions, o.Ridge)
	x := newVector(o.Dimensions)
	for range n {
		x.clear()
		reward := next(x.dense)
		x.index()
		r.observe(&x, reward, s)
	}
	rows = unpack(r.inverse, o.Dimensions)
	s.invert(r.sum, r.inverse)
	return rows, unpack(r.inverse, o.Dimensions), r.weights
}

func unpack(m []float64, n int) [][]float64 {
	var rows [][]float64
	for i := range n {
		line := make([]float64, n)
		for j := range n {
			line[j] = m[row(min(i, j), n)+max(i, j)]
		}
		rows = append(rows, line)
	}
	return rows
}

// Variances returns x'mx for some symmetric matrices, given row by row, as decisions compute it.
func Variances(x []float64, matrices ...[][]float64) []float64 {
	v := newVector(len(x))
	copy(v.dense, x)
	v.index()
	var packed [][]float32
	for _, m := range matrices {
		var p []float32
		for i := range m {
			for _, v := range m[i][i:] {
				p = append(p, float32(v))
			}
		}
		packed = append(packed, p)
	}
	var f form
	f.set(&v)
	return f.variances(nil, packed)
}
