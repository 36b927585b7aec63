//go:build !noonnx

package local_test

import (
	"testing"

	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/recognizertest"

	"spotter/internal/testmedia"
)

func TestRecognizerContract(t *testing.T) {
	net := network(t, "yolox_nano.onnx", 1)
	dog := vision.Picture{Small: small(t, testmedia.Kit(t, "photos", "objects", "dog.jpg"))}
	recognizertest.Run(t, func(*testing.T) vision.Recognizer { return local.NewYOLOX(net, 416, local.DefaultMinConfidence) }, dog)
}
