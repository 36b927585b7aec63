package offline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"spotter/engage/policy"
)

// lessonsAtOnce is how many decisions a learner is given at a time.
const lessonsAtOnce = 256

// fixed always chooses one instrument.
type fixed string

// Fixed is the policy that chooses the instrument wherever it is eligible, and the first in order of priority elsewhere.
func Fixed(instrument string) policy.Policy { return fixed(instrument) }

func (f fixed) Version() string { return "fixed/" + string(f) }

func (f fixed) Weigh(c *policy.Case, p []float64) error {
	clear(p)
	i := slices.IndexFunc(c.Arms, func(a policy.Arm) bool { return a.Instrument == string(f) })
	p[max(i, 0)] = 1
	return nil
}

// Rank returns the ids of all instruments that were ever eligible, that whose Fixed policy has the greatest self-normalised
// value first. To judge the best of them fairly, rank on one part of a log and evaluate on another (Split).
func Rank(samples Samples) ([]string, error) {
	type sums struct{ weight, reward float64 }
	var otherwise sums            // of the first in order of priority
	instead := map[string]*sums{} // by instrument: what Fixed has beyond otherwise
	for s, err := range samples {
		if err == nil {
			err = check(s)
		}
		if err != nil {
			return nil, err
		}
		w := 1 / s.Propensity
		if s.Choice == 0 {
			otherwise.weight += w
			otherwise.reward += w * s.Reward
		}
		for i, a := range s.Case.Arms {
			own := instead[a.Instrument]
			if own == nil {
				own = &sums{}
				instead[a.Instrument] = own
			}
			switch {
			case i == s.Choice && i != 0:
				own.weight += w
				own.reward += w * s.Reward
			case i != s.Choice && s.Choice == 0:
				own.weight -= w
				own.reward -= w * s.Reward
			}
		}
	}
	type ranked struct {
		id    string
		value float64
	}
	var all []ranked
	for id, own := range instead {
		r := ranked{id: id}
		if weight := otherwise.weight + own.weight; weight > 0 {
			r.value = (otherwise.reward + own.reward) / weight
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.id, b.id))
	})
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.id
	}
	return ids, nil
}

// Split parts a log in time: first has share, 0 to 1, of the decisions, rest all that were made later.
func Split(samples Samples, share float64) (first, rest Samples, err error) {
	if !(share >= 0 && share <= 1) {
		return nil, nil, fmt.Errorf("split: a share of %v is not between 0 and 1", share)
	}
	n := 0
	for _, err := range samples {
		if err != nil {
			return nil, nil, err
		}
		n++
	}
	return part(samples, 0, int(share*float64(n))), part(samples, int(share*float64(n)), -1), nil
}

// part gives the samples from the i-th to before the j-th, or to the end when j is negative.
func part(samples Samples, i, j int) Samples {
	return func(yield func(*Sample, error) bool) {
		n := 0
		for s, err := range samples {
			if n == j && err == nil || (err != nil || n >= i) && !yield(s, err) {
				return
			}
			n++
		}
	}
}

// errNotFinite is returned for a target's probability that is none.
var errNotFinite = errors.New("not a probability")

// Train lets a learner learn from samples, in order. To judge fairly what it learned, train on the first part of a log and
// evaluate on the rest (Split).
func Train(samples Samples, l policy.Learner) error {
	lessons := make([]policy.Lesson, 0, lessonsAtOnce)
	for s, err := range samples {
		if err == nil {
			err = check(s)
		}
		if err != nil {
			return err
		}
		lessons = append(lessons, policy.Lesson{Case: s.Case, Choice: s.Choice, Reward: s.Reward})
		if len(lessons) == cap(lessons) {
			l.Learn(lessons)
			lessons = lessons[:0]
		}
	}
	l.Learn(lessons)
	return nil
}

// check refuses a sample that no estimate can be made from.
func check(s *Sample) error {
	switch {
	case s.Choice < 0 || s.Choice >= len(s.Case.Arms):
		return fmt.Errorf("decision %d: choice %d of %d arms", s.Number, s.Choice, len(s.Case.Arms))
	case !(s.Propensity > 0 && s.Propensity <= 1):
		return fmt.Errorf("decision %d: a propensity of %v is not above 0 and up to 1", s.Number, s.Propensity)
	case !(s.Reward >= 0 && s.Reward <= 1):
		return fmt.Errorf("decision %d: a reward of %v is not between 0 and 1", s.Number, s.Reward)
	}
	return nil
}

// weigh sets p to the target's probabilities and refuses what are none.
func weigh(target policy.Policy, s *Sample, p []float64) error {
	if err := target.Weigh(s.Case, p); err != nil {
		return fmt.Errorf("%s on decision %d: %w", target.Version(), s.Number, err)
	}
	sum := 0.0
	for _, x := range p {
		if !(x >= 0 && x <= 1+tolerance) {
			return fmt.Errorf("%s on decision %d: %v: %w", target.Version(), s.Number, x, errNotFinite)
		}
		sum += x
	}
	if sum < 1-tolerance || sum > 1+tolerance {
		return fmt.Errorf("%s on decision %d: the probabilities add up to %v: %w", target.Version(), s.Number, sum, errNotFinite)
	}
	return nil
}

// tolerance is how far rounding may bring a sum of probabilities from 1.
const tolerance = 1e-6
