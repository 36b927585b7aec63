package policy_test

import (
	"fmt"
	"testing"

	"spotter/engage/policy"
)

// wideCase is a case of that many arms, with 25 features of the context and 3 of each arm.
func wideCase(arms, turn int) *policy.Case {
	c := &policy.Case{}
	for i := range 25 {
		c.Context = append(c.Context, policy.Feature{Name: fmt.Sprintf("f%d=%d", i, turn*i%3), Value: 1})
	}
	for i := range arms {
		c.Arms = append(c.Arms, policy.Arm{Instrument: fmt.Sprintf("arm%d", i), Features: []policy.Feature{
			{Name: fmt.Sprintf("type=%d", i%6), Value: 1},
			{Name: fmt.Sprintf("target=%d", i%10), Value: 1},
			{Name: "on screen", Value: 0.5},
		}})
	}
	return c
}

func BenchmarkWeigh(b *testing.B) {
	for name, l := range learners(policy.Options{}) {
		for turn := range 1000 {
			c := wideCase(20, turn)
			l.Learn([]policy.Lesson{{Case: c, Choice: turn % 20, Reward: float64(turn % 2)}})
		}
		b.Run(name, func(b *testing.B) {
			p, c, weights := l.Policy(), wideCase(20, 1), make([]float64, 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Weigh(c, weights); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLearn(b *testing.B) {
	for _, dimensions := range []int{64, 256} {
		b.Run(fmt.Sprint(dimensions), func(b *testing.B) {
			l := policy.NewLinUCB(policy.Options{Dimensions: dimensions})
			lessons := make([]policy.Lesson, 20)
			for i := range lessons {
				lessons[i] = policy.Lesson{Case: wideCase(20, i), Choice: i, Reward: float64(i % 2)}
			}
			for i := 0; b.Loop(); i++ {
				l.Learn(lessons[i%20 : i%20+1])
			}
		})
	}
}

func BenchmarkPolicy(b *testing.B) {
	l := policy.NewLinUCB(policy.Options{})
	for i := range 20 {
		l.Learn([]policy.Lesson{{Case: wideCase(20, i), Choice: i}})
	}
	for b.Loop() {
		l.Policy()
	}
}
