package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"spotter/engage/policy"
)

// TestVariances holds the variances that decisions compute to sums over all numbers of the vector.
func TestVariances(t *testing.T) {
	for arms := range 10 {
		t.Run(fmt.Sprint(arms, " arms"), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(arms), 1))
			const n = 16
			x := make([]float64, n)
			for _, i := range r.Perm(n)[:r.IntN(n)+1] {
				x[i] = r.Float64()*4 - 2
			}
			var matrices [][][]float64
			var want []float64
			for range arms {
				m, sum := definite(r, n), 0.0
				for i := range m {
					for j := range m {
						sum += x[i] * m[i][j] * x[j]
					}
				}
				matrices, want = append(matrices, m), append(want, sum)
			}
			got := policy.Variances(x, matrices...)
			if len(got) != len(want) {
				t.Fatalf("%d variances, want %d", len(got), len(want))
			}
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-5*(1+want[i]) {
					t.Errorf("variance %d is %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}

// definite returns a random positive definite matrix.
func definite(r *rand.Rand, n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		m[i][i] = 1
	}
	for range n {
		u := make([]float64, n)
		for i := range u {
			u[i] = r.Float64()*2 - 1
		}
		for i := range m {
			for j := range m {
				m[i][j] += u[i] * u[j]
			}
		}
	}
	return m
}
