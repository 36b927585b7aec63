package policy

import "math"

// drift notices that rewards fall short of what was expected of them: Page's cumulative sum (Biometrika 41, 1954) of the
// shortfall in standard deviations of a reward. What viewers like then has changed, and what was learned of all arms is
// worth little; without it a past long enough to learn a steady preference well is too long to follow one that turns over.
type drift struct {
	lessons float64 // up to driftMemory
	mean    float64 // reward
	sum     float64
	bold    float64 // lessons left in which to explore more
}

const (
	// driftMemory is how many lessons the mean reward is taken over, driftPrior how many are added to them.
	driftMemory = 2000
	driftPrior  = 20
	// driftSlack is a shortfall per lesson that is put up with, and driftLimit what they may add up to, both in standard
	// deviations: a steady world passes the limit less than once in a million lessons.
	driftSlack = 0.1
	driftLimit = 60
	// driftKeep is what remains of the past afterwards.
	driftKeep = 0.003
	// driftBold is for how many lessons more is explored then, and driftBoost how much more at first: there is no past to
	// tell which arms are worth another try.
	driftBold  = 600
	driftBoost = 5
)

// deviation is the standard deviation of one reward, taken between 0 and 1 with driftPrior lessons of mean 1/2 added: the
// first few tell little.
func (d *drift) deviation() float64 {
	m := (d.mean*d.lessons + driftPrior/2) / (d.lessons + driftPrior)
	return math.Sqrt(m * (1 - m))
}

// boost is what uncertainty counts for now, relative to what it does in a steady world.
func (d *drift) boost() float64 { return 1 + driftBoost*d.bold/driftBold }

// observe notes a lesson for which a reward was expected, with that variance for rewards of unit variance, and returns
// whether there is drift. One standard error is taken off what was expected: an arm is the likelier to be chosen the more
// it is overestimated.
func (d *drift) observe(reward, expected, variance float64) bool {
	d.lessons = min(d.lessons+1, driftMemory)
	d.mean += (reward - d.mean) / d.lessons
	missing := (expected-reward)/d.deviation() - math.Sqrt(variance)
	d.bold = max(d.bold-1, 0)
	d.sum = max(d.sum+missing-driftSlack, 0)
	if d.sum < driftLimit {
		return false
	}
	d.sum, d.bold = 0, driftBold
	return true
}
