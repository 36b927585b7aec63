package policy

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
)

// rule turns the estimates of a case's arms into probabilities.
type rule struct {
	name string
	// alpha is the default of Options.Alpha.
	alpha float64
	weigh func(e *estimates, p []float64)
}

// NewLinUCB returns a learner that always chooses the arm with the highest upper confidence bound, ties shared: LinUCB, Li
// et al. 2010, arXiv:1003.0146, algorithm 1, with a discounted past and a prior that the arms share.
func NewLinUCB(o Options) Learner {
	return newLinear(rule{name: "linucb", alpha: ucbAlpha, weigh: weighUCB}, o)
}

// NewThompson returns a learner that chooses each arm with the probability that it is the best one, as far as is known:
// linear Thompson sampling, Agrawal and Goyal 2013, arXiv:1209.3352, with a discounted past and a prior that the arms share.
func NewThompson(o Options) Learner {
	return newLinear(rule{name: "thompson", alpha: thompsonAlpha, weigh: weighThompson}, o)
}

// linear learns a ridge regression for each arm from the context, and one for all arms together from which an arm starts.
type linear struct {
	rule    rule
	options Options
	arms    map[string]*arm
	shared  *ridge
	drift   drift
	lessons uint64
	// latest is the highest Number of a lesson, forgot what it was when all was forgotten last.
	latest, forgot uint64
	// state is a hash of the settings and of every lesson so far.
	state uint64

	// What follows is room to compute in.
	solver       *solver
	sharedSolver *solver
	x, z         vector
	context, arm []hashed
	digest       []byte
}

// arm is what was learned of one instrument.
type arm struct {
	ridge *ridge
	// last is the number of the lesson that it learned last.
	last uint64
}

func newLinear(r rule, o Options) *linear {
	o = o.withDefaults(r.alpha)
	l := &linear{
		rule: r, options: o,
		arms:         make(map[string]*arm),
		shared:       newRidge(sharedDimensions, o.Ridge),
		solver:       newSolver(o.Dimensions, o),
		sharedSolver: newSolver(sharedDimensions, o),
		x:            newVector(o.Dimensions),
		z:            newVector(sharedDimensions),
	}
	l.state = xxhash.Sum64(l.settings())
	return l
}

// settings are what two learners must have in common to go on with each other's state.
func (l *linear) settings() []byte {
	b := fmt.Appendf(nil, "%s/%d/%d/", l.rule.name, l.options.Dimensions, sharedDimensions)
	for _, v := range []float64{l.options.Alpha, l.options.Ridge, l.options.Discount, float64(l.options.MaxBytes)} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// Learn takes the lessons in. One that makes no sense, whose choice is not among its arms or whose reward is not a number,
// is passed over; a reward is brought into its range.
func (l *linear) Learn(lessons []Lesson) {
	for i := range lessons {
		t := &lessons[i]
		if t.Case == nil || t.Choice < 0 || t.Choice >= len(t.Case.Arms) || math.IsNaN(t.Reward) {
			continue
		}
		least := 0.0
		if t.Late {
			least = -1
		}
		t.Reward = min(max(t.Reward, least), 1)
		l.learn(t)
	}
}

func (l *linear) learn(t *Lesson) {
	l.lessons++
	a := &t.Case.Arms[t.Choice]
	l.context = hashAll(l.context[:0], t.Case.Context)
	l.arm = hashAll(l.arm[:0], a.Features)
	l.x.setContext(l.context)
	l.z.setShared(l.context, l.arm)
	known := l.arms[a.Instrument]
	if t.Late {
		l.correct(t, known)
		l.note(t)
		return
	}
	if known == nil {
		l.makeRoom()
		known = &arm{ridge: newRidge(l.options.Dimensions, l.options.Ridge)}
		l.arms[a.Instrument] = known
	}
	known.last = l.lessons
	l.latest = max(l.latest, t.Number)
	if t.Open {
		t.Expected = min(max(l.x.dot(known.ridge.weights), 0), 1)
		if t.Guess {
			t.Reward = t.Expected
		}
	}
	l.note(t)
	l.shared.observe(&l.z, t.Reward, l.sharedSolver)
	expected, variance := known.ridge.observe(&l.x, t.Reward, l.solver)
	if !t.Open && l.drift.observe(t.Reward, expected, variance) {
		l.forget()
	}
}

// correct takes in by how much an earlier lesson was off. What was forgotten since has nothing that could be corrected; where
// little was left of it, little is corrected, and what viewers liked then says nothing of drift since.
func (l *linear) correct(t *Lesson, known *arm) {
	reward, old := t.Reward, t.Number != 0 && t.Number <= l.forgot
	if old {
		reward *= driftKeep
	}
	l.shared.add(&l.z, reward, l.sharedSolver)
	if known == nil {
		return
	}
	variance := known.ridge.add(&l.x, reward, l.solver)
	if t.Settled && !old && l.drift.observe(t.Earned, t.Expected, variance) {
		l.forget()
	}
}

// forget leaves little of what was learned.
func (l *linear) forget() {
	l.forgot = l.latest
	l.shared.refresh(l.sharedSolver, driftKeep)
	for _, a := range l.arms {
		a.ridge.refresh(l.solver, driftKeep)
	}
}

// note adds a lesson to the hash of all that was learned.
func (l *linear) note(t *Lesson) {
	b := binary.LittleEndian.AppendUint64(l.digest[:0], l.state)
	b = binary.LittleEndian.AppendUint64(b, t.Number)
	for _, v := range [3]float64{t.Reward, t.Earned, t.Expected} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	kind := byte(0)
	for i, is := range [4]bool{t.Late, t.Open, t.Guess, t.Settled} {
		if is {
			kind |= 1 << i
		}
	}
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(len(t.Case.Arms[t.Choice].Instrument)))
	b = append(b, t.Case.Arms[t.Choice].Instrument...)
	b = binary.AppendUvarint(b, uint64(len(l.context)))
	for _, features := range [2][]hashed{l.context, l.arm} {
		for _, f := range features {
			b = binary.LittleEndian.AppendUint64(b, f.hash)
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.value))
		}
	}
	l.digest = b
	l.state = xxhash.Sum64(b)
}

// makeRoom forgets the arms that were learned from longest ago until there is room for one more.
func (l *linear) makeRoom() {
	for len(l.arms) >= l.maxArms() {
		var oldest string
		last := uint64(math.MaxUint64)
		for id, a := range l.arms {
			if a.last < last {
				oldest, last = id, a.last
			}
		}
		delete(l.arms, oldest)
	}
}

// maxArms is how many arms fit in the memory allowed: each has its sums, its fit and a snapshot's copy of the fit.
func (l *linear) maxArms() int {
	const overhead = 512
	n := l.options.Dimensions
	each := int64((2*8+4)*packedLen(n) + 3*8*n + overhead)
	return max(1, int(l.options.MaxBytes/each))
}

// Policy returns what was learned until now. It costs time in proportion to the number of arms; an arm's matrix is copied
// only when it is learned from again.
func (l *linear) Policy() Policy {
	s := &snapshot{
		version: fmt.Sprintf("%s-%d/%08x", l.rule.name, l.options.Dimensions, uint32(l.state)),
		rule:    l.rule,
		alpha:   l.options.Alpha * l.drift.boost(),
		prior:   l.options.Ridge,
		n:       l.options.Dimensions,
		arms:    make(map[string]*fit, len(l.arms)),
		shared:  l.shared.freeze(),
	}
	for id, a := range l.arms {
		s.arms[id] = a.ridge.freeze()
	}
	s.room.New = func() any { return newRoom(s.n) }
	return s
}
