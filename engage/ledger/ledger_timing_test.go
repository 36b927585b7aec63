package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"spotter/engage/ledger"
)

func someDecisions(l *ledger.Ledger, n int) []*ledger.Decision {
	r := rand.New(rand.NewPCG(1, 2))
	ds := make([]*ledger.Decision, n)
	for i := range ds {
		ds[i] = wide(r, l.Viewer(fmt.Sprint("v", i)))
	}
	return ds
}

// BenchmarkAppend appends decisions of 25 features and 5 arms; flushes are not measured.
func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir())
	ds := someDecisions(l, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%100_000 == 99_999 {
			b.StopTimer()
			flush(b, l)
			b.StartTimer()
		}
		add(b, l, &ledger.Record{Decision: ds[i%len(ds)]})
	}
}

// BenchmarkAppendParallel does so from all cores, with flushes at the same time.
func BenchmarkAppendParallel(b *testing.B) {
	l := open(b, b.TempDir())
	ds := someDecisions(l, 4096)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := l.Flush(); err != nil {
				b.Error(err)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := l.Append(&ledger.Record{Decision: ds[n.Add(1)%int64(len(ds))]}); err != nil {
				b.Error(err)
			}
		}
	})
	close(stop)
	<-done
}

// BenchmarkFlush flushes 4,096 decisions of as many viewers at a time.
func BenchmarkFlush(b *testing.B) {
	dir := b.TempDir()
	l := open(b, dir)
	ds := someDecisions(l, 4096)
	records := 0
	for b.Loop() {
		b.StopTimer()
		for _, d := range ds {
			add(b, l, &ledger.Record{Decision: d})
		}
		b.StartTimer()
		records += len(flush(b, l))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
	fi, err := os.Stat(filepath.Join(dir, "engagement.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(fi.Size())/float64(records), "file-B/record")
}
