//go:build !noonnx

package local_test

import (
	"path/filepath"
	"testing"

	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/recognizertest"
)

func TestRecognizerContract(t *testing.T) {
	net := network(t, "yolox_nano.onnx", 1)
	dog := vision.Picture{Small: small(t, filepath.Join(kit(t), "photos", "objects", "dog.jpg"))}
	recognizertest.Run(t, func(*testing.T) vision.Recognizer { return local.NewYOLOX(net, 416, local.DefaultMinConfidence) }, dog)
}
