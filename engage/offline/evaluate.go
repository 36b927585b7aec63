package offline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// blocks bounds how many groups of decisions are resampled, and by that time and memory. Decisions of a viewer are always in one
// group: what one viewer does is not independent.
const blocks = 1 << 14

// alarm is the confidence with which the mean weight must be off before it is said to be.
const alarm = 0.999

// ErrNoDecisions is returned when there is nothing to estimate from.
var ErrNoDecisions = errors.New("no decisions to evaluate on")

// Options of an evaluation. The zero value asks for the defaults.
type Options struct {
	// Clip bounds the importance weights: less variance, more bias. 0 leaves them as they are.
	Clip float64
	// Resamples of the bootstrap; 0 stands for 2000.
	Resamples int
	// Confidence of the intervals, above 0 and below 1; 0 stands for 0.95.
	Confidence float64
	// Seed of the bootstrap: the same seed gives the same report.
	Seed uint64
}

// Report says what a target policy would have earned on a log.
type Report struct {
	Target    string `json:"target"`
	Decisions int    `json:"decisions"`
	// Confidence of the intervals.
	Confidence float64 `json:"confidence"`
	// Logged is the mean reward of the policy that made the log.
	Logged Estimate `json:"logged"`
	// IPS is the inverse propensity estimate (Horvitz & Thompson 1952), SNIPS the self-normalised one (Swaminathan &
	// Joachims 2015), DR the doubly robust one (Dudik et al. 2011, arXiv:1103.4601).
	IPS   Estimate `json:"ips"`
	SNIPS Estimate `json:"snips"`
	DR    Estimate `json:"dr"`
	// Gain is DR - Logged, estimated from the same decisions, so that what both share cancels out.
	Gain Estimate `json:"gain"`
	// Weight is the mean importance weight, before any clipping: 1 but for chance when the log supports the target. Its interval
	// is always one of 99.9 %, as it raises alarms.
	Weight Estimate `json:"weight"`
	// Effective is the effective sample size (Kish 1965): how many decisions of the target's own the log is worth.
	Effective float64 `json:"effective"`
	// Viewers is the effective number of those who were decided for (Kish, by their decisions): one who has nearly all counts as one.
	Viewers float64 `json:"viewers"`
	// Unsupported is the share of decisions, 0 to 1, that the target gives to instruments that the log never chose there: what the
	// mean weight surely lacks to 1, or what the target takes from choices that had no alternative, whichever is more.
	Unsupported float64 `json:"unsupported"`
	// Clipped counts the weights that Options.Clip made smaller.
	Clipped int     `json:"clipped"`
	Verdict Verdict `json:"verdict"`
	// Reason for the verdict, a sentence.
	Reason string `json:"reason"`
}

// Evaluate estimates what target would have earned. See Compare.
func Evaluate(samples Samples, target policy.Policy, o Options) (*Report, error) {
	reports, err := Compare(samples, []policy.Policy{target}, o)
	if err != nil {
		return nil, err
	}
	return reports[0], nil
}

// Compare estimates what each target would have earned on the same decisions. It iterates samples twice, once to fit the reward
// model and once to judge, and needs memory for neither the log's length nor its viewers.
func Compare(samples Samples, targets []policy.Policy, o Options) ([]*Report, error) {
	if o.Resamples == 0 {
		o.Resamples = 2000
	}
	if o.Confidence == 0 {
		o.Confidence = 0.95
	}
	if !(o.Clip >= 0) || o.Resamples < 100 || !(o.Confidence > 0 && o.Confidence < 1) {
		return nil, fmt.Errorf("evaluate: clip %v, %d resamples, confidence %v: want at least 0, at least 100, between 0 and 1",
			o.Clip, o.Resamples, o.Confidence)
	}
	m, err := fitted(samples)
	if err != nil {
		return nil, err
	}
	tallies := make([]*tally, len(targets))
	for i, t := range targets {
		tallies[i] = newTally(t, o.Clip)
	}
	var p, q []float64
	for s, err := range samples {
		if err == nil {
			err = check(s)
		}
		if err != nil {
			return nil, err
		}
		n := len(s.Case.Arms)
		p, q = room(p, n), room(q, n)
		m.predict(s.Case, block(s)%folds, q)
		for _, t := range tallies {
			if err := t.add(s, p, q); err != nil {
				return nil, err
			}
		}
	}
	draws := newPoisson()
	reports := make([]*Report, len(targets))
	for i, t := range tallies {
		reports[i] = t.report(o, draws)
	}
	return reports, nil
}

