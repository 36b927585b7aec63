package record_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/scorecard/record"
)

func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "measurements")
	if list, err := record.Read(path); err != nil || list != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
	want := []record.Measurement{
		{Group: "a", Name: "b", Unit: "s", Values: []float64{1, 2}, Base: []float64{3, 4}, Goal: record.AtLeast(0.5)},
		{Group: "a", Name: "c", Absent: "not here"},
		{Group: "a", Name: "d", Values: []float64{1}, Axis: "streams", X: 4},
	}
	t.Setenv(record.Variable, path)
	record.Add(t, want[:2]...)
	record.Add(t, want[2])
	got, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := os.WriteFile(path, []byte(`{"group":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Read(path); err == nil {
		t.Error("a measurement without name was taken")
	}
}

func TestValidate(t *testing.T) {
	one := []float64{1}
	tests := []struct {
		name string
		m    record.Measurement
	}{
		{"no group", record.Measurement{Name: "n", Values: one}},
		{"no name", record.Measurement{Group: "g", Values: one}},
		{"no values", record.Measurement{Group: "g", Name: "n"}},
		{"rounds without pair", record.Measurement{Group: "g", Name: "n", Values: one, Base: []float64{1, 2}}},
		{"pooled alone", record.Measurement{Group: "g", Name: "n", Values: one, Pooled: true}},
		{"no place on the curve", record.Measurement{Group: "g", Name: "n", Values: one, Axis: "streams"}},
		{"percentile over 100", record.Measurement{Group: "g", Name: "n", Values: one, Percentile: 101}},
		{"no number", record.Measurement{Group: "g", Name: "n", Values: []float64{math.NaN()}}},
		{"infinite", record.Measurement{Group: "g", Name: "n", Values: one, Base: []float64{math.Inf(1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.m.Validate() == nil {
				t.Error("taken")
			}
		})
	}
}

func TestQuick(t *testing.T) {
	t.Setenv(record.QuickVariable, "")
	if n := record.Rounds(5, 2); n != 5 {
		t.Errorf("%d rounds, want all", n)
	}
	t.Setenv(record.QuickVariable, "1")
	if n := record.Rounds(5, 2); n != 2 {
		t.Errorf("%d rounds, want few", n)
	}
}
