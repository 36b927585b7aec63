//go:build !noonnx

package local_test

import (
	"fmt"
	"strings"
	"testing"

	"spotter/vision/local"
)

// middles is ffmpeg's select expression for the first frame in the second half of every second.
const middles = "gte(t-floor(t),0.5)*(isnan(prev_selected_t)+gte(floor(t),floor(prev_selected_t)+1))"

// count returns how many things of a label are in every step-th second.
func count(t *testing.T, clip, label string, least float64, step int) string {
	t.Helper()
	y := local.NewYOLOX(network(t, "yolox_nano.onnx", 1), 416, least)
	var counts strings.Builder
	for i, frame := range selected(t, clip, middles) {
		if i%step != 0 {
			continue
		}
		detections, err := y.Detect(t.Context(), frame)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, d := range detections {
			if d.Label == label {
				n++
			}
			if b := d.Box; b.Left < 0 || b.Top < 0 || b.Width <= 0 || b.Height <= 0 || b.Left+b.Width > 1+1e-9 || b.Top+b.Height > 1+1e-9 {
				t.Errorf("second %d: %v is not in the picture", i, d)
			}
		}
		fmt.Fprint(&counts, n)
	}
	return counts.String()
}

func TestBottlesAreCounted(t *testing.T) {
	const want = "3333333222233333331111222223333322233333"
	if got := count(t, "bottle-detection.mp4", "Bottle", 35, 1); got != want {
		t.Errorf("bottles a second:\n got %s\nwant %s", got, want)
	}
}

// TestPeopleComeAndGo wants somebody in view in the seconds that the kit names, and nobody in others. The first and last
// 1.5 seconds of a visit, with half a person in the picture, may go either way.
func TestPeopleComeAndGo(t *testing.T) {
	got := count(t, "one-by-one-person-detection.mp4", "Person", local.DefaultMinConfidence, 3)
	visits := [][2]float64{{6, 20}, {23, 44}, {51, 70}, {75, 87}, {93, 120}, {124, 136}}
	if len(got) < 138/3 {
		t.Fatalf("%d seconds", len(got))
	}
	for i := range got {
		second := 3 * i
		at, seen := float64(second)+0.5, got[i] != '0'
		in, near := false, false
		for _, v := range visits {
			in = in || at >= v[0] && at < v[1]
			near = near || at > v[0]-1.5 && at < v[0]+1.5 || at > v[1]-1.5 && at < v[1]+1.5
		}
		if seen != in && !near {
			t.Errorf("second %d: somebody %v, want %v", second, seen, in)
		}
	}
}
