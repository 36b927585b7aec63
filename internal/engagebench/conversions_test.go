//go:build bench

package engagebench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"spotter/internal/engagebench"
	"spotter/internal/scorecard/record"
)

const (
	seeds      = 20
	dimensions = 256 // of our learners
)

// TestConversions plays scikit-learn's sets as bandit problems with our learners, with bandits that see no context and with
// Vowpal Wabbit, all on the same sequences, and prints a table. Differences are paired by seed, with 95 % intervals. The rival is
// the best of all of Vowpal Wabbit's settings on each set, the one that is given all products of two features besides included.
func TestConversions(t *testing.T) {
	folder := t.TempDir()
	interpreter := python(t, "sklearn", "vowpalwabbit")
	output(t, nil, interpreter, filepath.Join("testdata", "datasets.py"), folder)
	files, err := filepath.Glob(filepath.Join(folder, "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sets: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ndjson"), func(t *testing.T) { convert(t, interpreter, file) })
	}
}

func convert(t *testing.T, interpreter, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set, err := engagebench.ReadSet(f)
	if err != nil {
		t.Fatal(err)
	}
	ours, blind := play(t, set, dimensions, seeds)
	base, theirs := engagebench.Best(blind), wabbit(t, set, interpreter, file)
	rival := engagebench.Best(theirs)
	t.Logf("%s: %d decisions among %d classes; best fixed %.0f, uniform %.1f",
		set.Name, len(set.Order(0)), set.Classes, set.BestFixed(), float64(len(set.Order(0)))/float64(set.Classes))
	t.Logf("| policy | reward | over %s | over %s |", base.Name, rival.Name)
	for _, r := range append(append(ours, blind...), theirs...) {
		t.Log(row(r, base, rival))
	}
	for _, r := range ours {
		recordGains(t, set.Name, r, base, rival)
		if mean, _ := engagebench.Paired(r, base); mean < 0.125*stat.Mean(base.Per, nil) {
			t.Errorf("%s gains less than 12.5 %% over %s", r.Name, base.Name)
		}
		if mean, half := engagebench.Paired(r, rival); mean+half < 0 {
			t.Errorf("%s is below %s by more than the interval", r.Name, rival.Name)
		}
	}
}

// recordGains gives the scorecard what a learner gathers beside others, seed by seed.
func recordGains(t *testing.T, set string, r, base, rival engagebench.Rewards) {
	t.Helper()
	const group = "Conversions, on the same sequences"
	record.Add(t,
		record.Measurement{Group: group, Name: set + ": " + r.Name + " / best without context", Values: r.Per, Base: base.Per, Goal: record.AtLeast(1.125)},
		record.Measurement{Group: group, Name: set + ": " + r.Name + " / best of Vowpal Wabbit", Values: r.Per, Base: rival.Per})
}

// wabbit returns what Vowpal Wabbit gathers on the same sequences.
func wabbit(t *testing.T, set *engagebench.Set, interpreter, file string) []engagebench.Rewards {
	t.Helper()
	orders := filepath.Join(t.TempDir(), "orders")
	o, err := os.Create(orders)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	e := json.NewEncoder(o)
	for seed := range uint64(seeds) {
		if err := e.Encode(map[string]any{"seed": seed, "order": set.Order(seed)}); err != nil {
			t.Fatal(err)
		}
	}
	out := output(t, nil, interpreter, filepath.Join("testdata", "vw.py"), file, orders)
	var all []engagebench.Rewards
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var line struct {
			Setting string
			Reward  float64
		}
		if err := d.Decode(&line); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if n := len(all); n == 0 || all[n-1].Name != "VW "+line.Setting {
			all = append(all, engagebench.Rewards{Name: "VW " + line.Setting})
		}
		r := &all[len(all)-1]
		r.Per = append(r.Per, line.Reward)
	}
}

// row is a line of the table: a contender, its mean, and its gains over others with their intervals.
func row(r engagebench.Rewards, over ...engagebench.Rewards) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %.1f |", r.Name, stat.Mean(r.Per, nil))
	for _, o := range over {
		mean, half := engagebench.Paired(r, o)
		base := stat.Mean(o.Per, nil)
		fmt.Fprintf(&b, " %+.1f +- %.1f (%+.1f %%) |", mean, half, 100*mean/base)
	}
	return b.String()
}
