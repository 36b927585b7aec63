package policy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"spotter/engage/policy"
)

func TestLargestMatchesSampling(t *testing.T) {
	tests := map[string]struct{ mean, spread []float64 }{
		"two alike":      {[]float64{0.3, 0.3}, []float64{0.1, 0.1}},
		"three apart":    {[]float64{0.1, 0.2, 0.3}, []float64{0.1, 0.1, 0.1}},
		"a point":        {[]float64{0.5, 0.4}, []float64{0, 0.2}},
		"wide and thin":  {[]float64{0, 0.2, 0.21, 0.1}, []float64{1, 0.05, 0.01, 0.3}},
		"many":           {[]float64{0, .1, .2, .3, .4, .1, .2, .3, .4, .5}, []float64{.3, .3, .3, .3, .3, .1, .1, .1, .1, .1}},
		"one never wins": {[]float64{-5, 0.2, 0.2}, []float64{0.1, 0.1, 0.3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const samples = 20000
			r := rand.New(rand.NewPCG(5, 6))
			seen := make([]float64, len(test.mean))
			for range samples {
				best, arm := math.Inf(-1), 0
				for i, m := range test.mean {
					if v := m + test.spread[i]*r.NormFloat64(); v > best {
						best, arm = v, i
					}
				}
				seen[arm]++
			}
			var chi float64
			for i, p := range policy.Largest(test.mean, test.spread) {
				if want := p * samples; want > 5 {
					chi += (seen[i] - want) * (seen[i] - want) / want
				} else if seen[i] > 20 {
					t.Errorf("arm %d was largest %v times, %v were expected", i, seen[i], want)
				}
			}
			// 33.7 is passed by chance once in 10,000 with nine degrees of freedom, and more rarely with fewer.
			if chi > 33.7 {
				t.Errorf("chi-square is %.1f", chi)
			}
		})
	}
}

func TestUntaughtLearnerIsFair(t *testing.T) {
	for name, l := range learners(policy.Options{}) {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 7, 64} {
				for i, w := range weigh(t, l.Policy(), arms(n)) {
					if math.Abs(w-1/float64(n)) > 1e-6 {
						t.Errorf("arm %d of %d has probability %v", i, n, w)
					}
				}
			}
		})
	}
}

func TestOddCases(t *testing.T) {
	for name, l := range learners(policy.Options{}) {
		t.Run(name, func(t *testing.T) {
			odd := &policy.Case{
				Context: []policy.Feature{{Name: "a", Value: math.NaN()}, {Name: "b", Value: math.Inf(-1)}, {Name: "", Value: 1e308}},
				Arms:    []policy.Arm{{Instrument: "x"}, {Instrument: "", Features: []policy.Feature{{Name: "c", Value: math.Inf(1)}}}},
			}
			l.Learn([]policy.Lesson{
				{Case: nil},
				{Case: odd, Choice: 2},
				{Case: odd, Choice: -1},
				{Case: odd, Choice: 0, Reward: math.NaN()},
				{Case: odd, Choice: 0, Reward: math.Inf(1)},
				{Case: odd, Choice: 1, Reward: -3},
				{Case: odd, Choice: 1, Reward: 1, Late: true},
			})
			weigh(t, l.Policy(), odd)
			weigh(t, l.Policy(), arms(3))
		})
	}
}

func TestManyArmsHighestOnly(t *testing.T) {
	for name, l := range learners(policy.Options{Dimensions: 16}) {
		t.Run(name, func(t *testing.T) {
			c := arms(100)
			for n := range 500 {
				reward := 0.0
				if i := n % 100; i >= 70 && i < 90 {
					reward = 1
				}
				l.Learn([]policy.Lesson{{Case: c, Choice: n % 100, Reward: reward}})
			}
			p := weigh(t, l.Policy(), c)
			if len(slices.DeleteFunc(slices.Clone(p), func(w float64) bool { return w == 0 })) > 64 {
				t.Error("more than 64 arms have a share")
			}
			if best := slices.Index(p, slices.Max(p)); best < 70 || best >= 90 {
				t.Errorf("arm %d has the largest share and was never rewarded", best)
			}
		})
	}
}

// TestFollowsDrift turns a preference over and asks for 90 % of the optimum again within 2,000 decisions.
func TestFollowsDrift(t *testing.T) {
	turn, seeds := 4000, 3
	if testing.Short() {
		turn, seeds = 2500, 1
	}
	for name := range learners(policy.Options{}) {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				o := policy.Options{Dimensions: 16}
				if back := recover90(t, learners(o)[name], uint64(seed), turn); back > 2000 {
					t.Errorf("seed %d: 90 %% of the optimum again after %d decisions", seed, back)
				}
			}
		})
	}
}

// recover90 plays a world of four groups of viewers, each of which likes another of five arms after that many decisions.
// It returns how many decisions later the last 300 got 90 % of the most that could be got.
func recover90(t *testing.T, l policy.Learner, seed uint64, turn int) int {
	const window, high, low = 300, 0.5, 0.05
	r := rand.New(rand.NewPCG(seed, 9))
	c := arms(5)
	var p policy.Policy
	var got []float64
	sum := 0.0
	for n := range turn + 3000 {
		if n%10 == 0 {
			p = l.Policy()
		}
		group := r.IntN(4)
		likes := group
		if n >= turn {
			likes = (group + 1 + int(seed)%4) % 5
		}
		now := &policy.Case{Arms: c.Arms, Context: []policy.Feature{{Name: string(rune('a' + group)), Value: 1}}}
		choice := policy.Draw(weigh(t, p, now), seed, uint64(n))
		pays := low
		if choice == likes {
			pays = high
		}
		reward := 0.0
		if r.Float64() < pays {
			reward = 1
		}
		l.Learn([]policy.Lesson{{Case: now, Choice: choice, Reward: reward}})
		got = append(got, pays)
		sum += pays
		if n >= window {
			sum -= got[n-window]
		}
		if n >= turn+window && sum >= 0.9*high*window {
			return n - turn
		}
	}
	return 3000
}
