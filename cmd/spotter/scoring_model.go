package main

import (
	"errors"
	"fmt"
	"os"

	"spotter/engage/policy"
	"spotter/models/onnx"
)

// probabilities is the output of a classifier that policy: model uses: for each row the probabilities of no reward and of one,
// as skl2onnx writes them without a ZipMap.
const probabilities = "probabilities"

// vectorKey is the metadata with which models/train says what features a model is for.
const vectorKey = "spotter_vector"

// scoringModel is the classifier of policy: model.
type scoringModel struct {
	runtime *onnx.Runtime
	network *onnx.Network
	policy  policy.Policy
}

// openScoringModel opens the model in a file. Errors say the mend.
func openScoringModel(path string) (m *scoringModel, err error) {
	const mend = "train one with models/train, or choose another policy"
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, mend)
	}
	library, err := findONNX()
	if err != nil {
		return nil, err
	}
	m = &scoringModel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
			m = nil
		}
	}()
	if m.runtime, err = onnx.Open(library); err != nil {
		return m, err
	}
	if m.network, err = m.runtime.LoadWith(path, onnx.Options{Threads: 1, Outputs: []string{probabilities}}); err != nil {
		return m, fmt.Errorf("%w: %s", err, mend)
	}
	v, err := m.network.Metadata(vectorKey)
	if err != nil {
		return m, err
	}
	if v != policy.VectorVersion {
		return m, fmt.Errorf("%s is for features of version %q, not %s: train it anew with models/train", path, v, policy.VectorVersion)
	}
	in, out := m.network.InputShape(), m.network.OutputShapes()[0]
	if len(in) != 2 || len(out) != 2 || out[1] != 2 {
		return m, fmt.Errorf("%s takes %v and gives %v, not rows of features and rows of two probabilities: %s", path, in, out, mend)
	}
	m.policy, err = policy.NewModel(m, policy.ModelOptions{Dimensions: int(in[1]), Name: policy.ModelName(text)})
	return m, err
}

// Score implements policy.Scorer.
func (m *scoringModel) Score(x []float32, rows int, scores []float32) error {
	both := make([]float32, 2*rows)
	if err := m.network.RunRows(rows, x, [][]float32{both}); err != nil {
		return err
	}
	for i := range scores {
		scores[i] = both[2*i+1]
	}
	return nil
}

// Close frees the model.
func (m *scoringModel) Close() error {
	if m.runtime == nil {
		return nil
	}
	return m.runtime.Close()
}
