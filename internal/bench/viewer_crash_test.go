//go:build bench && linux && !nocv

package bench_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	crashRounds = 4
	crashFor    = 20 * time.Second
	crashEvery  = time.Second // a decoder is killed
	crashRate   = 500         // look-ups a second
)

// TestLookupsWhileDecodersCrash looks up over HTTP from a program that analyses a live stream, with its decoder left alone
// and killed every second, in alternating rounds. No look-up may fail, and the 99th percentile may be at most twice as long.
// Run it with
//
//	go test -tags bench -v -timeout 20m -run LookupsWhileDecodersCrash ./internal/bench
func TestLookupsWhileDecodersCrash(t *testing.T) {
	pid, addr, told := analyzing(t)
	l := load{Addr: addr, Connections: 16, Warm: 2 * time.Second, For: crashFor, Rate: crashRate}
	var quiet, crashing []loadResult
	for range crashRounds {
		quiet = append(quiet, l.apply(t))
		t.Logf("left alone: %s", quiet[len(quiet)-1])
		end := killChildren(t, pid)
		crashing = append(crashing, l.apply(t)) // fails with the first look-up that does
		killed := end()
		t.Logf("%d decoders killed: %s", killed, crashing[len(crashing)-1])
		if least := int(crashFor / crashEvery / 2); killed < least {
			t.Errorf("%d decoders were killed, want at least %d: they are not replaced in time", killed, least)
		}
	}
	p99 := func(list []loadResult) time.Duration {
		all := make([]int64, len(list))
		for i, r := range list {
			all[i] = int64(r.P99)
		}
		slices.Sort(all)
		return time.Duration(all[(len(all)-1)/2]+all[len(all)/2]) / 2
	}
	ratio := float64(p99(crashing)) / float64(p99(quiet))
	t.Logf("median p99 of %d rounds: %v left alone, %v while decoders crash, %.2f times; goal <= 2", crashRounds, p99(quiet), p99(crashing), ratio)
	if ratio > 2 {
		t.Errorf("look-ups take %.2f times as long while decoders crash", ratio)
	}
	t.Log(told())
}

// String is a line for people.
func (r loadResult) String() string {
	return fmt.Sprintf("%d look-ups, none failed, p50 %v, p99 %v, p99.9 %v, max %v", r.Requests,
		time.Duration(r.P50), time.Duration(r.P99), time.Duration(r.P999), time.Duration(r.Max))
}

// killChildren kills the children of a process every second, until end is called, which returns how many there were.
func killChildren(t *testing.T, pid int) (end func() (killed int)) {
	stop := make(chan struct{})
	killed := 0
	var group sync.WaitGroup
	group.Go(func() {
		every := time.NewTicker(crashEvery)
		defer every.Stop()
		for {
			select {
			case <-stop:
				return
			case <-every.C:
			}
			for _, child := range children(t, pid) {
				p, err := os.FindProcess(child)
				if err == nil {
					err = p.Signal(syscall.SIGKILL)
				}
				if err == nil {
					killed++
				} else if !errors.Is(err, os.ErrProcessDone) {
					t.Error(err)
				}
			}
		}
	})
	return func() int {
		close(stop)
		group.Wait()
		return killed
	}
}
