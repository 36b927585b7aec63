//go:build noonnx

package onnx_test

import (
	"errors"
	"testing"

	"spotter/models/onnx"
)

func TestUnavailable(t *testing.T) {
	if _, err := onnx.Open("libonnxruntime.so"); !errors.Is(err, onnx.ErrUnavailable) {
		t.Errorf("err = %v, want ErrUnavailable", err)
	}
}
