package gatebench_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/gatebench"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		name  string
		truth []gatebench.Transition
		cuts  []int
		want  gatebench.CutScore
	}{
		{"nothing to find", nil, nil, gatebench.CutScore{}},
		{"all", gatebench.At(30, 180), []int{30, 181}, gatebench.CutScore{Found: 2}},
		{"out of reach", gatebench.At(30, 180), []int{32, 178}, gatebench.CutScore{Missed: 2, False: 2}},
		{"one in a dissolve", []gatebench.Transition{{100, 124}}, []int{112}, gatebench.CutScore{Found: 1}},
		{"a second one in it is false", []gatebench.Transition{{100, 124}}, []int{105, 125}, gatebench.CutScore{Found: 1, False: 1}},
		{"one for two", gatebench.At(30, 31), []int{31}, gatebench.CutScore{Found: 1, Missed: 1}},
		{"not in order", gatebench.At(30, 180), []int{180, 30}, gatebench.CutScore{Found: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, gatebench.Match(tt.truth, tt.cuts, 1)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestF1(t *testing.T) {
	if got := (gatebench.CutScore{Found: 3, Missed: 1, False: 1}).F1(); got != 0.75 {
		t.Errorf("F1 is %g, want 0.75", got)
	}
	if got := (gatebench.CutScore{}).F1(); got != 1 {
		t.Errorf("F1 of nothing is %g, want 1", got)
	}
}

func TestParseScdet(t *testing.T) {
	const out = "frame:97   pts:98      pts_time:4.08\nlavfi.scd.mafd=0.4\nlavfi.scd.score=0.1\n" +
		"frame:98   pts:99      pts_time:4.12913\nlavfi.scd.mafd=14.149\nlavfi.scd.score=13.593\nlavfi.scd.time=4.12913\n"
	got, err := gatebench.ParseScdet([]byte(out))
	if diff := cmp.Diff([]int{98}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := gatebench.ParseScdet([]byte("frame:x pts:1\n")); err == nil {
		t.Error("a picture without number was taken")
	}
}
