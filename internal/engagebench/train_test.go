package engagebench_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/ledger"
	"spotter/engage/offline"
	"spotter/engage/policy"
	"spotter/models/onnx"
)

// trainer is the program that trains a classifier from Spotter's export.
var trainer = filepath.Join("..", "..", "models", "train", "train.py")

// taste is how likely a viewer of a group answers an instrument, which no average over the groups tells.
func taste(group, arm int) float64 {
	if arm == group {
		return 0.6
	}
	return 0.1
}

const groups = 3

func tasteCase(group int, age float64) *policy.Case {
	c := &policy.Case{Context: []policy.Feature{{Name: "group=" + strconv.Itoa(group), Value: 1}, {Name: "age", Value: age}}}
	for k := range groups {
		c.Arms = append(c.Arms, policy.Arm{
			Instrument: "trivia-" + strconv.Itoa(k),
			Features:   []policy.Feature{{Name: "type=trivia", Value: 1}, {Name: "long", Value: float64(k) / 2}},
		})
	}
	return c
}

// writeLog writes decisions made by chance, with what viewers did, as `spotter engage export` does.
func writeLog(t *testing.T, path string, decisions int) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	var samples []*offline.Sample
	for n := range decisions {
		group := r.IntN(groups)
		d := &ledger.Decision{
			At: time.Unix(int64(n), 0), Media: "m", Case: tasteCase(group, r.Float64()), Policy: "uniform", Propensity: 1. / groups,
		}
		d.Choice = r.IntN(groups)
		s := &offline.Sample{Number: uint64(n + 1), Decision: d}
		if r.Float64() < taste(group, d.Choice) {
			s.Reward = 1
		}
		samples = append(samples, s)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := offline.WriteNDJSON(f, offline.Of(samples)); err != nil {
		t.Fatal(err)
	}
}

// scorer reads the probability of reward from the second column of a classifier's output.
type scorer struct{ network *onnx.Network }

func (s scorer) Score(x []float32, rows int, scores []float32) error {
	both := make([]float32, 2*rows)
	if err := s.network.RunRows(rows, x, [][]float32{both}); err != nil {
		return err
	}
	for i := range scores {
		scores[i] = both[2*i+1]
	}
	return nil
}

// TestTrain trains on a log of choices by chance and lets the model choose.
func TestTrain(t *testing.T) {
	interpreter := python(t, "skl2onnx", "xxhash")
	library, err := onnx.Find(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil {
		t.Skip("ONNX Runtime absent: run `make setup`")
	}
	runtime, err := onnx.Open(library)
	if err != nil {
		t.Skipf("ONNX Runtime absent: %v", err)
	}
	defer runtime.Close()
	log := filepath.Join(t.TempDir(), "decisions.ndjson")
	writeLog(t, log, 3000)
	kinds := []string{"logistic", "trees"}
	if testing.Short() {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "model.onnx")
			figures := output(t, nil, interpreter, trainer, "--kind", kind, "--dimensions", "256", log, file)
			t.Logf("%s", bytes.TrimSpace(figures))
			network, err := runtime.LoadWith(file, onnx.Options{Threads: 1, Outputs: []string{"probabilities"}})
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]string{"spotter_vector": policy.VectorVersion, "spotter_dimensions": "256"} {
				if got, err := network.Metadata(key); err != nil || got != want {
					t.Errorf("%s = %q, %v, want %q", key, got, err, want)
				}
			}
			model, err := policy.NewModel(scorer{network}, policy.ModelOptions{Dimensions: 256, Name: kind})
			if err != nil {
				t.Fatal(err)
			}
			var p [groups]float64
			for group := range groups {
				if err := model.Weigh(tasteCase(group, 0.5), p[:]); err != nil {
					t.Fatal(err)
				}
				if p[group] != 1 {
					t.Errorf("group %d: probabilities %v, want its own instrument", group, p)
				}
			}
		})
	}
}

// TestVectorsAgree holds vector.py's vectors to those of policy.Vector.
func TestVectorsAgree(t *testing.T) {
	interpreter := python(t, "xxhash", "numpy")
	const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
from vector import context_terms, vector
for line in sys.stdin:
    line = json.loads(line)
    for arm in line["arms"]:
        x = vector(context_terms(line), arm, 64)
        print(json.dumps([float(x.get(i, 0)) for i in range(64)]))
`
	c := &policy.Case{
		Context: []policy.Feature{
			{Name: "seen=Zoë & co", Value: 1},
			{Name: "age", Value: 0.1234567},
			{Name: "", Value: -3},
			{Name: "huge", Value: 1e300},
			{Name: "<&>\u2028\"", Value: -1e-9},
		},
		Arms: []policy.Arm{
			{Instrument: "плакат"}, {Instrument: "a b", Features: []policy.Feature{{Name: "type=poll", Value: 1}, {Name: "x", Value: -77}}},
		},
	}
	line, err := json.Marshal(offline.LineOf(&offline.Sample{Decision: &ledger.Decision{Case: c, Propensity: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(output(t, line, interpreter, "-c", script, filepath.Dir(trainer))))
	for i := range c.Arms {
		var got []float32
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := make([]float32, 64)
		policy.Vector(c, i, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arm %d (-Go +Python):\n%s", i, diff)
		}
	}
}
