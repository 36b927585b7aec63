package scorecard_test

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/scorecard"
	"spotter/internal/scorecard/record"
)

func TestCompute(t *testing.T) {
	tests := []struct {
		name string
		of   record.Measurement
		want [3]float64 // the figure and its range
	}{
		{"one round", record.Measurement{Values: []float64{7}}, [3]float64{7, 7, 7}},
		{"median of an even number", record.Measurement{Values: []float64{4, 1, 3, 2}}, [3]float64{2.5, 1, 4}},
		{"rounds that agree", record.Measurement{Values: []float64{2, 2, 2}}, [3]float64{2, 2, 2}},
		{"ratio by round", record.Measurement{Values: []float64{2, 30, 6}, Base: []float64{1, 10, 1}}, [3]float64{3, 2, 6}},
		{"pooled", record.Measurement{Values: []float64{1, 0}, Base: []float64{1, 3}, Pooled: true}, [3]float64{0.25, 0, 1}},
		{"pooled of nothing", record.Measurement{Values: []float64{0}, Base: []float64{0}, Pooled: true}, [3]float64{0, 0, 0}},
		{"percentile", record.Measurement{Values: []float64{5, 1, 2, 3, 4}, Percentile: 75}, [3]float64{4, 2, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := append([]float64(nil), tt.of.Values...)
			f := scorecard.Compute(tt.of)
			if diff := cmp.Diff(tt.want, [3]float64{f.Value, f.Low, f.High}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, tt.of.Values); diff != "" {
				t.Errorf("the rounds were changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name   string
		values []float64
		goal   *record.Goal
		want   string
	}{
		{"no goal", []float64{1}, nil, ""},
		{"met", []float64{1, 1}, record.AtMost(1), "met"},
		{"missed", []float64{1, 1}, record.AtLeast(2), "missed"},
		{"met, but not in all rounds", []float64{1, 1, 1, 9}, record.AtMost(2), "met, not surely"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := scorecard.Compute(record.Measurement{Values: tt.values, Goal: tt.goal})
			if got := f.Verdict(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadBenchmarks(t *testing.T) {
	const out = "goos: linux\nBenchmarkDecide-2 \t 5000\t 20300 ns/op\t 19000 ns-median\t 12 B/op\nBenchmarkDecide-2 5000 20500 ns/op 21000 ns-median\n" +
		"BenchmarkDecideOf-2 10 1 ns/op 7 ns-median\nBenchmarkSize/1-2 10 5 ns/op\nPASS\n"
	got := scorecard.ReadBenchmarks(out, []scorecard.Benchmark{
		{Name: "BenchmarkDecide", Metric: "ns-median", Scale: 1e-3, Of: record.Measurement{Group: "g", Name: "decide"}},
		{Name: "BenchmarkSize/1", Metric: "ns/op", Scale: 2, Of: record.Measurement{Group: "g", Name: "size"}},
		{Name: "BenchmarkGone", Metric: "ns/op", Scale: 1, Of: record.Measurement{Group: "g", Name: "gone"}},
	})
	want := []record.Measurement{{Group: "g", Name: "decide", Values: []float64{19, 21}}, {Group: "g", Name: "size", Values: []float64{10}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadAbsences(t *testing.T) {
	const out = "=== RUN   TestGate\n    gate_test.go:44: no test kit: set SPOTTER_KIT to its folder\n--- SKIP: TestGate (0.00s)\n" +
		"=== RUN   TestCPU\n--- PASS: TestCPU (1.00s)\n--- SKIP: BenchmarkAround-2\n    timing_test.go:23: no models\n" +
		"=== RUN   TestLive\n    live_test.go:9: 3 of 4 came\n--- FAIL: TestLive (2.00s)\nFAIL\n"
	want := []scorecard.Absence{
		{What: "TestGate", Why: "no test kit: set SPOTTER_KIT to its folder"},
		{What: "BenchmarkAround", Why: "no models"},
		{What: "TestLive", Why: "failed: 3 of 4 came"},
	}
	if diff := cmp.Diff(want, scorecard.ReadAbsences(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// card is one with a figure of each kind.
func card() *scorecard.Card {
	c := &scorecard.Card{
		Made: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Quick: true, Took: 4 * time.Minute,
		Machine: scorecard.Machine{CPU: "A CPU", Cores: 2, MemoryGB: 24, Kernel: "linux 6.1", Versions: []string{"Go 1.26.0"}},
	}
	c.Add(
		record.Measurement{Group: "CPU", Name: "ours / theirs", Values: []float64{1, 2}, Base: []float64{2, 2}, Goal: record.AtMost(1.5)},
		record.Measurement{Group: "CPU", Name: "a|b", Unit: "s", Values: []float64{1234.5}},
		record.Measurement{Group: "Look-ups", Name: "Redis", Absent: "no Redis: run scripts/setup-bench"},
	)
	for _, x := range []float64{1, 2, 4} {
		c.Add(record.Measurement{Group: record.Growth + "streams", Name: "CPU <all>", Unit: "cores", Values: []float64{x * x}, Axis: "streams", X: x, Note: "All are busy."})
	}
	return c
}

func TestMarkdown(t *testing.T) {
	text, plots, err := card().Markdown()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"`make scorecard ARGS=--quick` on 2026-11-23, in 4m0s", "2 cores of A CPU", "| CPU: ours / theirs | 0.750 | 0.500 to 1 | ≤ 1.5 | met |",
		`| a\|b | 1,234 s | one round | 1 |`, "16 times for 4 times the streams; more than linear from 1 to 2 (power 2.00). All are busy.",
		"- Look-ups: Redis: no Redis: run scripts/setup-bench", "(scorecard/how-cost-grows-with-streams-cores.svg)", "| 4 | CPU &lt;all> | 16 cores | one round |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing from\n%s", want, text)
		}
	}
	if len(plots) != 1 {
		t.Fatalf("%d charts, want 1", len(plots))
	}
	svg, err := plots[0].SVG()
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, svg)
		}
	}
	if strings.Contains(string(svg), "NaN") || !strings.Contains(string(svg), "CPU &lt;all&gt;") {
		t.Errorf("%s", svg)
	}
}

func TestReplaceTable(t *testing.T) {
	const before = "# A\n<!-- scorecard -->\nold\n<!-- /scorecard -->\nrest\n"
	got, err := scorecard.ReplaceTable([]byte(before), "new\n")
	if want := "# A\n<!-- scorecard -->\nnew\n<!-- /scorecard -->\nrest\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for name, text := range map[string]string{"no marks": "# A\n", "no end": "<!-- scorecard -->\n", "the wrong way round": "<!-- /scorecard -->\n<!-- scorecard -->\n"} {
		if _, err := scorecard.ReplaceTable([]byte(text), "new"); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if table := card().Table(); !strings.Contains(table, "| CPU: ours / theirs | 0.750 | ≤ 1.5 | met |") {
		t.Errorf("%s", table)
	}
}

func TestJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scorecard.json")
	c := card()
	if err := c.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	got, err := scorecard.ReadJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	m := scorecard.Describe(t.Context(), "1.30.0")
	if m.Cores < 1 || m.CPU == "" || !strings.Contains(m.String(), "Go 1") || !strings.Contains(m.String(), "ONNX Runtime 1.30.0") {
		t.Errorf("%v", m)
	}
}
