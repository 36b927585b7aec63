//go:build !noonnx

package onnx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/models/onnx"
)

// TestProviderRefused asks the build of ONNX Runtime that is for the CPU alone for every other provider.
func TestProviderRefused(t *testing.T) {
	r := open(t)
	model := negation(t, float, 1, 4)
	tests := []struct {
		name    string
		options onnx.Options
		text    string
	}{
		{"cuda", onnx.Options{Threads: 1, Provider: onnx.CUDA}, "libonnxruntime_providers_cuda.so"},
		{"cuda on a second GPU", onnx.Options{Threads: 1, Provider: onnx.CUDA, Device: 1}, "libonnxruntime_providers_cuda.so"},
		{"tensorrt", onnx.Options{Threads: 1, Provider: onnx.TensorRT}, "libonnxruntime_providers_tensorrt.so"},
		{"openvino", onnx.Options{Threads: 1, Provider: onnx.OpenVINO}, "libonnxruntime_providers_openvino.so"},
		{"unknown", onnx.Options{Threads: 1, Provider: "rocm"}, `"rocm" is none of cpu, cuda, tensorrt, openvino`},
		{"negative device", onnx.Options{Threads: 1, Provider: onnx.CUDA, Device: -1}, "count from 0"},
		{"device of a CPU", onnx.Options{Threads: 1, Device: 1}, "only cuda and tensorrt take one"},
		{"device of OpenVINO", onnx.Options{Threads: 1, Provider: onnx.OpenVINO, Device: 1}, "only cuda and tensorrt take one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := r.LoadWith(model, tt.options)
			if err == nil {
				n.Close()
				t.Skip("this library has it")
			}
			if !errors.Is(err, onnx.ErrProvider) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("err = %v, want ErrProvider and %q", err, tt.text)
			}
		})
	}
	for _, provider := range []string{"", onnx.CPU} { // a refusal has broken nothing
		n, err := r.LoadWith(model, onnx.Options{Threads: 1, Provider: provider})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Run(make([]float32, 4)); err != nil {
			t.Error(err)
		}
	}
}

func TestInputShape(t *testing.T) {
	r := open(t)
	tests := []struct {
		name string
		dims []byte
		ask  []int64
		want []int64 // nil: refused
		text string
	}{
		{"open size", []byte{1, 0}, []int64{1, 5}, []int64{1, 5}, ""},
		{"open batch", []byte{0, 4}, []int64{3, 4}, []int64{3, 4}, ""},
		{"its own", []byte{1, 4}, []int64{1, 4}, []int64{1, 4}, ""},
		{"open and not said", []byte{1, 0}, nil, nil, "say the shape of the input"},
		{"not its own", []byte{1, 4}, []int64{1, 5}, nil, `"x" has the shape [1 4]: it is not [1 5]`},
		{"more dimensions", []byte{1, 0}, []int64{1, 1, 5}, nil, "it is not [1 1 5]"},
		{"nothing", []byte{1, 0}, []int64{1, 0}, nil, "left open"},
		{"negative", []byte{1, 0}, []int64{1, -5}, nil, "left open"},
		{"huge", []byte{0, 4}, []int64{1 << 60, 4}, nil, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := r.LoadWith(negation(t, float, tt.dims...), onnx.Options{Threads: 1, Input: tt.ask})
			if tt.want == nil {
				if !errors.Is(err, onnx.ErrModel) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("err = %v, want ErrModel and %q", err, tt.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]int64{tt.want, tt.want}, append(n.OutputShapes(), n.InputShape())); diff != "" {
				t.Errorf("shapes (-want +got):\n%s", diff)
			}
			size := tt.want[0] * tt.want[1]
			out, err := n.Run(make([]float32, size))
			if err != nil || len(out[0]) != int(size) {
				t.Errorf("Run = %v, %v", out, err)
			}
		})
	}
}

func TestRunInto(t *testing.T) {
	r := open(t)
	n, err := r.Load(negation(t, float, 1, 4), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"y"}, n.OutputNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	outputs := n.NewOutputs()
	for _, v := range []float32{1, 2} { // the same slices again
		if err := n.RunInto([]float32{v, 0, v, 3}, outputs); err != nil {
			t.Fatal(err)
		}
		if outputs[0][0] != -v || outputs[0][3] != -3 {
			t.Errorf("negated %v to %v", v, outputs[0])
		}
	}
	tests := []struct {
		name    string
		input   []float32
		outputs [][]float32
		want    error
	}{
		{"no input", nil, outputs, onnx.ErrInput},
		{"no outputs", make([]float32, 4), nil, onnx.ErrOutput},
		{"too many outputs", make([]float32, 4), append(outputs, nil), onnx.ErrOutput},
		{"short output", make([]float32, 4), [][]float32{make([]float32, 3)}, onnx.ErrOutput},
		{"long output", make([]float32, 4), [][]float32{make([]float32, 5)}, onnx.ErrOutput},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := n.RunInto(tt.input, tt.outputs); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.RunInto(make([]float32, 4), outputs); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("RunInto when closed: err = %v, want ErrClosed", err)
	}
}
