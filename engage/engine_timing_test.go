package engage_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/policy"
)

// BenchmarkDecide decides among 20 eligible of 1,000 instruments with 20 things on screen, for a viewer with a profile of 10
// attributes, by LinUCB with 64 dimensions that has learned, into a real ledger that is flushed meanwhile.
func BenchmarkDecide(b *testing.B) {
	var instruments []instrument.Instrument
	for i := range 1000 {
		target := fmt.Sprintf("Thing %d", i/20*20)
		if i >= 20 {
			target = fmt.Sprintf("Other %d", i)
		}
		instruments = append(instruments, some(fmt.Sprintf("i%03d", i), aimedAt(target, fmt.Sprintf("More %d", i)), perViewer(1<<30)))
	}
	e := newEngine(b, engage.Config{Learner: policy.NewLinUCB(policy.Options{Dimensions: 64})}, instruments...)
	const viewers = 1000
	for i := range viewers {
		text := fmt.Sprintf(`{"age":%d,"city":"Bath","member":true,"likes":["a","b"],"x1":1,"x2":"b","x3":"c","x4":4,"x5":"e","x6":false}`, i%80)
		if err := e.PutProfile(fmt.Sprint("p", i), []byte(text)); err != nil {
			b.Fatal(err)
		}
	}
	var on []string
	for i := range 20 {
		on = append(on, fmt.Sprintf("Thing %d", i))
	}
	q := ask("", seeing(on...))
	ids := make([]string, viewers)
	for i := range ids {
		ids[i] = fmt.Sprint("p", i)
	}
	for i := range 2 * viewers {
		q.Viewer = ids[i%viewers]
		d := must(b, e, q)
		if i%3 == 0 {
			if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon); err != nil {
				b.Fatal(err)
			}
		}
	}
	flush(b, e)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	b.ReportAllocs()
	b.ResetTimer()
	took := make([]time.Duration, 0, b.N)
	for i := range b.N {
		q.Viewer = ids[i%viewers]
		began := time.Now()
		if _, ok := e.Decide(q); !ok {
			b.Fatal("no decision")
		}
		took = append(took, time.Since(began))
	}
	b.StopTimer()
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "ns-median")
	b.ReportMetric(float64(took[len(took)*99/100]), "ns-p99")
}
