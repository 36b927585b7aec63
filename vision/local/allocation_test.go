//go:build !race

package local_test

import (
	"testing"

	"spotter/vision/local"
)

// TestFindersReuseTheirMemory wants no allocation around a network that finds nothing.
func TestFindersReuseTheirMemory(t *testing.T) {
	img := noise(640, 360)
	yunet := local.NewYuNet(&still{nothing()}, 70)
	ultraface := local.NewUltraFace(&still{[][]float32{make([]float32, 8840), make([]float32, 17680)}}, 70)
	nanodet := local.NewNanoDet(&still{noObjects()}, 35)
	yolox := local.NewYOLOX(&still{[][]float32{make([]float32, 3549*85)}}, 416, 50)
	for name, f := range map[string]func(){
		"yunet":     func() { _, _ = yunet.Find(t.Context(), img) },
		"ultraface": func() { _, _ = ultraface.Find(t.Context(), img) },
		"nanodet":   func() { _, _ = nanodet.Detect(t.Context(), img) },
		"yolox":     func() { _, _ = yolox.Detect(t.Context(), img) },
	} {
		if n := testing.AllocsPerRun(5, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
