package gatebench_test

import (
	"image"
	"math"
	"math/bits"
	"testing"

	"spotter/internal/gatebench"
)

// waves draws a pattern of the given frequencies, brightened.
func waves(size image.Point, fx, fy float64, brighter int) *image.RGBA {
	m := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			v := 100 + 60*math.Sin(fx*float64(x)/float64(size.X))*math.Cos(fy*float64(y)/float64(size.Y)+0.4) + float64(brighter)
			for c := range 3 {
				m.Pix[y*m.Stride+4*x+c] = uint8(v)
			}
			m.Pix[y*m.Stride+4*x+3] = 255
		}
	}
	return m
}

func TestPerceptualHash(t *testing.T) {
	one := gatebench.PerceptualHash(waves(image.Pt(640, 360), 5, 7, 0))
	tests := []struct {
		name        string
		m           *image.RGBA
		least, most int
	}{
		{"the same", waves(image.Pt(640, 360), 5, 7, 0), 0, 0},
		{"brighter", waves(image.Pt(640, 360), 5, 7, 20), 0, 4},
		{"smaller", waves(image.Pt(320, 180), 5, 7, 0), 0, 6},
		{"another", waves(image.Pt(640, 360), 11, 3, 0), 15, 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := bits.OnesCount64(one ^ gatebench.PerceptualHash(tt.m)); d < tt.least || d > tt.most {
				t.Errorf("%d bits differ, want %d to %d", d, tt.least, tt.most)
			}
		})
	}
}

func TestHashAsksTheSharpest(t *testing.T) {
	s := stream(6)
	for i, hash := range []uint64{0, 0, 1, ^uint64(0), ^uint64(0), ^uint64(0)} {
		s.Frames[i].Hash = hash
		s.Frames[i].Sharpness = []float64{1, 5, 2, 3, 1, 9}[i]
	}
	choices, calls, err := gatebench.Hash(10).Choose(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if calls != 4 {
		t.Errorf("%d calls, want 4", calls)
	}
	for i, want := range []int{1, 1, 1, 5, 5, 5} {
		if choices[i].Objects != want || choices[i].Celebrities != want {
			t.Errorf("frame %d: %v, want %d", i, choices[i], want)
		}
	}
}

func TestSharpness(t *testing.T) {
	dull, fine := waves(image.Pt(64, 64), 5, 7, 0), waves(image.Pt(64, 64), 50, 70, 0)
	if a, b := gatebench.Sharpness(dull), gatebench.Sharpness(fine); a >= b {
		t.Errorf("the dull picture has %g, the fine one %g", a, b)
	}
	if v := gatebench.Sharpness(image.NewRGBA(image.Rect(0, 0, 1, 1))); v != 0 {
		t.Errorf("a single pixel has %g", v)
	}
}
