package engagebench

import (
	"fmt"

	"spotter/engage/policy"
)

// Play lets a learner choose, and learn from each choice before the next, and returns the reward that it gathered.
func (s *Set) Play(l policy.Learner, order []int, seed uint64) (float64, error) {
	p := make([]float64, s.Classes)
	total := 0.0
	for n, row := range order {
		c := s.cases[row]
		if err := l.Policy().Weigh(c, p); err != nil {
			return 0, fmt.Errorf("play %s: %w", s.Name, err)
		}
		choice, reward := policy.Draw(p, seed, uint64(n)), 0.0
		if choice == s.labels[row] {
			reward = 1
		}
		total += reward
		l.Learn([]policy.Lesson{{Case: c, Choice: choice, Reward: reward}})
	}
	return total, nil
}

// Bandit chooses among arms without looking at the context.
type Bandit interface {
	Choose() int
	Learn(arm int, reward float64)
}

// PlayBlind is Play for a bandit that sees no context.
func (s *Set) PlayBlind(b Bandit, order []int) float64 {
	total := 0.0
	for _, row := range order {
		choice, reward := b.Choose(), 0.0
		if choice == s.labels[row] {
			reward = 1
		}
		total += reward
		b.Learn(choice, reward)
	}
	return total
}
