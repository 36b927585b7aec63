package policy

import (
	"errors"
	"math"
	"slices"
	"sync"
)

// ErrNoArms is returned by Weigh for a case without arms; ErrLength where the probabilities are not as many as the arms.
var (
	ErrNoArms = errors.New("policy: case has no arms")
	ErrLength = errors.New("policy: probabilities and arms differ in number")
)

// maxWeighed is how many arms a learned policy chooses among: those of the highest estimates.
const maxWeighed = 64

// snapshot is what a linear learner had learned at one time.
type snapshot struct {
	version string
	rule    rule
	alpha   float64
	prior   float64
	n       int
	arms    map[string]*fit
	shared  *fit
	room    sync.Pool // of *room
}

// room is what one Weigh computes in.
type room struct {
	context []hashed
	x       vector
	form    form
	// known are the fits of the case's arms, nil where nothing was learned; the others are theirs without gaps.
	known            []*fit
	weights          [][]float64
	inverses         [][]float32
	means, variances []float64
	parts            []part
	est              estimates
}

// part is what one feature of an arm gives to the shared model's estimate in this context.
type part struct {
	hash  uint64
	value float64
}

// estimates are what is known of the arms that are weighed.
type estimates struct {
	arm    []int // index in the case
	mean   []float64
	spread []float64 // alpha times the standard error
	sorted []float64 // means in rising order, to find the highest
	quad   quadrature
}

func newRoom(n int) *room { return &room{x: newVector(n)} }

// Version names the kind of policy, its dimensions, and a hash of its settings and lessons.
func (s *snapshot) Version() string { return s.version }

// Weigh sets p to the probabilities of the arms. Of more than 64 arms those outside the 64 highest estimates get 0. It
// allocates nothing once warm.
func (s *snapshot) Weigh(c *Case, p []float64) error {
	if err := check(c, p); err != nil {
		return err
	}
	r := s.room.Get().(*room)
	defer s.room.Put(r)
	s.estimate(c, r)
	clear(p)
	s.rule.weigh(&r.est, p)
	return nil
}

func check(c *Case, p []float64) error {
	if len(c.Arms) == 0 {
		return ErrNoArms
	}
	if len(p) != len(c.Arms) {
		return ErrLength
	}
	return nil
}

// estimate fills in r.est.
func (s *snapshot) estimate(c *Case, r *room) {
	r.context = hashAll(r.context[:0], c.Context)
	r.x.setContext(r.context)
	r.parts = r.parts[:0]
	square := r.x.square()
	common := s.common(r)

	s.fits(c, r)
	means, variances := r.means, r.variances
	e := &r.est
	e.arm, e.mean, e.spread = e.arm[:0], e.mean[:0], e.spread[:0]
	for i := range c.Arms {
		a := &c.Arms[i]
		start := common
		for _, f := range a.Features {
			if v := clampValue(f.Value); v != 0 {
				start += v * s.part(r, hashName(f.Name))
			}
		}
		mean, variance := start, square/s.prior
		if r.known[i] != nil {
			variance = variances[0]
			// The share of the prior in what is known at x: 1 for a new arm, falling to 0 as lessons come in.
			mean = means[0] + start*s.prior*variance/square
			means, variances = means[1:], variances[1:]
		}
		e.arm = append(e.arm, i)
		e.mean = append(e.mean, mean)
		e.spread = append(e.spread, s.alpha*math.Sqrt(variance))
	}
	e.keepHighest(maxWeighed)
}

// fits finds what was learned of the case's arms, and the estimates and variances that follow from it.
func (s *snapshot) fits(c *Case, r *room) {
	r.known, r.weights, r.inverses = r.known[:0], r.weights[:0], r.inverses[:0]
	for i := range c.Arms {
		f := s.arms[c.Arms[i].Instrument]
		r.known = append(r.known, f)
		if f != nil {
			r.weights, r.inverses = append(r.weights, f.weights), append(r.inverses, f.inverse)
		}
	}
	r.form.set(&r.x)
	r.means = r.form.means(r.means[:0], r.weights)
	r.variances = r.form.variances(r.variances[:0], r.inverses)
}

// common returns the shared model's estimate for an arm without features.
func (s *snapshot) common(r *room) float64 {
	w := s.shared.weights
	sum := w[0]
	for _, c := range r.context {
		i, v := place(c.hash, c.value, len(w))
		sum += w[i] * v
	}
	return sum
}

// part returns what an arm's feature of value 1 adds to the shared model's estimate in this context. Arms have most of
// their features in common, so that each is computed once.
func (s *snapshot) part(r *room, hash uint64) float64 {
	for i := range r.parts {
		if r.parts[i].hash == hash {
			return r.parts[i].value
		}
	}
	w := s.shared.weights
	i, v := place(hash, 1, len(w))
	sum := w[i] * v
	for _, c := range r.context {
		i, v := place(hashPair(hash, c.hash), c.value, len(w))
		sum += w[i] * v
	}
	r.parts = append(r.parts, part{hash, sum})
	return sum
}

// keepHighest leaves the n arms of the highest means, in the case's order; earlier ones first among equals.
func (e *estimates) keepHighest(n int) {
	if len(e.arm) <= n {
		return
	}
	e.sorted = append(e.sorted[:0], e.mean...)
	slices.Sort(e.sorted)
	floor := e.sorted[len(e.sorted)-n]
	above := 0
	for _, m := range e.mean {
		if m > floor {
			above++
		}
	}
	ties, kept := n-above, 0
	for i, m := range e.mean {
		if m < floor || m == floor && ties == 0 {
			continue
		}
		if m == floor {
			ties--
		}
		e.arm[kept], e.mean[kept], e.spread[kept] = e.arm[i], m, e.spread[i]
		kept++
	}
	e.arm, e.mean, e.spread = e.arm[:kept], e.mean[:kept], e.spread[:kept]
}
