//go:build bench && linux && !nocv

package bench_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"spotter/internal/scorecard/record"
	"spotter/store"
	"spotter/timeline"
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
			"the box jumps to the live edge, and the share that is analysed falls."
	)
	numbers, warm, took := []int{1, 2, 4, 8, 16}, 10*time.Second, 30*time.Second
	if record.Quick() {
		numbers, warm, took = []int{1, 4}, 6*time.Second, 10*time.Second
	}
	program := buildProgram(t)
	for _, n := range numbers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			cpu, memory, share := runStreams(t, program, n, warm, took)
			fmt.Printf("%d streams: %.2f cores, %.0f MB, %.2f of them analysed\n", n, cpu, memory/1e6, share)
			for _, m := range []record.Measurement{
				{Name: "CPU", Unit: "cores", Values: []float64{cpu}, Note: note},
				{Name: "memory, decoders included", Unit: "MB", Values: []float64{memory / 1e6}},
				{Name: "share of the streams that is analysed", Values: []float64{share}},
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

// runStreams returns how many cores the program takes, how much memory, and which share of live streams it analyses.
func runStreams(t *testing.T, program string, streams int, warm, took time.Duration) (cores, memory, share float64) {
	origin := httptest.NewServer(newPunctual(t, film{1080, h264, 2}, streams))
	t.Cleanup(origin.Close)
	b := startBox(t, program, watching(filepath.Join(t.TempDir(), "state"), origin, streams, localOnly))
	b.answers(t, "/v1/media/"+streamID(0), time.Now())
	time.Sleep(warm)
	pid := b.cmd.Process.Pid
	progress := func() (seconds float64) {
		for i := range streams {
			seconds += b.analyzedUntil(streamID(i))
		}
		return seconds
	}
	began, cpu, at := time.Now(), processTime(t, pid), progress()
	for time.Since(began) < took {
		time.Sleep(took / 10)
		memory = max(memory, residentAll(t, pid))
	}
	seconds := time.Since(began).Seconds()
	return (processTime(t, pid) - cpu).Seconds() / seconds, memory, (progress() - at) / seconds / float64(streams)
}

// TestProgram prints how long the program takes to answer after it was started, with nothing on its disk and, killed, with an
// event of 12 h. Run it with
//
//	go test -tags bench -v -run 'TestProgram$' ./internal/bench
func TestProgram(t *testing.T) {
	const group = "Start"
	rounds := record.Rounds(10, 3)
	program := buildProgram(t)
	origin := httptest.NewServer(newPunctual(t, film{1080, h264, 2}, 1))
	t.Cleanup(origin.Close)
	var first, again []float64
	full := filepath.Join(t.TempDir(), "full")
	fillStore(t, filepath.Join(full, "spotter.db"), streamID(0), viewerObservations)
	for range rounds {
		began := time.Now()
		b := startBox(t, program, watching(filepath.Join(t.TempDir(), "state"), origin, 1, localOnly))
		first = append(first, b.answers(t, "/v1/media/"+streamID(0), began).Seconds())
		b.kill(t)
		began = time.Now()
		b = startBox(t, program, watching(full, origin, 1, localOnly))
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

// fillStore makes a database of busy scenes.
func fillStore(t *testing.T, path, media string, observations int) {
	t.Helper()
	s := openStore(t, path)
	const batch = 1000
	list := busyEvent(observations)
	for _, o := range list {
		o.Media = media
	}
	for part := range slices.Chunk(list, batch) {
		b := store.Batch{Media: media, Observations: part, Analyzed: []timeline.Span{{From: part[0].From, Until: part[len(part)-1].Until}}}
		if err := s.Record(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
