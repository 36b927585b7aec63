// Package record owns how a measurement gets from a test to the scorecard: one line of JSON for each, appended to a file.
package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"testing"
)

const (
	// Variable names the environment variable with the path of the file that measurements are appended to. Where it is
	// not set, as in make bench, nothing is written.
	Variable = "SPOTTER_SCORECARD"
	// QuickVariable is set to 1 where less is to be measured, so that all of it takes minutes.
	QuickVariable = "SPOTTER_SCORECARD_QUICK"
)

// Growth begins the group of what grows with something: record.Growth + "streams". Of its curves the scorecard says where
// they grow faster than in proportion.
const Growth = "How cost grows with "

// Measurement is what one test found out about one thing.
type Measurement struct {
	// Group is the heading that the measurement stands under, and Name what was measured, unique in its group and X.
	Group string `json:"group"`
	Name  string `json:"name"`
	// Unit is that of Values and Base, such as "ms"; of a ratio it is not shown.
	Unit string `json:"unit,omitempty"`
	// Values has the figure of each round, in the order of rounds.
	Values []float64 `json:"values,omitempty"`
	// Base, where present, has for each round what its value is compared with, taken in the same round: the figure is then
	// their ratio.
	Base []float64 `json:"base,omitempty"`
	// Pooled makes the figure the sum of Values over the sum of Base, for counts, in place of the median of the ratios.
	Pooled bool `json:"pooled,omitempty"`
	// Percentile, where it is not 0, makes the figure that percentile of Values in place of their median: 95 stands for p95.
	Percentile float64 `json:"percentile,omitempty"`
	// Goal is what the figure is to keep; nil without one.
	Goal *Goal `json:"goal,omitempty"`
	// Axis and X put the figure on a curve: at X of what Axis counts, such as 16 streams.
	Axis string  `json:"axis,omitempty"`
	X    float64 `json:"x,omitempty"`
	// Note is what a reader must know of the figure; of a curve, why it bends where it does.
	Note string `json:"note,omitempty"`
	// Absent says why there is no figure, and how to get one.
	Absent string `json:"absent,omitempty"`
}

// Goal bounds a figure.
type Goal struct {
	Bound float64 `json:"bound"`
	Least bool    `json:"least,omitempty"` // the figure is to be Bound or more, else Bound or less
}

// AtMost is the goal of a figure that is better the smaller it is.
func AtMost(bound float64) *Goal { return &Goal{Bound: bound} }

// AtLeast is the goal of a figure that is better the larger it is.
func AtLeast(bound float64) *Goal { return &Goal{Bound: bound, Least: true} }

// Met reports whether a figure keeps the goal.
func (g *Goal) Met(figure float64) bool {
	if g.Least {
		return figure >= g.Bound
	}
	return figure <= g.Bound
}

// String is the goal as people write it.
func (g *Goal) String() string {
	if g.Least {
		return fmt.Sprintf("≥ %.3g", g.Bound)
	}
	return fmt.Sprintf("≤ %.3g", g.Bound)
}

// Validate returns what is wrong with a measurement; nil where nothing is.
func (m *Measurement) Validate() error {
	switch {
	case m.Group == "" || m.Name == "":
		return errors.New("a measurement needs a group and a name")
	case m.Absent == "" && len(m.Values) == 0:
		return fmt.Errorf("%s, %s: no values", m.Group, m.Name)
	case len(m.Base) > 0 && len(m.Base) != len(m.Values):
		return fmt.Errorf("%s, %s: %d values and %d to compare them with", m.Group, m.Name, len(m.Values), len(m.Base))
	case m.Pooled && len(m.Base) == 0:
		return fmt.Errorf("%s, %s: pooled, with nothing to compare with", m.Group, m.Name)
	case m.Percentile < 0 || m.Percentile > 100:
		return fmt.Errorf("%s, %s: percentile %g", m.Group, m.Name, m.Percentile)
	case m.Axis != "" && m.X <= 0:
		return fmt.Errorf("%s, %s: %g %s", m.Group, m.Name, m.X, m.Axis)
	}
	for _, list := range [][]float64{m.Values, m.Base} {
		for _, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s, %s: a value is %g", m.Group, m.Name, v)
			}
		}
	}
	return nil
}

// Add gives measurements to the scorecard, if one is being made. It fails the test where it cannot.
func Add(tb testing.TB, list ...Measurement) {
	tb.Helper()
	path := os.Getenv(Variable)
	if path == "" {
		return
	}
	if err := Append(path, list...); err != nil {
		tb.Error(err)
	}
}

// Append appends measurements to a file, which it makes where there is none.
func Append(path string, list ...Measurement) error {
	var text []byte
	for i := range list {
		if err := list[i].Validate(); err != nil {
			return err
		}
		line, err := json.Marshal(list[i])
		if err != nil {
			return fmt.Errorf("record %s: %w", list[i].Name, err)
		}
		text = append(append(text, line...), '\n')
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Read returns the measurements in a file that Append wrote; none where there is no file.
func Read(path string) (list []Measurement, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read measurements: %w", err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); d.More(); {
		var m Measurement
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("read measurements: %w", err)
		}
		if err := m.Validate(); err != nil {
			return nil, fmt.Errorf("read measurements: %w", err)
		}
		list = append(list, m)
	}
	return list, nil
}

// Quick reports whether less is to be measured.
func Quick() bool { return os.Getenv(QuickVariable) == "1" }

// Rounds is how often to measure: all times, or few of them where it is to be quick.
func Rounds(all, few int) int {
	if Quick() {
		return few
	}
	return all
}