func room(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// fitted fits the reward model.
func fitted(samples Samples) (*rewardModel, error) {
	m := newRewardModel()
	n := 0
	for s, err := range samples {
		if err == nil {
			err = check(s)
		}
		if err != nil {
			return nil, err
		}
		m.add(s, block(s)%folds)
		n++
	}
	if n == 0 {
		return nil, ErrNoDecisions
	}
	return m, m.fit()
}

// block returns the group that a decision is resampled with: its viewer's, or any when nobody said who they are.
func block(s *Sample) int {
	if s.Viewer != (ledger.Viewer{}) {
		return int(mix(binary.LittleEndian.Uint64(s.Viewer[:])+1) % blocks)
	}
	return int(mix(s.Number) % blocks)
}

// tally adds up what the estimates of one target need, by block.
type tally struct {
	target policy.Policy
	clip   float64
	n      int
	// Sums by block: decisions, weights, clipped weights, clipped weight times reward, doubly robust terms, these less
	// rewards, rewards.
	count, weight, clipped, ips, dr, gain, reward []float64
	squares                                       float64 // of clipped weights
	largest                                       float64 // weight
	cut                                           int
	stranded                                      float64 // the target's probability where the log had no alternative
}

func newTally(target policy.Policy, clip float64) *tally {
	t := &tally{target: target, clip: clip}
	for _, column := range []*[]float64{&t.count, &t.weight, &t.clipped, &t.ips, &t.dr, &t.gain, &t.reward} {
		*column = make([]float64, blocks)
	}
	return t
}

// add takes in a sample whose arms the reward model expects to bring q. p is room for as many probabilities.
func (t *tally) add(s *Sample, p, q []float64) error {
	if err := weigh(t.target, s, p); err != nil {
		return err
	}
	weight := p[s.Choice] / s.Propensity
	clipped := weight
	if t.clip > 0 && weight > t.clip {
		clipped = t.clip
		t.cut++
	}
	dr := clipped * (s.Reward - q[s.Choice])
	for i, x := range p {
		dr += x * q[i]
	}
	if s.Propensity > 1-tolerance {
		t.stranded += 1 - p[s.Choice]
	}
	i := block(s)
	t.n++
	t.squares += clipped * clipped
	t.largest = max(t.largest, weight)
	t.count[i]++
	t.weight[i] += weight
	t.clipped[i] += clipped
	t.ips[i] += clipped * s.Reward
	t.dr[i] += dr
	t.gain[i] += dr - s.Reward
	t.reward[i] += s.Reward
	return nil
}

// report makes the estimates and their intervals.
func (t *tally) report(o Options, draws *poisson) *Report {
	t.shrink()
	r := &Report{
		Target: t.target.Version(), Decisions: t.n, Confidence: o.Confidence, Clipped: t.cut,
	}
	weights := 0.0
	for _, w := range t.clipped {
		weights += w
	}
	if t.squares > 0 {
		r.Effective = weights * weights / t.squares
	}
	worth := min(r.Effective, float64(len(t.count))) // a viewer's decisions, however many, are one opinion
	squares := 0.0
	for _, n := range t.count {
		squares += n * n
	}
	r.Viewers = float64(t.n) * float64(t.n) / squares
	estimates := []struct {
		to        *Estimate
		of        ratio
		low, high float64 // what is possible
		worth     float64 // decisions that the estimate is worth
	}{
		{&r.Logged, ratio{t.reward, t.count}, 0, 1, float64(len(t.count))},
		{&r.IPS, ratio{t.ips, t.count}, 0, 1, worth},
		{&r.SNIPS, ratio{t.ips, t.clipped}, 0, 1, worth},
		{&r.DR, ratio{t.dr, t.count}, 0, 1, worth},
		{&r.Gain, ratio{t.gain, t.count}, -1, 1, worth},
		{&r.Weight, ratio{t.weight, t.count}, 0, t.largest, float64(len(t.count))},
	}
	var done sync.WaitGroup
	for i, e := range estimates {
		done.Go(func() {
			o := o
			o.Seed = mix(o.Seed + uint64(i) + 1)
			if e.to == &r.Weight {
				o.Confidence = alarm
			}
			*e.to = bounded(e.of, o, draws, e.low, e.high, e.worth)
		})
	}
	done.Wait()
	r.Unsupported = max(1-r.Weight.High, t.stranded/float64(t.n), 0)
	r.judge()
	return r
}

// bounded returns an estimate whose interval keeps to what is possible. Where all blocks are alike, as with no reward in the whole
// log, the bootstrap sees no variance; the interval is then the exact one of a binomial share of 0 or 1 (Clopper & Pearson 1934)
// scaled to what is possible.
func bounded(of ratio, o Options, draws *poisson, low, high, worth float64) Estimate {
	e, ok := of.interval(o.Resamples, o.Confidence, o.Seed, draws)
	if !ok {
		reach := 1 - math.Pow((1-o.Confidence)/2, 1/max(worth, 1))
		e.Low = e.Value - reach*(e.Value-low)
		e.High = e.Value + reach*(high-e.Value)
	}
	e.Low = min(max(e.Low, low), high)
	e.High = min(max(e.High, low), high)
	return e
}

// shrink drops the blocks that nothing fell into.
func (t *tally) shrink() {
	n := 0
	for i, c := range t.count {
		if c == 0 {
			continue
		}
		for _, column := range [][]float64{t.count, t.weight, t.clipped, t.ips, t.dr, t.gain, t.reward} {
			column[n] = column[i]
		}
		n++
	}
	for _, column := range []*[]float64{&t.count, &t.weight, &t.clipped, &t.ips, &t.dr, &t.gain, &t.reward} {
		*column = (*column)[:n]
	}
}
