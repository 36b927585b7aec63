package offline_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"spotter/engage/ledger"
	"spotter/engage/offline"
	"spotter/engage/policy"
)

// world is a place where the truth is known: every case that can come up, and what each arm of it is worth.
type world struct {
	cases   []*policy.Case
	worth   [][]float64 // probability of a reward, by case and arm
	logging [][]float64 // probabilities of the logging policy
	at      map[*policy.Case]int
	// taste is how much a viewer's own taste for engaging adds or takes, in log-odds; 0 for viewers who are alike.
	taste float64
}

var instruments = []string{"trivia", "poll", "quiz", "advert", "offer", "upsell"}

// newWorld makes cases of three attributes and eligible sets of three to six instruments. The logging policy is a softmax of the
// arms' worth at the given sharpness with a share of uniform exploration.
func newWorld(seed uint64, sharpness, explore float64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{at: map[*policy.Case]int{}}
	liking := map[string]float64{}
	for country := range 3 {
		for hour := range 3 {
			for media := range 4 {
				context := []policy.Feature{
					{Name: fmt.Sprintf("country=%c", 'A'+country), Value: 1},
					{Name: "hour", Value: float64(hour-1) / 2},
					{Name: fmt.Sprintf("media=%d", media), Value: 1},
				}
				first := media % 3
				c := &policy.Case{Context: context}
				for _, id := range instruments[first : first+3+min(country, 3-first)] {
					key := fmt.Sprint(country, id)
					if _, ok := liking[key]; !ok {
						liking[key] = r.NormFloat64()
					}
					c.Arms = append(c.Arms, policy.Arm{Instrument: id, Features: []policy.Feature{{Name: "length=" + id[:1], Value: 1}}})
				}
				worth := make([]float64, len(c.Arms))
				for i, a := range c.Arms {
					worth[i] = logistic(-1 + liking[fmt.Sprint(country, a.Instrument)] + 0.5*r.NormFloat64())
				}
				w.at[c] = len(w.cases)
				w.cases = append(w.cases, c)
				w.worth = append(w.worth, worth)
				w.logging = append(w.logging, softmax(worth, sharpness, explore))
			}
		}
	}
	return w
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softmax(worth []float64, sharpness, explore float64) []float64 {
	p := make([]float64, len(worth))
	sum := 0.0
	for i, x := range worth {
		p[i] = math.Exp(sharpness * x)
		sum += p[i]
	}
	for i := range p {
		p[i] = (1-explore)*p[i]/sum + explore/float64(len(p))
	}
	return p
}

// chance of a reward with a viewer whose taste, 0 to 2, is below, at or above what the case says: a third of viewers each.
func (w *world) chance(worth float64, taste int) float64 {
	if w.taste == 0 {
		return worth
	}
	return logistic(math.Log(worth/(1-worth)) + w.taste*float64(taste-1))
}

// truth is the exact value of a policy.
func (w *world) truth(p func(i int) []float64) float64 {
	sum := 0.0
	for i := range w.cases {
		for a, x := range p(i) {
			for taste := range 3 {
				sum += x * w.chance(w.worth[i][a], taste) / 3
			}
		}
	}
	return sum / float64(len(w.cases))
}

// value is the exact value of a policy of this world's cases.
func (w *world) value(target policy.Policy) float64 {
	return w.truth(func(i int) []float64 {
		p := make([]float64, len(w.cases[i].Arms))
		if err := target.Weigh(w.cases[i], p); err != nil {
			panic(err)
		}
		return p
	})
}

func (w *world) logged() float64 { return w.truth(func(i int) []float64 { return w.logging[i] }) }

// log makes n decisions by the given number of viewers, 0 for nobody in particular.
func (w *world) log(seed uint64, n, viewers int) []*offline.Sample {
	r := rand.New(rand.NewPCG(seed, 2))
	samples := make([]*offline.Sample, n)
	tastes := make([]int, viewers)
	for i := range tastes {
		tastes[i] = r.IntN(3)
	}
	for i := range samples {
		k := r.IntN(len(w.cases))
		choice := draw(w.logging[k], r.Float64())
		taste := 0
		d := &ledger.Decision{
			At: time.Unix(1.8e9+int64(i), 0), Media: "live", Case: w.cases[k], Choice: choice,
			Propensity: w.logging[k][choice], Policy: "simulated/1",
		}
		if viewers > 0 {
			viewer := r.IntN(viewers)
			taste = tastes[viewer]
			binary.LittleEndian.PutUint64(d.Viewer[:], uint64(viewer)+1)
		}
		reward := 0.0
		if r.Float64() < w.chance(w.worth[k][choice], taste) {
			reward = 1
		}
		samples[i] = &offline.Sample{Number: uint64(i + 1), Decision: d, Reward: reward}
	}
	return samples
}

func draw(p []float64, u float64) int {
	for i, x := range p {
		if u < x {
			return i
		}
		u -= x
	}
	return len(p) - 1
}

// sharp is the policy that prefers what is worth more, as a softmax with some exploration.
type sharp struct {
	*world
	sharpness, explore float64
}

func (s sharp) Version() string { return fmt.Sprintf("sharp/%g", s.sharpness) }

func (s sharp) Weigh(c *policy.Case, p []float64) error {
	copy(p, softmax(s.worth[s.at[c]], s.sharpness, s.explore))
	return nil
}
