// Package scorecard owns what `make scorecard` makes of measurements: figures with intervals, and the JSON, Markdown and SVG
// that show them.
package scorecard

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"spotter/internal/scorecard/record"
)

// resamples is how many times the rounds are drawn anew for an interval.
const resamples = 2000

// Figure is a measurement and what it comes to.
type Figure struct {
	record.Measurement
	// Value is the median over the rounds, another percentile of them, or the ratio of the sums.
	Value float64 `json:"value"`
	// Low and High bound the middle 95 % of what Value comes to when the rounds are drawn anew from themselves. With one
	// round they are Value: one round says nothing of its own spread.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Compute returns the figure that a measurement comes to. The same rounds always give the same interval.
func Compute(m record.Measurement) Figure {
	f := Figure{Measurement: m}
	n := len(m.Values)
	if n == 0 {
		return f
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	f.Value = value(&m, all)
	r := rand.New(rand.NewPCG(1, 1))
	drawn, values := make([]int, n), make([]float64, resamples)
	for i := range values {
		for j := range drawn {
			drawn[j] = r.IntN(n)
		}
		values[i] = value(&m, drawn)
	}
	slices.Sort(values)
	f.Low, f.High = values[resamples*25/1000], values[resamples*975/1000-1]
	return f
}

// value is what some of a measurement's rounds, by number, come to.
func value(m *record.Measurement, rounds []int) float64 {
	if m.Pooled {
		var part, of float64
		for _, i := range rounds {
			part, of = part+m.Values[i], of+m.Base[i]
		}
		return ratio(part, of)
	}
	list := make([]float64, len(rounds))
	for j, i := range rounds {
		list[j] = m.Values[i]
		if len(m.Base) > 0 {
			list[j] = ratio(m.Values[i], m.Base[i])
		}
	}
	return percentile(list, cmp.Or(m.Percentile, 50))
}

// ratio is 0 of nothing: a bootstrap may draw only rounds in which there was nothing to compare with.
func ratio(part, of float64) float64 {
	if of == 0 {
		return 0
	}
	return part / of
}

// percentile is between the two figures that are nearest to it; 50 is the median. It sorts the list.
func percentile(list []float64, p float64) float64 {
	slices.Sort(list)
	at := p / 100 * float64(len(list)-1)
	low := int(at)
	high := min(low+1, len(list)-1)
	return list[low] + (at-float64(low))*(list[high]-list[low])
}

// Ratio reports whether the figure is one and so means something on another machine too.
func (f *Figure) Ratio() bool { return len(f.Base) > 0 }

// Verdict says whether the goal is met: "met", "missed", or "met, not surely" and "missed, not surely" where the interval has
// both; "" without a goal or figure.
func (f *Figure) Verdict() string {
	if f.Goal == nil || f.Absent != "" {
		return ""
	}
	text := "missed"
	if f.Goal.Met(f.Value) {
		text = "met"
	}
	if f.Goal.Met(f.Low) != f.Goal.Met(f.High) {
		text += ", not surely"
	}
	return text
}
