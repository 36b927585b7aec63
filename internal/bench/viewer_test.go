//go:build bench

package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/internal/scorecard/record"
	"spotter/timeline"
)

// TestViewerInProcess prints what a look-up of 15 s anywhere in an event takes without a network. Run it with
//
//	go test -tags bench -v -run 'TestViewerInProcess$' ./internal/bench
func TestViewerInProcess(t *testing.T) {
	rounds := record.Rounds(3, 1)
	fmt.Println(machine())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "in process, 15 s window\tobservations\tns\tallocations\tgoal")
	sizes := []int{viewerObservations, 200_000}[:record.Rounds(2, 1)]
	var looks, answers [2][]testing.BenchmarkResult
	for range rounds {
		for i, n := range sizes {
			tl := timeline.New(busyEvent(n), nil)
			looks[i] = append(looks[i], testing.Benchmark(func(b *testing.B) { look(b, tl) }))
			s := newSpotter(n)
			answers[i] = append(answers[i], testing.Benchmark(func(b *testing.B) { answer(b, s, viewerPaths(4096, n)) }))
		}
	}
	for i, n := range sizes {
		fmt.Fprintf(w, "look-up\t%d\t%s\t%d\t<= 2000 ns, 0\n", n, took(looks[i]), looks[i][0].AllocsPerOp())
		fmt.Fprintf(w, "whole handler: query, look-up, JSON, metrics\t%d\t%s\t%d\t0 allocations\n", n, took(answers[i]), answers[i][0].AllocsPerOp())
		recordInProcess(t, n, "look-up", looks[i], record.AtMost(2))
		recordInProcess(t, n, "whole handler", answers[i], nil)
	}
}

// recordInProcess gives the scorecard what a benchmark took in an event of n observations. Goals are for 12 h.
func recordInProcess(t *testing.T, n int, what string, list []testing.BenchmarkResult, most *record.Goal) {
	t.Helper()
	none := record.AtMost(0)
	if n != viewerObservations {
		most, none = nil, nil
	}
	var took, allocations []float64
	for _, r := range list {
		took, allocations = append(took, float64(r.NsPerOp())/1e3), append(allocations, float64(r.AllocsPerOp()))
	}
	const group = "Look-up of 15 s in process"
	record.Add(t, record.Measurement{Group: group, Name: fmt.Sprintf("%s, %d observations", what, n), Unit: "us", Values: took, Goal: most},
		record.Measurement{Group: group, Name: fmt.Sprintf("%s, %d observations: allocations", what, n), Values: allocations, Goal: none})
}

func took(list []testing.BenchmarkResult) string {
	var all []float64
	for _, r := range list {
		all = append(all, float64(r.NsPerOp()))
	}
	return spread(all, "%.0f")
}

// look looks up windows all over a timeline.
func look(b *testing.B, tl *timeline.Timeline) {
	var l timeline.Look
	until := int64(tl.Last().Until) - 15_000
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		from := timeline.Position(i * 7_919_333 % until)
		tl.Look(&l, timeline.Span{From: from, Until: from + 15_000})
	}
}

// answer has the whole handler answer.
func answer(b *testing.B, s *httpapi.Server, paths []string) {
	ctx := handled(s, paths[0])
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ctx.Request.SetRequestURI(paths[i%len(paths)])
		ctx.Response.Reset()
		s.Handle(ctx)
	}
	if ctx.Response.StatusCode() != fasthttp.StatusOK {
		b.Error(ctx.Response.String())
	}
}

// TestViewer prints, side by side and while a stream is analysed on the same machine, what a client on the loopback interface
// gets from Spotter, from a bare handler and from what a user would otherwise build. Run it with
//
//	go test -tags bench -v -timeout 10m -run 'TestViewer$' ./internal/bench
func TestViewer(t *testing.T) {
	const rate = 5000
	closedRounds, openRounds := record.Rounds(9, 7), 3
	numbers := []int{1, 64, 1024}
	if record.Quick() {
		numbers = []int{64}
	}
	fmt.Println(machine())
	addrs := map[string]string{}
	var there []string
	for _, c := range viewerContenders {
		addr, absent := startContender(t, c)
		if absent == "" {
			addrs[c], there = addr, append(there, c)
		} else {
			record.Add(t, record.Measurement{Group: viewerGroup, Name: c, Absent: absent})
		}
	}
	for _, c := range there {
		if c != viewerBare {
			checkContender(t, c, addrs[c])
		}
	}
	progress := analyzed(t)

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "closed loop, body of %d bytes\tconnections\trequests/s\tof bare (goal >= 0.8)\tp50\tp99\tof bare (goal <= 1.5)\n", len(typicalBody()))
	for _, connections := range numbers {
		l := load{Connections: connections, Warm: 250 * time.Millisecond, For: time.Second}
		results := applyAll(t, l, there, addrs, closedRounds)
		for _, c := range there {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", c, connections,
				each(results[c], (*loadResult).rate, "%.0f"),
				ratio(results[c], results[viewerBare], (*loadResult).rate),
				each(results[c], func(r *loadResult) float64 { return float64(r.P50) / 1e3 }, "%.0f us"),
				each(results[c], func(r *loadResult) float64 { return float64(r.P99) / 1e3 }, "%.0f us"),
				ratio(results[c], results[viewerBare], func(r *loadResult) float64 { return float64(r.P99) }))
			recordLoad(t, c, connections, results)
		}
	}
	w.Flush()
	if record.Quick() {
		fmt.Println(progress())
		return // the scorecard has the closed loop
	}
	fmt.Fprintf(w, "open loop, %d requests/s due\tanswered/s\tp50\tp99\tp99.9\tp99 of bare\n", rate)
	l := load{Connections: 64, Warm: 500 * time.Millisecond, For: 3 * time.Second, Rate: rate}
	results := applyAll(t, l, there, addrs, openRounds)
	for _, c := range there {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s%s\n", c,
			each(results[c], (*loadResult).rate, "%.0f"),
			each(results[c], func(r *loadResult) float64 { return float64(r.P50) / 1e6 }, "%.2f ms"),
			each(results[c], func(r *loadResult) float64 { return float64(r.P99) / 1e6 }, "%.2f ms"),
			each(results[c], func(r *loadResult) float64 { return float64(r.P999) / 1e6 }, "%.2f ms"),
			ratio(results[c], results[viewerBare], func(r *loadResult) float64 { return float64(r.P99) }),
			cannotKeepUp(results[c], rate))
	}
	w.Flush()
	fmt.Println("figures are medians of the rounds, with the least and the greatest; ratios are of one round's two")
	fmt.Println(progress())
}

