package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"spotter/internal/scorecard"
	"spotter/internal/scorecard/record"
)

// step is one run of go test. Tests hand their figures over by package record; benchmarks print theirs.
type step struct {
	name string
	// args are go test's, the package last.
	args []string
	// benchmarks are what to take from what it prints.
	benchmarks []scorecard.Benchmark
	long       bool // left out of a quick run
}

// steps are the measurements, in the order of the scorecard.
func steps(quick bool) []step {
	rounds, times := "-count=5", "-benchtime=100x"
	if quick {
		rounds, times = "-count=3", "-benchtime=20x"
	}
	bench := func(what, pattern, pkg string, list []scorecard.Benchmark, flags ...string) step {
		return step{name: what, args: append(append([]string{"-run", "^$", "-bench", pattern, rounds}, flags...), pkg), benchmarks: list}
	}
	tests := func(what, pattern, pkg string, long bool) step {
		return step{name: what, args: []string{"-tags", "bench", "-run", "^(" + pattern + ")$", pkg}, long: long}
	}
	return []step{
		tests("the box", "TestCPU|TestProgram|TestQueryable|TestViewerInProcess|TestViewer|TestDrain|TestLive|TestGrowStreams|TestGrowObservations", "./internal/bench", false),
		tests("events of 1, 12 and 72 h", "TestGrowEvent", "./internal/bench", true),
		tests("calls and recall", "TestGate", "./internal/gatebench", false),
		tests("cuts", "TestCuts", "./internal/gatebench", true),
		tests("the decoder's process", "TestApartCost", "./capture/apart", true),
		bench("local models", "^BenchmarkAround$", "./vision/local", models(), times),
		bench("decisions", "^BenchmarkDecide$", "./engage", decisions(), "-benchtime=5000x"),
		bench("the store", "^BenchmarkRecord$", "./store", storing(), "-benchtime=300x"),
		tests("the personaliser", "TestConversions", "./internal/engagebench", true),
	}
}

func models() (list []scorecard.Benchmark) {
	const group = "Local models, one thread, with all that is done around the network"
	for _, m := range []struct{ name, what string }{
		{"yunet", "faces: YuNet, 640 pixels"},
		{"yolox-nano", "objects: YOLOX-nano, 416 pixels"},
		{"nanodet", "objects: NanoDet, 416 pixels"},
		{"mobilefacenet", "identity: MobileFaceNet, 112 pixels"},
	} {
		name := "BenchmarkAround/" + m.name
		list = append(list,
			scorecard.Benchmark{Name: name, Metric: "all-ms", Scale: 1, Of: record.Measurement{Group: group, Name: m.what, Unit: "ms a picture"}},
			scorecard.Benchmark{Name: name, Metric: "ratio", Scale: 1, Of: record.Measurement{Group: group, Name: m.what + ": all of the network alone", Goal: record.AtMost(1.15)}})
	}
	return list
}

func decisions() []scorecard.Benchmark {
	const group = "Decisions, 20 eligible of 1,000 instruments, kept before they are answered"
	return []scorecard.Benchmark{
		{Name: "BenchmarkDecide", Metric: "ns-median", Scale: 1e-3, Of: record.Measurement{Group: group, Name: "a decision, p50", Unit: "us"}},
		{Name: "BenchmarkDecide", Metric: "ns-p99", Scale: 1e-3, Of: record.Measurement{Group: group, Name: "a decision, p99", Unit: "us"}},
		{Name: "BenchmarkDecide", Metric: "allocs/op", Scale: 1, Of: record.Measurement{Group: group, Name: "allocations"}},
	}
}

func storing() []scorecard.Benchmark {
	const group = "Store"
	return []scorecard.Benchmark{
		{Name: "BenchmarkRecord/empty", Metric: "ns/op", Scale: 1e-6, Of: record.Measurement{Group: group, Name: "an observation on disk, into an empty event", Unit: "ms"}},
		{Name: "BenchmarkRecord/22000", Metric: "ns/op", Scale: 1e-6, Of: record.Measurement{Group: group, Name: "an observation on disk, after 12 h", Unit: "ms"}},
	}
}

// run runs the step and puts its figures on the card. measurements is a file of its own use.
func (s step) run(ctx context.Context, c *scorecard.Card, quick bool, measurements string) error {
	began := time.Now()
	fmt.Printf("\n== %s: go test %s\n", s.name, strings.Join(s.args, " "))
	args := append([]string{"test", "-v", "-timeout=90m"}, s.args...)
	if len(s.benchmarks) == 0 {
		args = append([]string{"test", "-count=1"}, args[1:]...)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), record.Variable+"="+measurements)
	if quick {
		cmd.Env = append(cmd.Env, record.QuickVariable+"=1")
	}
	// go test ends its tests when it is told to, and they their servers.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(os.Stdout, &out)
	cmd.Stderr = cmd.Stdout
	failed := cmd.Run()
	list, err := record.Read(measurements)
	if err != nil {
		return err
	}
	if err := os.Remove(measurements); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c.Add(list...)
	c.Add(scorecard.ReadBenchmarks(out.String(), s.benchmarks)...)
	absent := scorecard.ReadAbsences(out.String())
	if failed != nil && len(absent) == 0 {
		absent = append(absent, scorecard.Absence{What: s.name, Why: "failed: " + lastLine(out.String())})
	}
	c.LeaveOut(absent...)
	fmt.Printf("== %s: %v\n", s.name, time.Since(began).Round(time.Second))
	if failed != nil {
		return fmt.Errorf("%s: %w: see above", s.name, failed)
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
