package policy_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/mat"

	"spotter/engage/policy"
)

// TestRidgeStaysSound runs a million updates in which one direction is seen at every one, one with the largest values and
// one never at all.
func TestRidgeStaysSound(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	for name, discount := range map[string]float64{"discounted": 0.9998, "kept": 1} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			rows, anew, weights := policy.Regress(policy.Options{Dimensions: 16, Discount: discount}, n, func(x []float64) float64 {
				x[0] = 1
				x[1] = 10 * float64(r.IntN(3)-1)
				x[2+r.IntN(13)] = r.Float64()
				return 0.5 + 0.02*x[1]
			})
			if diff := cmp.Diff(anew, rows, cmpopts.EquateApprox(1e-9, 1e-12)); diff != "" {
				t.Errorf("the inverse has drifted: %s", diff)
			}
			var flat []float64
			for _, line := range rows {
				flat = append(flat, line...)
			}
			var chol mat.Cholesky
			if !chol.Factorize(mat.NewSymDense(16, flat)) {
				t.Error("the inverse is not positive definite")
			}
			if got := rows[15][15]; math.Abs(got-1) > 1e-9 {
				t.Errorf("the direction never seen has variance %v, want the prior's 1", got)
			}
			if math.Abs(weights[0]-0.5) > 0.01 || math.Abs(weights[1]-0.02) > 0.001 {
				t.Errorf("weights are %v", weights)
			}
		})
	}
}

// TestRidgeLeavesMoreThanAllAlone has a few lessons far out that pay as the near ones do: they must not bend the line that the
// near ones need.
func TestRidgeLeavesMoreThanAllAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	_, _, weights := policy.Regress(policy.Options{Dimensions: 16, Discount: 1}, 10_000, func(x []float64) float64 {
		x[0] = 1
		switch n := r.IntN(10); {
		case n < 1:
			x[1] = 10
		case n < 5:
			x[1] = 0.5
		default:
			x[1] = -0.5
			return 0
		}
		return 1
	})
	if low, high := weights[0]-weights[1]/2, weights[0]+weights[1]/2; low > 0.3 || high < 0.6 {
		t.Errorf("0 is estimated as %.2f and 1 as %.2f", low, high)
	}
}

func TestHashVector(t *testing.T) {
	f := func(name string, v float64) policy.Feature { return policy.Feature{Name: name, Value: v} }
	tests := map[string]struct {
		context []policy.Feature
		same    []policy.Feature
	}{
		"nothing":       {nil, nil},
		"not a number":  {[]policy.Feature{f("a", math.NaN())}, nil},
		"zero":          {[]policy.Feature{f("a", 0)}, nil},
		"infinite":      {[]policy.Feature{f("a", math.Inf(1))}, []policy.Feature{f("a", 10)}},
		"huge":          {[]policy.Feature{f("a", -1e300)}, []policy.Feature{f("a", -10)}},
		"order":         {[]policy.Feature{f("a", 1), f("b", 2)}, []policy.Feature{f("b", 2), f("a", 1)}},
		"same name":     {[]policy.Feature{f("a", 1), f("a", 2)}, []policy.Feature{f("a", 3)}},
		"in the bounds": {[]policy.Feature{f("a", 10)}, []policy.Feature{f("a", 10)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := policy.HashVector(64, test.context)
			if diff := cmp.Diff(policy.HashVector(64, test.same), got); diff != "" {
				t.Error(diff)
			}
			if got[0] != 1 {
				t.Errorf("the bias is %v", got[0])
			}
		})
	}
}