const viewerGroup = "Look-ups over HTTP, on the loopback interface, while a stream is analysed"

// recordLoad gives the scorecard what a server answered in a closed loop, beside the bare handler in the same rounds. The goals
// are Spotter's.
func recordLoad(t *testing.T, contender string, connections int, results map[string][]loadResult) {
	t.Helper()
	var rates, bare, p99, bare99 []float64
	for i := range results[contender] {
		r, b := &results[contender][i], &results[viewerBare][i]
		if r.Requests > 0 {
			rates, bare = append(rates, r.rate()), append(bare, b.rate())
			p99, bare99 = append(p99, float64(r.P99)/1e3), append(bare99, float64(b.P99)/1e3)
		}
	}
	name := fmt.Sprintf("%s, %d connections", contender, connections)
	record.Add(t, record.Measurement{Group: viewerGroup, Name: name, Unit: "requests/s", Values: rates},
		record.Measurement{Group: viewerGroup, Name: name + ", p99", Unit: "us", Values: p99})
	if contender == viewerBare {
		return
	}
	var least, most *record.Goal
	if contender == viewerSpotter {
		least, most = record.AtLeast(0.8), record.AtMost(1.5)
	}
	record.Add(t, record.Measurement{Group: viewerGroup, Name: name + ": requests/s / bare fasthttp", Values: rates, Base: bare, Goal: least},
		record.Measurement{Group: viewerGroup, Name: name + ": p99 / bare fasthttp", Values: p99, Base: bare99, Goal: most})
}

// applyAll puts the load on each server in each round. Rounds are interleaved, and every other goes the other way round, so that
// what else the machine does meets all alike. The stores are far enough from the others for every third round to do; their
// results of the rest are zero.
func applyAll(t *testing.T, l load, there []string, addrs map[string]string, rounds int) map[string][]loadResult {
	t.Helper()
	results := map[string][]loadResult{}
	for round := range rounds {
		order := slices.Clone(there)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			var r loadResult
			if c == viewerSpotter || c == viewerBare || round%3 == 0 {
				l.Addr = addrs[c]
				r = l.apply(t)
			}
			results[c] = append(results[c], r)
		}
	}
	return results
}

// each tells the median of the rounds' figures and their range.
func each(list []loadResult, figure func(*loadResult) float64, format string) string {
	var all []float64
	for i := range list {
		if list[i].Requests > 0 {
			all = append(all, figure(&list[i]))
		}
	}
	return spread(all, format)
}

// ratio tells the median of the rounds' ratios and their range.
func ratio(list, to []loadResult, figure func(*loadResult) float64) string {
	var all []float64
	for i := range list {
		if list[i].Requests > 0 {
			all = append(all, figure(&list[i])/figure(&to[i]))
		}
	}
	return spread(all, "%.2f")
}

func spread(all []float64, format string) string {
	slices.Sort(all)
	unit := ""
	if number, name, ok := strings.Cut(format, " "); ok {
		format, unit = number, " "+name
	}
	return fmt.Sprintf(format+" ("+format+"-"+format+")"+unit, all[len(all)/2], all[0], all[len(all)-1])
}

// cannotKeepUp says so of a server that fell behind the schedule.
func cannotKeepUp(list []loadResult, rate float64) string {
	for i := range list {
		if list[i].Requests > 0 && list[i].rate() < 0.98*rate {
			return "  cannot keep up"
		}
	}
	return ""
}

// machine describes it in a line.
func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo") // not there: the architecture says enough
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			model = strings.Trim(name, "\t :\n")
			break
		}
	}
	return fmt.Sprintf("machine: %d cores of %s, %s, %s", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS)
}
