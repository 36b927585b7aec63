//go:build !noonnx

package local_test

import (
	"testing"

	"spotter/vision"
	"spotter/vision/local"

	"spotter/internal/testmedia"
)

// BenchmarkYOLOX compares Recognize with the bare network, one thread each, on a 640x360 frame:
// go test -bench YOLOX ./vision/local
func BenchmarkYOLOX(b *testing.B) {
	net := network(b, "yolox_nano.onnx", 1)
	img := small(b, testmedia.Kit(b, "photos", "objects", "dog.jpg"))
	y := local.NewYOLOX(net, 416, local.DefaultMinConfidence)
	b.Run("run", func(b *testing.B) {
		input := make([]float32, 3*416*416)
		for b.Loop() {
			if _, err := net.Run(input); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("recognize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := y.Recognize(b.Context(), vision.Picture{Small: img}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("around", func(b *testing.B) { // all but the network
		around := local.NewYOLOX(&still{outputs: run(b, net, img)}, 416, local.DefaultMinConfidence)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := around.Recognize(b.Context(), vision.Picture{Small: img}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
