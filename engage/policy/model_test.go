package policy_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/policy"
)

// linear scores a row by its product with weights.
type linear []float32

func (l linear) Score(x []float32, rows int, scores []float32) error {
	for i := range rows {
		scores[i] = 0
		for j, w := range l {
			scores[i] += w * x[i*len(l)+j]
		}
	}
	return nil
}

// listed gives the scores listed, or an error.
type listed struct {
	scores []float32
	err    error
}

func (l listed) Score(_ []float32, _ int, scores []float32) error {
	copy(scores, l.scores)
	return l.err
}

func threeArms() *policy.Case {
	return &policy.Case{
		Context: []policy.Feature{{Name: "country=GB", Value: 1}, {Name: "age", Value: 0.3}},
		Arms: []policy.Arm{
			{Instrument: "a", Features: []policy.Feature{{Name: "type=poll", Value: 1}}},
			{Instrument: "b"},
			{Instrument: "c", Features: []policy.Feature{{Name: "type=quiz", Value: 1}}},
		},
	}
}

func newModel(t *testing.T, s policy.Scorer, dimensions int) policy.Policy {
	t.Helper()
	p, err := policy.NewModel(s, policy.ModelOptions{Dimensions: dimensions, Name: "model/1"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestModelWeigh(t *testing.T) {
	broken := errors.New("broken")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name   string
		scorer policy.Scorer
		want   []float64
		err    error
	}{
		{"the highest", listed{scores: []float32{0.1, 0.7, 0.2}}, []float64{0, 1, 0}, nil},
		{"two alike", listed{scores: []float32{0.7, 0.2, 0.7}}, []float64{0.5, 0, 0.5}, nil},
		{"all alike", listed{scores: []float32{0, 0, 0}}, []float64{1. / 3, 1. / 3, 1. / 3}, nil},
		{"below zero", listed{scores: []float32{-3, -1, -2}}, []float64{0, 1, 0}, nil},
		{"no number", listed{scores: []float32{0.1, nan, 0.2}}, nil, policy.ErrScore},
		{"infinite", listed{scores: []float32{0.1, 0.2, inf}}, nil, policy.ErrScore},
		{"error", listed{err: broken}, nil, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := []float64{9, 9, 9}
			err := newModel(t, tt.scorer, 64).Weigh(threeArms(), p)
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, p); tt.err == nil && diff != "" {
				t.Errorf("probabilities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestModelSeesVectors(t *testing.T) {
	c := threeArms()
	weights := make(linear, 128)
	policy.Vector(c, 2, weights) // which has the largest product with itself
	m := newModel(t, weights, len(weights))
	for range 2 { // the second time in memory used before
		p := make([]float64, 3)
		if err := m.Weigh(c, p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float64{0, 0, 1}, p); diff != "" {
			t.Errorf("probabilities (-want +got):\n%s", diff)
		}
	}
	if m.Version() != "model/1" {
		t.Errorf("version = %q", m.Version())
	}
}

func TestModelOptions(t *testing.T) {
	for _, d := range []int{-1, 0, 8, 100, 1 << 17} {
		if _, err := policy.NewModel(listed{}, policy.ModelOptions{Dimensions: d}); err == nil {
			t.Errorf("%d dimensions: no error", d)
		}
	}
	if a, b := policy.ModelName([]byte("a")), policy.ModelName([]byte("b")); a == b {
		t.Errorf("two files of the version %s", a)
	}
}

// TestVectorStays holds the vectors that models out there were trained on: a change here needs a new VectorVersion.
func TestVectorStays(t *testing.T) {
	x := make([]float32, 16)
	policy.Vector(threeArms(), 0, x)
	want := []float32{-1.3, 0.7, 0, 0, -2, 0, 0, -0.3, 0, 0, 1, 0, 0, 0, 0, 0}
	if diff := cmp.Diff(want, x); diff != "" || policy.VectorVersion != "1" {
		t.Errorf("version %s (-want +got):\n%s", policy.VectorVersion, diff)
	}
}

func TestVectorOfWildValues(t *testing.T) {
	of := func(v float64) []float32 {
		x := make([]float32, 32)
		policy.Vector(&policy.Case{Context: []policy.Feature{{Name: "f", Value: v}}, Arms: []policy.Arm{{Instrument: "a"}}}, 0, x)
		return x
	}
	tests := []struct {
		name      string
		value, as float64
	}{
		{"not a number", math.NaN(), 0},
		{"infinite", math.Inf(-1), 0},
		{"huge", 1e300, 10},
		{"far below", -1e9, -10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(of(tt.as), of(tt.value)); diff != "" {
				t.Errorf("vector (-want +got):\n%s", diff)
			}
		})
	}
}
