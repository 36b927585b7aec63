package fakeaws_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"golang.org/x/image/draw"

	"spotter/internal/fakeaws"
)

// pattern is a picture of soft shapes that depend on the seed.
func pattern(seed, width, height int) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			u, v := 255*x/width, 255*y/height
			p.SetRGBA(x, y, color.RGBA{uint8(u * seed), uint8(v + 40*seed), uint8((u + v) / seed), 255})
		}
	}
	return p
}

func encode(t *testing.T, p image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func scaled(p image.Image, width, height int) image.Image {
	s := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(s, s.Rect, p, p.Bounds(), draw.Src, nil)
	return s
}

func TestByLook(t *testing.T) {
	one, two := pattern(1, 640, 360), pattern(2, 640, 360)
	see := fakeaws.ByLook(8,
		fakeaws.Look{Picture: one, Scene: fakeaws.Scene{Labels: []fakeaws.Label{{Name: "One"}}}},
		fakeaws.Look{Picture: two, Scene: fakeaws.Scene{Labels: []fakeaws.Label{{Name: "Two"}}}},
	)
	cases := []struct {
		name string
		jpeg []byte
		want string
	}{
		{"one", encode(t, one, 90), "One"},
		{"two", encode(t, two, 90), "Two"},
		{"encoded badly", encode(t, one, 25), "One"},
		{"half the size", encode(t, scaled(two, 320, 180), 75), "Two"},
		{"another shape", encode(t, scaled(one, 1280, 960), 75), "One"},
		{"neither", encode(t, pattern(3, 640, 360), 90), ""},
		{"no picture", []byte("GIF89a"), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if s := see(c.jpeg); len(s.Labels) > 0 {
				got = s.Labels[0].Name
			}
			if got != c.want {
				t.Errorf("sees %q, want %q", got, c.want)
			}
		})
	}
}
