package engagebench_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"

	"spotter/engage/policy"
	"spotter/internal/engagebench"
)

// contenders are our learners.
var contenders = []struct {
	name string
	make func(dimensions int) policy.Learner
}{
	{"LinUCB", func(d int) policy.Learner { return policy.NewLinUCB(policy.Options{Dimensions: d}) }},
	{"Thompson", func(d int) policy.Learner { return policy.NewThompson(policy.Options{Dimensions: d}) }},
}

// bands is a set that no linear model of a class fits wholly: the class is the largest of a few sums of the features.
func bands() *engagebench.Set {
	const rows, features, classes = 1000, 12, 4
	r := rand.New(rand.NewPCG(1, 1))
	var centre [classes][features]float64
	for k := range centre {
		for i := range centre[k] {
			centre[k][i] = r.NormFloat64()
		}
	}
	x, y := make([][]float64, rows), make([]int, rows)
	for n := range x {
		x[n] = make([]float64, features)
		for i := range x[n] {
			x[n][i] = r.NormFloat64() / 3
		}
		most := math.Inf(-1)
		for k := range centre {
			sum := 0.0
			for i, v := range x[n] {
				sum += v * centre[k][i]
			}
			if sum > most {
				most, y[n] = sum, k
			}
		}
	}
	return engagebench.NewSet("bands", classes, 1, x, y)
}

// TestBands is a small conversion: it fails when a learner stops to learn.
func TestBands(t *testing.T) {
	set := bands()
	ours, blind := play(t, set, 64, 3)
	best := engagebench.Best(blind)
	for _, r := range ours {
		mean, half := engagebench.Paired(r, best)
		gain := 100 * mean / stat.Mean(best.Per, nil)
		t.Logf("%s: %.0f, %.0f +- %.0f (%.0f %%) over %s", r.Name, stat.Mean(r.Per, nil), mean, half, gain, best.Name)
		if gain < 50 {
			t.Errorf("%s gains %.1f %% over %s, want 50", r.Name, gain, best.Name)
		}
	}
}

// TestDrift lets a preference turn over every 10,000 decisions. The share that chance decides is the configuration's default.
func TestDrift(t *testing.T) {
	d := engagebench.Drift{
		Groups: 4, Arms: 5, High: 0.5, Low: 0.05, Turn: 10000, Turns: 4, Window: 500, Enough: 0.9, Explore: 0.05,
	}
	seeds := 20
	if testing.Short() {
		d.Turns, seeds = 1, 2
	}
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			var all []float64
			for seed := range seeds {
				found, err := d.Recover(c.make(64), uint64(seed))
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range found {
					all = append(all, float64(n))
				}
			}
			mean, sd := stat.MeanStdDev(all, nil)
			most := 0.0
			for _, n := range all {
				most = max(most, n)
			}
			t.Logf("%s: %d turns, 90 %% again after %.0f decisions (standard deviation %.0f), at most %.0f",
				c.name, len(all), mean, sd, most)
			if most > 2000 {
				t.Errorf("it took up to %.0f decisions, want 2000", most)
			}
		})
	}
}

// play returns what our learners and the bandits that see no context gather on a set.
func play(t *testing.T, set *engagebench.Set, dimensions, seeds int) (ours, blind []engagebench.Rewards) {
	t.Helper()
	for _, c := range contenders {
		r := engagebench.Rewards{Name: c.name}
		for seed := range uint64(seeds) {
			total, err := set.Play(c.make(dimensions), set.Order(seed), seed)
			if err != nil {
				t.Fatal(err)
			}
			r.Per = append(r.Per, total)
		}
		ours = append(ours, r)
	}
	for name, b := range map[string]func(seed uint64) engagebench.Bandit{
		"UCB1":               func(uint64) engagebench.Bandit { return engagebench.NewUCB1(set.Classes) },
		"Beta Thompson":      func(seed uint64) engagebench.Bandit { return engagebench.NewBeta(set.Classes, seed) },
		"epsilon-greedy 0.1": func(seed uint64) engagebench.Bandit { return engagebench.NewGreedy(set.Classes, 0.1, seed) },
		"epsilon-greedy .02": func(seed uint64) engagebench.Bandit { return engagebench.NewGreedy(set.Classes, 0.02, seed) },
	} {
		r := engagebench.Rewards{Name: name}
		for seed := range uint64(seeds) {
			r.Per = append(r.Per, set.PlayBlind(b(seed), set.Order(seed)))
		}
		blind = append(blind, r)
	}
	return ours, blind
}
