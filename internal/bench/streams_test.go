//go:build bench && !nocv

package bench_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"spotter/internal/scorecard/record"
)

const localOnly = "{mode: local-only}"

// TestGrowStreams runs the program on more and more live streams of 1080p30 and prints what they take. Run it with
//
//	go test -tags bench -v -timeout 20m -run GrowStreams ./internal/bench
func TestGrowStreams(t *testing.T) {
	const (
		group = record.Growth + "streams"
		axis  = "streams"
		note  = "While cores are idle each stream brings the same work. From where all are busy the CPU can grow no more: segments wait, " +
			"and the box falls behind the live edge until it jumps."
	)
	numbers, warm, took := []int{1, 2, 4, 8, 16}, 10*time.Second, 30*time.Second
	if record.Quick() {
		numbers, warm, took = []int{1, 4}, 4*time.Second, 8*time.Second
	}
	program := buildProgram(t)
	for _, n := range numbers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			cpu, memory, behind := runStreams(t, program, n, warm, took)
			fmt.Printf("%d streams: %.2f cores, %.0f MB, %.1f s behind the live edge\n", n, cpu, memory/1e6, behind)
			for _, m := range []record.Measurement{
				{Name: "CPU", Unit: "cores", Values: []float64{cpu}, Note: note},
				{Name: "memory, decoders included", Unit: "MB", Values: []float64{memory / 1e6}},
				{Name: "behind the live edge, mean of the streams", Unit: "s", Values: []float64{behind}},
			} {
				m.Group, m.Axis, m.X = group, axis, float64(n)
				record.Add(t, m)
			}
			if n == 1 {
				const alone = "The program on one live stream of 1080p30, classic recogniser unless models are in place"
				record.Add(t, record.Measurement{Group: alone, Name: "CPU a stream minute", Unit: "s", Values: []float64{60 * cpu}},
					record.Measurement{Group: alone, Name: "streams a core", Values: []float64{1 / cpu}},
					record.Measurement{Group: alone, Name: "memory, decoder included", Unit: "MB", Values: []float64{memory / 1e6}})
			}
		})
	}
	fmt.Printf("of %d cores, which the origin shares\n", runtime.NumCPU())
}

// runStreams returns how many cores the program takes for so many live streams, how much memory at most, and how many seconds the
// streams are analysed behind what is published, on average at the end.
func runStreams(t *testing.T, program string, streams int, warm, took time.Duration) (cores, memory, behind float64) {
	origin := newPunctual(t, film{1080, h264, 2}, streams)
	b := startBox(t, program, watching(filepath.Join(t.TempDir(), "state"), origin, localOnly))
	b.answers(t, "/v1/media/"+streamID(0), time.Now())
	time.Sleep(warm)
	pid := b.cmd.Process.Pid
	began, cpu := time.Now(), processTime(t, pid)
	for time.Since(began) < took {
		time.Sleep(took / 10)
		memory = max(memory, residentAll(t, pid))
	}
	cores = (processTime(t, pid) - cpu).Seconds() / time.Since(began).Seconds()
	for i := range streams {
		edge := time.Since(origin.published(i, -1)).Seconds()
		behind += max(0, edge-b.analyzedUntil(streamID(i))) / float64(streams)
	}
	return cores, memory, behind
}

// TestProgram prints how long the program takes to answer after it was started, with nothing on its disk and, killed, with an
// event of 12 h. Run it with
//
//	go test -tags bench -v -run 'TestProgram$' ./internal/bench
func TestProgram(t *testing.T) {
	const group = "Start"
	rounds := record.Rounds(10, 3)
	program := buildProgram(t)
	origin := newPunctual(t, film{1080, h264, 2}, 1)
	var first, again []float64
	full := t.TempDir()
	fillStore(t, filepath.Join(full, "spotter.db"), streamID(0), viewerObservations)
	for range rounds {
		began := time.Now()
		b := startBox(t, program, watching(filepath.Join(t.TempDir(), "state"), origin, localOnly))
		first = append(first, b.answers(t, "/v1/media/"+streamID(0), began).Seconds())
		b.kill(t)
		began = time.Now()
		b = startBox(t, program, watching(full, origin, localOnly))
		again = append(again, b.answers(t, "/v1/media/"+streamID(0)+"/context?position=40&backward=10&forward=5", began).Seconds())
		b.kill(t)
	}
	record.Add(t, record.Measurement{Group: group, Name: "from start to the first answer, new box", Unit: "s", Values: first},
		record.Measurement{Group: group, Name: "from start after kill -9 to the first look-up, 12 h event", Unit: "s", Values: again})
	fmt.Printf("first answer after %s; with 12 h on disk, killed: %s\n", spread(slices.Clone(first), "%.2f s"), spread(slices.Clone(again), "%.2f s"))
}

// kill ends the program as kill -9 does.
func (b *box) kill(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.cmd.Wait() // "signal: killed"
}
