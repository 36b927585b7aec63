//go:build !noonnx

package local_test

import (
	"slices"
	"testing"

	"spotter/vision/local"
)

func TestPeopleComeAndGo(t *testing.T) {
	y := local.NewYOLOX(network(t, "yolox_nano.onnx", 1), 416, local.DefaultMinConfidence)
	seconds := []float64{3, 12, 30, 47.5, 60, 72.5, 80, 90, 105, 130}
	inView := []bool{false, true, true, false, true, false, true, false, true, true}
	for i, frame := range frames(t, "one-by-one-person-detection.mp4", seconds) {
		if got := slices.Contains(names(t, y, frame), "Person"); got != inView[i] {
			t.Errorf("at %v s: Person %v, want %v", seconds[i], got, inView[i])
		}
	}
}

func TestBottlesAreCounted(t *testing.T) {
	y := local.NewYOLOX(network(t, "yolox_nano.onnx", 1), 416, 35)
	seconds := []float64{3, 9.5, 15, 20.5, 25, 30.5, 38.5}
	bottles := []int{3, 2, 3, 1, 2, 3, 3}
	for i, frame := range frames(t, "bottle-detection.mp4", seconds) {
		detections, err := y.Detect(t.Context(), frame)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, d := range detections {
			if d.Label == "Bottle" {
				got++
			}
			if b := d.Box; b.Left < 0 || b.Top < 0 || b.Width <= 0 || b.Height <= 0 || b.Left+b.Width > 1+1e-9 || b.Top+b.Height > 1+1e-9 {
				t.Errorf("at %v s: %v is not in the picture", seconds[i], d)
			}
		}
		if got != bottles[i] {
			t.Errorf("at %v s: %d bottles, want %d: %v", seconds[i], got, bottles[i], detections)
		}
	}
}
