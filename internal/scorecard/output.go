package scorecard

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"spotter/internal/scorecard/record"
)

// Benchmark picks one metric of one benchmark out of what `go test -bench` prints
// (https://go.dev/design/14313-benchmark-format).
type Benchmark struct {
	// Name is the benchmark's, without the number of cores, and Metric the unit of the figure: "ns/op", "all-ms".
	Name, Metric string
	// Scale is what a figure is multiplied with to have the measurement's unit.
	Scale float64
	// Of is what to fill with the figures, a value for each line with the name.
	Of record.Measurement
}

// cores is what go test adds to a benchmark's name.
var cores = regexp.MustCompile(`-\d+$`)

// ReadBenchmarks returns the measurements that benchmarks printed. Those that printed none are not among them.
func ReadBenchmarks(output string, wanted []Benchmark) (list []record.Measurement) {
	for _, w := range wanted {
		m := w.Of
		for line := range strings.Lines(output) {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[0] != w.Name && cores.ReplaceAllString(fields[0], "") != w.Name {
				continue
			}
			for i := 2; i+1 < len(fields); i += 2 {
				if v, err := strconv.ParseFloat(fields[i], 64); err == nil && fields[i+1] == w.Metric {
					m.Values = append(m.Values, v*w.Scale)
				}
			}
		}
		if len(m.Values) > 0 {
			list = append(list, m)
		}
	}
	return list
}

// verdict is go test's line on a test or benchmark that is not simply done.
var verdict = regexp.MustCompile(`^\s*--- (SKIP|FAIL): (\S+)`)

// reason is a line that a test logged, without where it stands.
var reason = regexp.MustCompile(`^\s+[\w.]+\.go:\d+: (.*)`)

// ReadAbsences returns the tests and benchmarks that, by what `go test -v` printed, were skipped or failed, with what they said
// last before that or first after.
func ReadAbsences(output string) (list []Absence) {
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		m := verdict.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		why := ""
		for _, near := range slices.Concat(lines[i+1:min(i+2, len(lines))], reversed(lines[max(0, i-3):i])) {
			if r := reason.FindStringSubmatch(near); r != nil {
				why = r[1]
				break
			}
		}
		a := Absence{What: cores.ReplaceAllString(m[2], ""), Why: why}
		if m[1] == "FAIL" {
			a.Why = "failed: " + why
		}
		list = append(list, a)
	}
	return list
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
