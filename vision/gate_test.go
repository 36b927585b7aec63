package vision_test

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
	"time"

	"spotter/timeline"
	"spotter/vision"
)

// picture draws a gradient background with a box on it, all of it shifted by noise of the given amplitude.
func picture(background color.RGBA, box image.Rectangle, noise int, seed uint64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	r := rand.New(rand.NewPCG(seed, 1))
	for y := range 360 {
		for x := range 640 {
			c := background
			c.R += uint8(x / 16)
			c.G += uint8(y / 16)
			if image.Pt(x, y).In(box) {
				c = color.RGBA{220, 30, 30, 255}
			}
			if noise > 0 {
				c.R += uint8(r.IntN(noise))
				c.G += uint8(r.IntN(noise))
				c.B += uint8(r.IntN(noise))
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

var (
	stage = color.RGBA{40, 40, 60, 255}
	field = color.RGBA{60, 140, 60, 255}
)

func TestGate(t *testing.T) {
	nobody := image.Rectangle{}
	still := picture(stage, nobody, 0, 1)
	walker := func(x int) *image.RGBA { return picture(stage, image.Rect(x, 120, x+60, 340), 0, 1) }
	type look struct {
		at   timeline.Position
		show *image.RGBA
		want bool
	}
	for _, c := range []struct {
		name  string
		looks []look
	}{
		{"the first picture", []look{{0, still, true}}},
		{"a still scene is not asked again", []look{{0, still, true}, {1000, still, false}, {29_000, still, false}}},
		{"a still scene is asked again after its longest time", []look{{0, still, true}, {30_000, still, true}, {31_000, still, false}}},
		{"a cut", []look{{0, still, true}, {1000, picture(field, nobody, 0, 1), true}, {2000, picture(field, nobody, 0, 1), false}}},
		{"camera noise", []look{{0, picture(stage, nobody, 12, 1), true}, {1000, picture(stage, nobody, 12, 2), false}}},
		{"a person walking through a wide shot", []look{{0, still, true}, {1000, walker(40), false}, {2000, walker(300), false}}},
		{"a clock that goes back", []look{{60_000, still, true}, {0, still, true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := vision.NewGate(30 * time.Second)
			for _, l := range c.looks {
				if got := g.Admit(l.at, l.show); got != l.want {
					t.Fatalf("at %s: admitted %t, want %t", l.at, got, l.want)
				}
			}
		})
	}
}

func TestGateFollowsSlowChange(t *testing.T) {
	g := vision.NewGate(time.Hour)
	admitted := 0
	for i := range 60 { // two grey levels a second: no step is visible, the sum is
		c := color.RGBA{uint8(40 + 2*i), uint8(40 + 2*i), uint8(40 + 2*i), 255}
		if g.Admit(timeline.Position(i*1000), picture(c, image.Rectangle{}, 0, 1)) {
			admitted++
		}
	}
	if admitted < 4 || admitted > 12 {
		t.Errorf("a slow fade was admitted %d times", admitted)
	}
}

func TestGateReset(t *testing.T) {
	g := vision.NewGate(30 * time.Second)
	still := picture(stage, image.Rectangle{}, 0, 1)
	g.Admit(0, still)
	g.Reset()
	if !g.Admit(1000, still) {
		t.Error("a picture after a reset was not admitted")
	}
	if g.Admit(2000, still) {
		t.Error("the reset held for more than one picture")
	}
}

func TestGateTakesAnySize(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 640}, {640, 2}, {31, 17}, {360, 640}} {
		g := vision.NewGate(time.Minute)
		m := image.NewRGBA(image.Rectangle{Max: size})
		if !g.Admit(0, m) || g.Admit(1, m) {
			t.Errorf("%v: the first picture must pass and the same again not", size)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	g := vision.NewGate(time.Hour)
	m := picture(stage, image.Rectangle{}, 12, 1)
	for i := range b.N {
		g.Admit(timeline.Position(i), m)
	}
}
