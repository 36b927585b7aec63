package policy

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// ridge is a ridge regression that is learned one observation at a time. The inverse of its covariance follows each by a
// rank-one update (Sherman and Morrison), and is made anew from the sums after as many as it has dimensions: that costs the
// same again, keeps rounding from adding up, and is when the past is discounted. The sums are kept without the ridge, which
// is therefore never discounted (compare Russac et al. 2019, arXiv:1909.09146): what is forgotten goes back to the prior
// and no further. Symmetric matrices are kept as packed upper triangles, row by row.
type ridge struct {
	// sum is that of x times its transpose, and moment that of x times reward, over the discounted past.
	sum    []float64
	moment []float64
	// inverse is that of sum plus the ridge; the weights are its product with moment.
	inverse []float64
	weights []float64
	// pending counts the rank-one updates since inverse and weights were last made anew.
	pending int
	// frozen is the fit as it is now, nil until it is asked for.
	frozen *fit
}

// fit is what a decision reads of a ridge regression. It is not changed once made.
type fit struct {
	weights []float64
	// inverse is in half the precision, so that twice as many arms stay in a processor's cache: a standard error is not known to
	// seven digits anyway.
	inverse []float32
}

func packedLen(n int) int { return n * (n + 1) / 2 }

// row returns what added to a column j >= i gives the place of (i, j) in a packed triangle of n rows.
func row(i, n int) int { return i * (2*n - i - 1) / 2 }

func newRidge(n int, prior float64) *ridge {
	r := &ridge{
		sum: make([]float64, packedLen(n)), moment: make([]float64, n),
		inverse: make([]float64, packedLen(n)), weights: make([]float64, n),
	}
	for i := range n {
		r.inverse[row(i, n)+i] = 1 / prior
	}
	return r
}

// freeze returns the fit as it is now.
func (r *ridge) freeze() *fit {
	if r.frozen == nil {
		r.frozen = &fit{weights: slices.Clone(r.weights), inverse: make([]float32, len(r.inverse))}
		for i, v := range r.inverse {
			r.frozen.inverse[i] = float32(v)
		}
	}
	return r.frozen
}

// observe learns that x gave that reward. It returns what was expected, and its variance for rewards of unit variance. An estimate
// above 1, the highest reward, is no error where the reward was 1, and is not brought down by it: a squared loss that is cut off
// so fits choices that are mostly right better (the squared hinge of Zhang 2004, doi:10.1214/aos/1079120130). Below 0 it is not cut
// off: an arm that was thought worse than nothing would stay so when viewers come to like it.
func (r *ridge) observe(x *vector, reward float64, s *solver) (expected, variance float64) {
	r.frozen = nil
	n := len(r.moment)
	u := s.times(r.inverse, x)
	expected, variance = x.dot(r.weights), max(x.dot(u.Data), 0)
	if reward >= 1 {
		reward = max(reward, expected)
	}
	scale := 1 / (1 + variance)
	blas64.Axpy((reward-expected)*scale, u, vectorOf(r.weights))
	blas64.Spr(-scale, u, packed(r.inverse, n))
	for k, i := range x.nonzero {
		at, xi := row(i, n), x.dense[i]
		r.moment[i] += reward * xi
		for _, j := range x.nonzero[k:] {
			r.sum[at+j] += xi * x.dense[j]
		}
	}
	r.pending++
	if r.pending >= n {
		r.refresh(s, math.Pow(s.discount, float64(r.pending)))
	}
	return expected, variance
}

// add adds to the reward of an observation that was learned before. It returns the variance of the estimate at x, for rewards of
// unit variance.
func (r *ridge) add(x *vector, reward float64, s *solver) (variance float64) {
	r.frozen = nil
	for _, i := range x.nonzero {
		r.moment[i] += reward * x.dense[i]
	}
	u := s.times(r.inverse, x)
	blas64.Axpy(reward, u, vectorOf(r.weights))
	return max(x.dot(u.Data), 0)
}

// refresh scales the past by keep and makes the fit anew from it.
func (r *ridge) refresh(s *solver, keep float64) {
	r.frozen = nil
	for i := range r.sum {
		r.sum[i] *= keep
	}
	blas64.Scal(keep, vectorOf(r.moment))
	r.pending = 0
	if !s.invert(r.sum, r.inverse) {
		*r = *newRidge(len(r.moment), s.prior)
		return
	}
	blas64.Spmv(1, packed(r.inverse, len(r.moment)), vectorOf(r.moment), 0, vectorOf(r.weights))
}

// solver is what the ridge regressions of one size share: settings and room to compute in.
type solver struct {
	prior, discount float64
	u               []float64
	sym, inv        *mat.SymDense
	chol            mat.Cholesky
}

func newSolver(n int, o Options) *solver {
	return &solver{
		prior: o.Ridge, discount: o.Discount,
		u: make([]float64, n), sym: mat.NewSymDense(n, nil), inv: mat.NewSymDense(n, nil),
	}
}

// times returns the product of a packed matrix with x, good until the next call.
func (s *solver) times(m []float64, x *vector) blas64.Vector {
	u := vectorOf(s.u)
	blas64.Spmv(1, packed(m, len(s.u)), vectorOf(x.dense), 0, u)
	return u
}

// invert sets inverse to the inverse of sum plus the ridge. It returns false when there is none to be had.
func (s *solver) invert(sum, inverse []float64) bool {
	n := len(s.u)
	for i := range n {
		at := row(i, n)
		s.sym.SetSym(i, i, sum[at+i]+s.prior)
		for j := i + 1; j < n; j++ {
			s.sym.SetSym(i, j, sum[at+j])
		}
	}
	if !s.chol.Factorize(s.sym) || s.chol.InverseTo(s.inv) != nil {
		return false
	}
	for i := range n {
		at := row(i, n)
		copy(inverse[at+i:at+n], s.inv.RawSymmetric().Data[i*n+i:(i+1)*n])
	}
	return true
}

func vectorOf(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Data: v, Inc: 1} }

func packed(m []float64, n int) blas64.SymmetricPacked {
	return blas64.SymmetricPacked{N: n, Data: m, Uplo: blas.Upper}
}
