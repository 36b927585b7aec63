//go:build !noonnx

package onnx_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/testmedia"
)

// TestKitModels loads and runs every model of the test kit.
func TestKitModels(t *testing.T) {
	kit := testmedia.Kit(t, "models")
	r := open(t)
	tests := []struct {
		file    string
		input   []int64
		outputs []int
		first   string // name of the first output
	}{
		{
			"face_detection_yunet_2023mar.onnx",
			[]int64{1, 3, 640, 640},
			[]int{6400, 1600, 400, 6400, 1600, 400, 25600, 6400, 1600, 64000, 16000, 4000},
			"cls_8",
		},
		{"yolox_nano.onnx", []int64{1, 3, 416, 416}, []int{3549 * 85}, "output"},
		{
			"object_detection_nanodet_2022nov.onnx",
			[]int64{1, 3, 416, 416},
			[]int{2704 * 80, 676 * 80, 169 * 80, 2704 * 32, 676 * 32, 169 * 32},
			"792",
		},
		{"mobilefacenet_rit5k.onnx", []int64{1, 3, 112, 112}, []int{128}, "output"},
		{"version-RFB-320.onnx", []int64{1, 3, 240, 320}, []int{4420 * 2, 4420 * 4}, "scores"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			n, err := r.Load(filepath.Join(kit, tt.file), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			size := int64(1)
			for _, d := range tt.input {
				size *= d
			}
			out, err := n.Run(make([]float32, size))
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, o := range out {
				got = append(got, len(o))
			}
			if diff := cmp.Diff(tt.input, n.InputShape()); diff != "" {
				t.Errorf("input (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.outputs, got); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if names := n.OutputNames(); len(names) != len(tt.outputs) || names[0] != tt.first {
				t.Errorf("names = %q, want %d, the first of them %q", names, len(tt.outputs), tt.first)
			}
		})
	}
}
