package policy_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/engage/policy"
)

func arms(n int) *policy.Case {
	c := &policy.Case{}
	for i := range n {
		c.Arms = append(c.Arms, policy.Arm{Instrument: fmt.Sprint("arm", i)})
	}
	return c
}

func TestFixedPolicies(t *testing.T) {
	tests := map[string]struct {
		policy  policy.Policy
		version string
		want    []float64
	}{
		"priority":          {policy.Priority(), "priority", []float64{1, 0, 0, 0}},
		"uniform":           {policy.Uniform(), "uniform", []float64{0.25, 0.25, 0.25, 0.25}},
		"explore":           {policy.Explore(policy.Priority(), 0.2), "priority+0.2", []float64{0.85, 0.05, 0.05, 0.05}},
		"explore too much":  {policy.Explore(policy.Priority(), 7), "priority+0.5", []float64{0.625, 0.125, 0.125, 0.125}},
		"explore nothing":   {policy.Explore(policy.Priority(), 0), "priority", []float64{1, 0, 0, 0}},
		"explore backwards": {policy.Explore(policy.Priority(), -1), "priority", []float64{1, 0, 0, 0}},
		"explore NaN":       {policy.Explore(policy.Priority(), math.NaN()), "priority", []float64{1, 0, 0, 0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, weigh(t, test.policy, arms(4)), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Error(diff)
			}
			if got := test.policy.Version(); got != test.version {
				t.Errorf("got version %s, want %s", got, test.version)
			}
			if err := test.policy.Weigh(&policy.Case{}, nil); !errors.Is(err, policy.ErrNoArms) {
				t.Errorf("no arms: got %v", err)
			}
			if err := test.policy.Weigh(arms(2), make([]float64, 3)); !errors.Is(err, policy.ErrLength) {
				t.Errorf("wrong length: got %v", err)
			}
		})
	}
}

func TestExploreFloor(t *testing.T) {
	l := policy.NewLinUCB(policy.Options{})
	l.Learn(lessons(1, 100))
	for i, w := range weigh(t, policy.Explore(l.Policy(), 0.1), arms(100)) {
		if w < 0.1/100 {
			t.Errorf("arm %d has probability %v", i, w)
		}
	}
}

func TestDraw(t *testing.T) {
	tests := map[string]struct {
		p    []float64
		want []float64 // shares
	}{
		"two arms":          {[]float64{0.25, 0.75}, []float64{0.25, 0.75}},
		"zeros at the ends": {[]float64{0, 0.5, 0, 0.5, 0}, []float64{0, 0.5, 0, 0.5, 0}},
		"sum below 1":       {[]float64{0.1, 0.1}, []float64{0.5, 0.5}},
		"sum above 1":       {[]float64{0.6, 0.6, 1.2}, []float64{0.25, 0.25, 0.5}},
		"one arm":           {[]float64{1}, []float64{1}},
		"not a number":      {[]float64{math.NaN(), -1, 0.3}, []float64{0, 0, 1}},
	}
	const draws = 40000
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := make([]float64, len(test.p))
			for n := range uint64(draws) {
				got[policy.Draw(test.p, 11, n)] += 1. / draws
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 0.01)); diff != "" {
				t.Error(diff)
			}
			for i, v := range test.want {
				if v == 0 && got[i] != 0 {
					t.Errorf("arm %d has probability 0 and was drawn", i)
				}
			}
		})
	}
	if got := policy.Draw([]float64{0, 0}, 1, 1); got != -1 {
		t.Errorf("nothing to draw: got %d", got)
	}
}
