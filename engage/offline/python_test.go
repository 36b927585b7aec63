package offline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"spotter/engage/offline"
	"spotter/engage/policy"
)

// runPython runs a script of testdata that needs a package, and decodes what it prints. It skips without the package.
func runPython(t *testing.T, pkg, script, argument string, into any) {
	t.Helper()
	python := os.Getenv("SPOTTER_ENGAGE_PYTHON")
	if python == "" {
		python = filepath.Join("..", "..", ".build", "engage-python", "bin", "python3")
	}
	if err := exec.Command(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('"+pkg+"') is None)").Run(); err != nil {
		t.Skipf("no Python with %s (%v): scripts/setup-engage installs it", pkg, err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", script), argument)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &complaints)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s printed %q: %v", script, out, err)
	}
}

// openBanditLog is a log as the Open Bandit Pipeline takes it: instruments are numbered, those not eligible have probability 0.
type openBanditLog struct {
	Reward     []float64   `json:"reward"`
	Action     []int       `json:"action"`
	Propensity []float64   `json:"pscore"`
	Target     [][]float64 `json:"action_dist"`
	Estimated  [][]float64 `json:"estimated_rewards"`
}

func newOpenBanditLog(t *testing.T, samples []*offline.Sample, target policy.Policy) *openBanditLog {
	t.Helper()
	q, err := offline.EstimatedRewards(offline.Of(samples))
	if err != nil {
		t.Fatal(err)
	}
	log := &openBanditLog{}
	for i, s := range samples {
		p := make([]float64, len(s.Case.Arms))
		if err := target.Weigh(s.Case, p); err != nil {
			t.Fatal(err)
		}
		dist, expected := make([]float64, len(instruments)), make([]float64, len(instruments))
		for a, arm := range s.Case.Arms {
			k := slices.Index(instruments, arm.Instrument)
			dist[k], expected[k] = p[a], q[i][a]
		}
		log.Reward = append(log.Reward, s.Reward)
		log.Action = append(log.Action, slices.Index(instruments, s.Case.Arms[s.Choice].Instrument))
		log.Propensity = append(log.Propensity, s.Propensity)
		log.Target = append(log.Target, dist)
		log.Estimated = append(log.Estimated, expected)
	}
	return log
}

func TestOpenBanditPipelineAgrees(t *testing.T) {
	w := newWorld(3, 4, 0.2)
	targets := []policy.Policy{policy.Uniform(), offline.Fixed("quiz"), sharp{w, 6, 0.05}}
	samples := w.log(11, 3000, 400)
	var logs []*openBanditLog
	for _, target := range targets {
		logs = append(logs, newOpenBanditLog(t, samples, target))
	}
	data, err := json.Marshal(logs)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "logs.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var theirs []struct{ IPS, SNIPS, DR float64 }
	runPython(t, "obp", "obp_compare.py", file, &theirs)
	ours, err := offline.Compare(offline.Of(samples), targets, offline.Options{Resamples: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range ours {
		for _, e := range []struct {
			name         string
			ours, theirs float64
		}{
			{"IPS", r.IPS.Value, theirs[i].IPS},
			{"SNIPS", r.SNIPS.Value, theirs[i].SNIPS},
			{"DR", r.DR.Value, theirs[i].DR},
		} {
			t.Logf("%s, %s: %.12f here, %.12f by the Open Bandit Pipeline", r.Target, e.name, e.ours, e.theirs)
			if math.Abs(e.ours-e.theirs) > 1e-9 {
				t.Errorf("%s, %s differs by %g", r.Target, e.name, e.ours-e.theirs)
			}
		}
	}
}

func TestVowpalWabbitReadsAndLearns(t *testing.T) {
	w := newWorld(3, 0, 1)
	samples := w.log(5, 4000, 0)
	samples[0].Case = &policy.Case{
		Context: []policy.Feature{{Name: "watching: a|b %", Value: 1}, {Name: "", Value: 0.25}, {Name: "país=ES", Value: -2}},
		Arms:    []policy.Arm{{Instrument: "two words"}, {Instrument: "a:b|c"}, {Instrument: "0"}},
	}
	samples[0].Choice, samples[0].Propensity, samples[0].Reward = 1, 0.25, 0.5
	file := filepath.Join(t.TempDir(), "log.vw")
	var text bytes.Buffer
	if err := offline.WriteVW(&text, offline.Of(samples)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var vw struct {
		Read []struct {
			Arms     int
			Features []int
			Costs    [][3]float64 // arm, cost, probability
		}
		Greedy []int
	}
	runPython(t, "vowpalwabbit", "vw_train.py", file, &vw)
	if len(vw.Read) != len(samples) {
		t.Fatalf("Vowpal Wabbit read %d decisions of %d", len(vw.Read), len(samples))
	}
	var learned, logged float64
	for i, s := range samples {
		got := vw.Read[i]
		if got.Arms != len(s.Case.Arms) || len(got.Costs) != 1 || got.Costs[0][0] != float64(s.Choice) ||
			math.Abs(got.Costs[0][1]+s.Reward) > 1e-6 || math.Abs(got.Costs[0][2]-s.Propensity) > 1e-6 {
			t.Fatalf("decision %d: Vowpal Wabbit read %+v of choice %d, reward %v, propensity %v", i, got, s.Choice, s.Reward, s.Propensity)
		}
		if i == 0 {
			continue
		}
		k := w.at[s.Case]
		learned += w.worth[k][vw.Greedy[i]]
		for a, p := range w.logging[k] {
			logged += p * w.worth[k][a]
		}
	}
	n := float64(len(samples) - 1)
	t.Logf("mean reward: %.3f logged, %.3f by what Vowpal Wabbit learned", logged/n, learned/n)
	if learned < 1.2*logged {
		t.Error("Vowpal Wabbit did not learn from the export")
	}
}
