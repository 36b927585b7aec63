package engagebench

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"spotter/engage/policy"
)

// Drift is a world in which what viewers like turns over: each of Groups groups of viewers answers one of Arms instruments
// with probability High and any other with Low, and after each Turn decisions every group likes another one.
type Drift struct {
	Groups, Arms int
	High, Low    float64
	Turn, Turns  int // decisions between two turns, and how often it turns
	Window       int // decisions over which the reward is averaged
	Enough       float64
	Explore      float64 // share of the decisions that chance makes
}

// Recover plays the world and returns, for each turn, after how many decisions the expected reward of the window's choices,
// all made since the turn, was at least Enough of the optimum's. It is Turn where that never was.
func (d *Drift) Recover(l policy.Learner, seed uint64) ([]int, error) {
	r := rand.New(rand.NewPCG(seed, 3))
	cases := d.cases()
	p := make([]float64, d.Arms)
	likes := make([]int, d.Groups)
	for g := range likes {
		likes[g] = r.IntN(d.Arms)
	}
	var found []int
	for turn := range d.Turns + 1 {
		back, sum := d.Turn, 0.0
		got := make([]float64, d.Turn)
		for n := range d.Turn {
			g := r.IntN(d.Groups)
			if err := policy.Explore(l.Policy(), d.Explore).Weigh(cases[g], p); err != nil {
				return nil, fmt.Errorf("play drift: %w", err)
			}
			choice := policy.Draw(p, seed, uint64(turn*d.Turn+n))
			got[n] = d.Low
			if choice == likes[g] {
				got[n] = d.High
			}
			reward := 0.0
			if r.Float64() < got[n] {
				reward = 1
			}
			l.Learn([]policy.Lesson{{Case: cases[g], Choice: choice, Reward: reward}})
			sum += got[n]
			if n >= d.Window {
				sum -= got[n-d.Window]
			}
			if back == d.Turn && n+1 >= d.Window && sum >= d.Enough*d.High*float64(d.Window) {
				back = n + 1
			}
		}
		if turn > 0 {
			found = append(found, back)
		}
		for g := range likes {
			likes[g] = (likes[g] + 1 + r.IntN(d.Arms-1)) % d.Arms
		}
	}
	return found, nil
}

func (d *Drift) cases() []*policy.Case {
	arms := make([]policy.Arm, d.Arms)
	for k := range arms {
		arms[k] = policy.Arm{Instrument: "arm-" + strconv.Itoa(k)}
	}
	cases := make([]*policy.Case, d.Groups)
	for g := range cases {
		cases[g] = &policy.Case{Context: []policy.Feature{{Name: "group=" + strconv.Itoa(g), Value: 1}}, Arms: arms}
	}
	return cases
}
