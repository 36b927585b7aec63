package offline

import (
	"errors"
	"math"

	"github.com/cespare/xxhash/v2"
	"gonum.org/v1/gonum/mat"

	"spotter/engage/policy"
)

const (
	// dimensions of the reward model, a power of two; one more is the constant.
	dimensions = 256
	// folds of the cross-fitting.
	folds = 5
	// ridge is the penalty on the squares of the coefficients.
	ridge = 1.0
)

// rewardModel predicts an arm's reward: ridge regression over hashed features (Weinberger et al. 2009, arXiv:0902.2206),
// cross-fitted: a decision is predicted by what was fitted without its fold, as the doubly robust estimate asks for.
type rewardModel struct {
	moments [folds]moments
	weights [folds][]float64
	vector  vector
}

// moments are what ridge regression needs to know of a fold.
type moments struct {
	products []float64 // lower triangle of the matrix of second moments, row-major
	rewards  []float64 // sums of feature times reward
}

func newRewardModel() *rewardModel {
	m := &rewardModel{}
	for i := range m.moments {
		m.moments[i] = moments{products: make([]float64, (dimensions+1)*(dimensions+1)), rewards: make([]float64, dimensions+1)}
	}
	return m
}

// add takes in the arm that was chosen and its reward.
func (m *rewardModel) add(s *Sample, fold int) {
	v := &m.vector
	v.context(s.Case.Context)
	v.arm(&s.Case.Arms[s.Choice])
	of := &m.moments[fold]
	for _, i := range v.touched {
		x := v.value[i]
		of.rewards[i] += x * s.Reward
		row := of.products[i*(dimensions+1):]
		for _, j := range v.touched {
			if j <= i {
				row[j] += x * v.value[j]
			}
		}
	}
}

// fit solves the regression for each fold from the moments of all others, over the dimensions that are in use.
func (m *rewardModel) fit() error {
	const n = dimensions + 1
	var total moments
	total.products, total.rewards = make([]float64, n*n), make([]float64, n)
	for _, of := range m.moments {
		for i, x := range of.products {
			total.products[i] += x
		}
		for i, x := range of.rewards {
			total.rewards[i] += x
		}
	}
	var used []int
	for i := range n {
		if total.products[i*n+i] > 0 {
			used = append(used, i)
		}
	}
	for fold, of := range m.moments {
		m.weights[fold] = make([]float64, n)
		if len(used) == 0 {
			continue
		}
		a := mat.NewSymDense(len(used), nil)
		b := mat.NewVecDense(len(used), nil)
		for r, i := range used {
			for c, j := range used[:r+1] {
				a.SetSym(r, c, total.products[i*n+j]-of.products[i*n+j])
			}
			a.SetSym(r, r, a.At(r, r)+ridge)
			b.SetVec(r, total.rewards[i]-of.rewards[i])
		}
		var factors mat.Cholesky
		if !factors.Factorize(a) {
			return errors.New("the reward model's moments are not positive definite: a feature is too large")
		}
		w := mat.NewVecDense(len(used), nil)
		if err := factors.SolveVecTo(w, b); err != nil {
			return err
		}
		for r, i := range used {
			m.weights[fold][i] = w.AtVec(r)
		}
	}
	return nil
}

// predict sets q to the reward, 0 to 1, that each arm is expected to bring.
func (m *rewardModel) predict(c *policy.Case, fold int, q []float64) {
	v := &m.vector
	v.context(c.Context)
	for i := range c.Arms {
		v.arm(&c.Arms[i])
		sum := 0.0
		for _, j := range v.touched {
			sum += m.weights[fold][j] * v.value[j]
		}
		q[i] = min(max(sum, 0), 1)
	}
}

// vector is one arm's hashed features: the constant, the context, the instrument's id, the arm's features, and the context
// once more for this instrument alone.
type vector struct {
	hashes  []uint64 // of the context
	values  []float64
	value   [dimensions + 1]float64
	touched []int // indexes of value that are in use
	in      [dimensions + 1]bool
}

func (v *vector) context(features []policy.Feature) {
	v.hashes, v.values = v.hashes[:0], v.values[:0]
	for _, f := range features {
		v.hashes = append(v.hashes, xxhash.Sum64String(f.Name))
		v.values = append(v.values, clamp(f.Value))
	}
}

// arm sets the vector to an arm in the context given before.
func (v *vector) arm(a *policy.Arm) {
	for _, i := range v.touched {
		v.value[i], v.in[i] = 0, false
	}
	v.touched = v.touched[:0]
	v.set(dimensions, 1)
	id := mix(xxhash.Sum64String(a.Instrument) + 1)
	v.hash(id, 1)
	for i, h := range v.hashes {
		v.hash(mix(h), v.values[i])
		v.hash(mix(h^id), v.values[i])
	}
	for _, f := range a.Features {
		v.hash(mix(xxhash.Sum64String(f.Name)+2), clamp(f.Value))
	}
}

func (v *vector) hash(h uint64, x float64) {
	if h>>63 == 1 {
		x = -x
	}
	v.set(int(h%dimensions), x)
}

func (v *vector) set(i int, x float64) {
	if !v.in[i] {
		v.in[i] = true
		v.touched = append(v.touched, i)
	}
	v.value[i] += x
}

// clamp bounds a feature as policies do.
func clamp(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, -10), 10)
}

// mix spreads the bits of x: the finaliser of SplitMix64 (Steele et al. 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
