package engagebench

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Rewards are those of one contender, a number per seed.
type Rewards struct {
	Name string
	Per  []float64
}

// Best returns the contender of the highest mean.
func Best(of []Rewards) Rewards {
	return slices.MaxFunc(of, func(a, b Rewards) int {
		d := stat.Mean(a.Per, nil) - stat.Mean(b.Per, nil)
		return int(math.Copysign(1, d))
	})
}

// Paired returns the mean of a-b, seed by seed, and half the width of its 95 % interval (Student's t).
func Paired(a, b Rewards) (mean, half float64) {
	d := make([]float64, len(a.Per))
	for i := range d {
		d[i] = a.Per[i] - b.Per[i]
	}
	mean, sd := stat.MeanStdDev(d, nil)
	n := float64(len(d))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return mean, t * sd / math.Sqrt(n)
}
