//go:build !noonnx

package onnx_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/models/onnx"
)

// classifier writes a model as skl2onnx does: any number of rows of 2 numbers in, a label of int64 and numbers of float32 out,
// and a note in the metadata.
func classifier(t *testing.T) string {
	t.Helper()
	value := func(name, element byte, dims ...byte) []byte {
		var shape []byte
		for _, d := range dims {
			dim := []byte{1 << 3, d}
			if d == 0 {
				dim = field(nil, 2, 'N')
			}
			shape = field(shape, 1, dim...)
		}
		return field(field(nil, 1, name), 2, field(nil, 1, field([]byte{1 << 3, element}, 2, shape...)...)...)
	}
	node := func(to byte, op string) []byte { return field(field(field(nil, 1, 'x'), 2, to), 4, []byte(op)...) }
	graph := field(field(field(nil, 1, node('l', "ArgMax")...), 1, node('y', "Neg")...), 2, 'g')
	graph = field(graph, 11, value('x', float, 0, 2)...)
	graph = field(field(graph, 12, value('l', int64s, 1, 2)...), 12, value('y', float, 0, 2)...)
	model := append([]byte{1 << 3, 8, 7<<3 | 2}, binary.AppendUvarint(nil, uint64(len(graph)))...)
	model = field(append(model, graph...), 8, 2<<3, 13)
	model = field(model, 14, field(field(nil, 1, []byte("maker")...), 2, []byte("test")...)...)
	path := filepath.Join(t.TempDir(), "classifier.onnx")
	if err := os.WriteFile(path, model, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunRows(t *testing.T) {
	r := open(t)
	n, err := r.LoadWith(classifier(t), onnx.Options{Threads: 1, Outputs: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{3, 1, 20} {
		input, output := make([]float32, 2*rows), make([]float32, 2*rows)
		want := make([]float32, 2*rows)
		for i := range input {
			input[i], want[i] = float32(i+1), float32(-i-1)
		}
		if err := n.RunRows(rows, input, [][]float32{output}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, output); diff != "" {
			t.Errorf("%d rows (-want +got):\n%s", rows, diff)
		}
	}
	tests := []struct {
		name          string
		rows          int
		input, output int
		want          error
	}{
		{"none", 0, 0, 0, onnx.ErrInput},
		{"negative", -1, 2, 2, onnx.ErrInput},
		{"short input", 2, 3, 4, onnx.ErrInput},
		{"short output", 2, 4, 3, onnx.ErrOutput},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := n.RunRows(tt.rows, make([]float32, tt.input), [][]float32{make([]float32, tt.output)})
			if !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
	fixed, err := r.Load(negation(t, float, 1, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := fixed.RunRows(1, make([]float32, 2), fixed.NewOutputs()); !errors.Is(err, onnx.ErrInput) {
		t.Errorf("a model of one row: err = %v, want ErrInput", err)
	}
}

func TestOutputs(t *testing.T) {
	r := open(t)
	tests := []struct {
		name   string
		wanted []string
	}{
		{"all, one of int64", nil},
		{"int64", []string{"l"}},
		{"unknown", []string{"z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.LoadWith(classifier(t), onnx.Options{Threads: 1, Outputs: tt.wanted})
			if !errors.Is(err, onnx.ErrModel) {
				t.Errorf("err = %v, want ErrModel", err)
			}
		})
	}
	if _, err := r.LoadWith(classifier(t), onnx.Options{Threads: 1, Outputs: []string{}}); err == nil {
		t.Error("no output wanted: no error")
	}
}

func TestMetadata(t *testing.T) {
	n, err := open(t).LoadWith(classifier(t), onnx.Options{Threads: 1, Outputs: []string{"y"}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"maker": "test", "other": ""} {
		if got, err := n.Metadata(key); err != nil || got != want {
			t.Errorf("Metadata(%q) = %q, %v, want %q", key, got, err, want)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Metadata("maker"); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("when closed: err = %v, want ErrClosed", err)
	}
}
