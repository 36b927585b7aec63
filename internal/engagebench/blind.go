package engagebench

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// blind counts what each arm was tried and has paid.
type blind struct {
	tries, paid []float64
	total       float64
}

func newBlind(arms int) blind {
	return blind{tries: make([]float64, arms), paid: make([]float64, arms)}
}

// Learn takes in what an arm paid.
func (b *blind) Learn(arm int, reward float64) {
	b.tries[arm]++
	b.paid[arm] += reward
	b.total++
}

// argmax returns the arm of the highest score.
func (b *blind) argmax(score func(arm int) float64) int {
	best, most := 0, math.Inf(-1)
	for k := range b.tries {
		if s := score(k); s > most {
			best, most = k, s
		}
	}
	return best
}

// UCB1 is the bandit of Auer, Cesa-Bianchi and Fischer 2002.
type UCB1 struct{ blind }

// NewUCB1 returns a UCB1 over the arms given.
func NewUCB1(arms int) *UCB1 { return &UCB1{newBlind(arms)} }

// Choose returns the arm of the highest upper bound.
func (b *UCB1) Choose() int {
	return b.argmax(func(k int) float64 {
		if b.tries[k] == 0 {
			return math.Inf(1)
		}
		return b.paid[k]/b.tries[k] + math.Sqrt(2*math.Log(b.total)/b.tries[k])
	})
}

// Beta is Thompson sampling for rewards of 0 or 1 (Chapelle and Li 2011).
type Beta struct {
	blind
	src rand.Source
}

// NewBeta returns Thompson sampling over the arms given, each uniform at first.
func NewBeta(arms int, seed uint64) *Beta { return &Beta{newBlind(arms), rand.NewPCG(seed, 1)} }

// Choose returns the arm that a draw of each arm's mean finds best.
func (b *Beta) Choose() int {
	return b.argmax(func(k int) float64 {
		return distuv.Beta{Alpha: 1 + b.paid[k], Beta: 1 + b.tries[k] - b.paid[k], Src: b.src}.Rand()
	})
}

// Greedy takes the best arm until now but for a share of the choices, which it makes at random.
type Greedy struct {
	blind
	share float64
	r     *rand.Rand
}

// NewGreedy returns an epsilon-greedy bandit that explores with the share given, 0 to 1.
func NewGreedy(arms int, share float64, seed uint64) *Greedy {
	return &Greedy{newBlind(arms), share, rand.New(rand.NewPCG(seed, 2))}
}

// Choose returns the arm that has paid best on average, or any.
func (b *Greedy) Choose() int {
	if b.r.Float64() < b.share {
		return b.r.IntN(len(b.tries))
	}
	return b.argmax(func(k int) float64 { return (b.paid[k] + 1) / (b.tries[k] + 1) })
}
