package intruder

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

// Footprint is what this process holds.
type Footprint struct {
	Heap       int64 // bytes that are in use after a collection
	Goroutines int
	Files      int // open file descriptors; 0 where the system does not tell
}

// Measure returns what the process holds now.
func Measure() Footprint {
	runtime.GC()
	runtime.GC() // what a sync.Pool holds goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // none is told as 0
	return Footprint{int64(m.HeapAlloc), runtime.NumGoroutine(), len(files)}
}

// Settle measures until there are no more goroutines and files than in target, or until wait is over: what a server does
// for clients that hung up ends a moment after them.
func Settle(target Footprint, wait time.Duration) Footprint {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.Now().Add(wait)
	for {
		now := Measure()
		if now.Goroutines <= target.Goroutines && now.Files <= target.Files || time.Now().After(end) {
			return now
		}
		<-tick.C
	}
}

// String tells the footprint in a few words.
func (f Footprint) String() string {
	return fmt.Sprintf("heap %.1f MiB, %d goroutines, %d files", float64(f.Heap)/(1<<20), f.Goroutines, f.Files)
}
