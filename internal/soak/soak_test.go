//go:build soak && linux

package soak_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	length  = flag.Duration("length", 12*time.Minute, "how long the soak lasts")
	each    = flag.Duration("each", 30*time.Second, "how long each number of streams is measured")
	streams = flag.Int("streams", 8, "how many streams the soak has")
	looks   = flag.Duration("looks", 2*time.Second, "between two looks at a stream: with fewer, a busy machine gets through more hours")
)

const (
	often = 5 * time.Second  // between two measurements
	line  = 60 * time.Second // between two that are printed
)

// TestSoak lets the program run on streams in compressed time, with trouble and viewers all the while, and fails where it
// grows, stalls, leaves something out or does not answer. Run it with
//
//	go test -tags soak -count=1 -timeout 30m -v -run TestSoak ./internal/soak -args -length 12m
func TestSoak(t *testing.T) {
	s := newSite(t, *streams)
	b := s.start(t)
	audience := newAudience(t, b, s.names())
	trouble := newTrouble(s, b)

	var all []sample
	fmt.Println(header)
	began := time.Now()
	for at := began; time.Since(began) < *length; at = at.Add(often) {
		waitUntil(t, at.Add(often))
		trouble.step(t, time.Since(began))
		x := b.measure(t, s)
		if n := len(all); n == 0 || x.at.Sub(began)/line > all[n-1].at.Sub(began)/line {
			fmt.Println(x.row(began, s))
		}
		all = append(all, x)
	}
	trouble.end()
	s.publisher.finish(t, b)
	asked := audience.end(t)
	b.checkAnalyzed(t, s)

	last := all[len(all)-1]
	fmt.Printf("%d streams of %v each; %d decoders killed, %d outages, %d reloads, %d refused\n", len(s.origins),
		last.event.Round(time.Minute), trouble.killed, trouble.outages, trouble.reloads, trouble.refused)
	fmt.Println(asked)
	first := all[len(all)/3]
	fmt.Printf("a stream minute took %.3f s of CPU, in the parent %.3f s\n",
		(last.cpu-first.cpu)/(last.minutes(s)-first.minutes(s)), (last.parentCPU-first.parentCPU)/(last.minutes(s)-first.minutes(s)))
	checkFlat(t, all)
	b.stop(t)
}

// TestStreams prints what 1, 2, 4 and 8 streams cost. Run it with
//
//	go test -tags soak -count=1 -timeout 30m -v -run TestStreams ./internal/soak -args -each 30s
func TestStreams(t *testing.T) {
	fmt.Println("streams  CPU s a stream minute  (parent)  memory MiB, PSS: all  parent  a decoder  times as fast as live")
	for _, n := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newSite(t, n)
			b := s.start(t)
			s.publisher.waitFor(t, time.Minute) // for libraries, models and caches to be there
			first := b.measure(t, s)
			waitUntil(t, time.Now().Add(*each))
			last := b.measure(t, s)
			minutes := last.minutes(s) - first.minutes(s)
			var decoders float64
			for _, c := range last.children {
				decoders += mib(c.pss)
			}
			fmt.Printf("%7d %22.3f %9.3f %21.0f %7.0f %10.1f %23.1f\n", n, (last.cpu-first.cpu)/minutes, (last.parentCPU-first.parentCPU)/minutes,
				mib(last.parent.pss)+decoders, mib(last.parent.pss), decoders/float64(n), minutes/float64(n)/last.at.Sub(first.at).Minutes())
			s.publisher.finish(t, b)
			b.checkAnalyzed(t, s)
			b.stop(t)
		})
	}
}

// waitUntil waits for a time of the clock on the wall: the soak measures a real program, which knows no other.
func waitUntil(t *testing.T, at time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.FailNow()
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}
