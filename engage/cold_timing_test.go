package engage_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/policy"
)

// BenchmarkDecideOf decides among n eligible instruments with caps per viewer, for viewers who come back (warm), and for ones who
// are not in memory any more (cold).
func BenchmarkDecideOf(b *testing.B) {
	for _, n := range []int{1, 20, 64, 1000} {
		for _, cold := range []bool{false, true} {
			b.Run(fmt.Sprintf("eligible=%d/cold=%v", n, cold), func(b *testing.B) {
				var list []instrument.Instrument
				for i := range n {
					list = append(list, some(fmt.Sprintf("i%04d", i), perViewer(1<<30)))
				}
				e := newEngine(b, engage.Config{Learner: policy.NewLinUCB(policy.Options{})}, list...)
				for i := range 4000 {
					must(b, e, ask(fmt.Sprint("p", i%100)))
				}
				flush(b, e)
				took := make([]time.Duration, 0, b.N)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					q := ask(fmt.Sprint("p", i%100))
					if cold {
						q.Viewer = fmt.Sprint("c", i)
					}
					began := time.Now()
					must(b, e, q)
					took = append(took, time.Since(began))
				}
				b.StopTimer()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2]), "ns-median")
				b.ReportMetric(float64(took[len(took)*99/100]), "ns-p99")
			})
		}
	}
}
