package vision_test

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"testing"
	"time"

	"spotter/timeline"
	"spotter/vision"
)

const second = timeline.Position(1000)

// shot draws a scene of its own for each seed: blocks of colours.
func shot(seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	fill(m, m.Rect, r)
	for range 25 {
		x, y := r.IntN(300), r.IntN(160)
		fill(m, image.Rect(x, y, x+20+r.IntN(80), y+20+r.IntN(60)), r)
	}
	return m
}

func fill(m *image.RGBA, at image.Rectangle, r *rand.Rand) {
	c := color.RGBA{uint8(20 + r.IntN(200)), uint8(20 + r.IntN(200)), uint8(20 + r.IntN(200)), 255}
	draw.Draw(m, at, image.NewUniform(c), image.Point{}, draw.Src)
}

// mapped returns m with each colour value changed by fn.
func mapped(m *image.RGBA, fn func(i int, v float64) float64) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	for i, v := range m.Pix {
		out.Pix[i] = 255
		if i%4 < 3 {
			out.Pix[i] = uint8(min(max(fn(i, float64(v)), 0), 255))
		}
	}
	return out
}

func noisy(m *image.RGBA, most int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 3))
	return mapped(m, func(_ int, v float64) float64 { return v + float64(r.IntN(2*most+1)-most) })
}

func dimmed(m *image.RGBA, light float64) *image.RGBA {
	return mapped(m, func(_ int, v float64) float64 { return v * light })
}

func mixed(a, b *image.RGBA, share float64) *image.RGBA {
	return mapped(a, func(i int, v float64) float64 { return (1-share)*v + share*float64(b.Pix[i]) })
}

func flashed(m *image.RGBA) *image.RGBA {
	return mapped(m, func(_ int, v float64) float64 { return 90 + v })
}

// moved returns m as a camera sees it that has turned by some pixels; what comes in repeats what goes out.
func moved(m *image.RGBA, by int) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	w := m.Rect.Dx()
	for y := range m.Rect.Dy() {
		for x := range w {
			out.SetRGBA(x, y, m.RGBAAt((x+by)%w, y))
		}
	}
	return out
}

// with draws a person before m.
func with(m *image.RGBA, x int) *image.RGBA {
	out := mapped(m, func(_ int, v float64) float64 { return v })
	draw.Draw(out, image.Rect(x, 50, x+60, 180), image.NewUniform(color.RGBA{230, 180, 20, 255}), image.Point{}, draw.Src)
	return out
}

func bars() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i, c := range []color.RGBA{{180, 180, 180, 255}, {180, 180, 16, 255}, {16, 180, 180, 255}, {16, 180, 16, 255}, {180, 16, 180, 255}, {180, 16, 16, 255}, {16, 16, 180, 255}} {
		draw.Draw(m, image.Rect(i*320/7, 0, (i+1)*320/7, 120), image.NewUniform(c), image.Point{}, draw.Src)
		draw.Draw(m, image.Rect((6-i)*320/7, 120, (7-i)*320/7, 135), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

func plain(v uint8) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{v, v, v, 255}), image.Point{}, draw.Src)
	return m
}

// play shows pictures to a gate, one a second, in segments of so many pictures; it returns the events' seconds: asked for
// what is asked about, repeated for what is answered from memory, dark for nothing.
func play(t *testing.T, o vision.GateOptions, segment int, pictures []*image.RGBA) (asked, repeated, dark []int) {
	t.Helper()
	if o.MaxScene == 0 {
		o.MaxScene = 30 * time.Second
	}
	g := vision.NewGate(o)
	var s vision.Scenes
	take := func(list []vision.Event) {
		for _, e := range list {
			switch at := int(e.From / second); {
			case e.Scene == 0:
				dark = append(dark, at)
			case e.Ask != 0:
				asked = append(asked, at)
				if e.Picture.JPEG == nil {
					t.Errorf("at %s: asked without a picture", e.From)
				}
			default:
				repeated = append(repeated, at)
			}
		}
	}
	for i, m := range pictures {
		at := timeline.Position(i) * second
		var p *vision.Picture
		if g.Admit(t.Context(), at, m) {
			p = &vision.Picture{At: at, Small: m, JPEG: []byte{1}, Width: 1920, Height: 1080}
		}
		take(s.Take(g.Verdict(), p))
		if (i+1)%segment == 0 {
			take(s.Flush())
		}
	}
	take(s.Flush())
	return asked, repeated, dark
}

// repeat returns n pictures that make makes.
func repeat(n int, make func(i int) *image.RGBA) (list []*image.RGBA) {
	for i := range n {
		list = append(list, make(i))
	}
	return list
}

func join(lists ...[]*image.RGBA) (all []*image.RGBA) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func still(m *image.RGBA, n int) []*image.RGBA {
	return repeat(n, func(i int) *image.RGBA { return noisy(m, 3, uint64(i)) })
}

func TestGate(t *testing.T) {
	a, b, c := shot(1), shot(2), shot(3)
	for _, x := range []struct {
		name                  string
		pictures              []*image.RGBA
		asked, repeated, dark []int
	}{
		{"a still scene", still(a, 29), []int{0}, nil, nil},
		{"a still scene for long", still(a, 70), []int{0, 30, 60}, nil, nil},
		{"a freeze", repeat(25, func(int) *image.RGBA { return a }), []int{0}, nil, nil},
		{"camera noise", repeat(20, func(i int) *image.RGBA { return noisy(a, 25, uint64(i)) }), []int{0}, nil, nil},
		{"hard cuts", join(still(a, 4), still(b, 4), still(c, 4)), []int{0, 4, 8}, nil, nil},
		{"shots of a second", join(still(a, 1), still(b, 1), still(c, 1)), []int{0, 1, 2}, nil, nil},
		{"cutting between two known shots", join(still(a, 3), still(b, 3), still(a, 3), still(b, 3), still(a, 3)), []int{0, 3}, []int{6, 9, 12}, nil},
		{"a known shot after long", join(still(a, 3), still(b, 35), still(a, 3)), []int{0, 3, 33, 38}, nil, nil},
		{"a dissolve", join(still(a, 4), []*image.RGBA{mixed(a, b, 0.5)}, still(b, 4)), []int{0, 5}, nil, nil},
		{"a slow dissolve", join(still(a, 4), []*image.RGBA{mixed(a, b, 0.35), mixed(a, b, 0.7)}, still(b, 4)), []int{0, 6}, nil, nil},
		{"a fade out and in", join(still(a, 4), []*image.RGBA{dimmed(a, 0.7), dimmed(a, 0.4), plain(0), dimmed(b, 0.3), dimmed(b, 0.7)}, still(b, 4)), []int{0, 7}, nil, []int{6}},
		{"a flash", join(still(a, 4), []*image.RGBA{flashed(a)}, still(a, 4)), []int{0}, nil, nil},
		{"a white flash", join(still(a, 4), []*image.RGBA{plain(255)}, still(a, 4)), []int{0}, []int{5}, []int{4}},
		{"black", join(repeat(3, func(int) *image.RGBA { return plain(0) }), still(a, 3), []*image.RGBA{plain(2), plain(1)}), []int{3}, nil, []int{0, 6}},
		{"colour bars", join(repeat(5, func(i int) *image.RGBA { return noisy(bars(), 2, uint64(i)) }), still(a, 3)), []int{5}, nil, []int{0}},
		{"a cloud passes", join(still(a, 3), repeat(10, func(i int) *image.RGBA { return dimmed(a, 1-float64(i)*0.04) })), []int{0}, nil, nil},
		{"a pan", repeat(16, func(i int) *image.RGBA { return moved(a, 20*i) }), []int{0, 6, 12}, nil, nil},
		{"a person walks in and out", join(still(a, 5), still(with(a, 100), 5), still(a, 3)), []int{0, 6}, []int{11}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			asked, repeated, dark := play(t, vision.GateOptions{}, 100, x.pictures)
			equal(t, "asked", asked, x.asked)
			equal(t, "repeated", repeated, x.repeated)
			equal(t, "dark", dark, x.dark)
		})
	}
}

func equal(t *testing.T, what string, got, want []int) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if len(got) != len(want) {
		t.Errorf("%s at %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s at %v, want %v", what, got, want)
			return
		}
	}
}

func TestGateFollowsSlowChange(t *testing.T) {
	a, b := shot(1), shot(2)
	asked, _, _ := play(t, vision.GateOptions{MaxScene: time.Hour}, 100, repeat(60, func(i int) *image.RGBA { return mixed(a, b, float64(i)/59) }))
	if len(asked) < 2 || len(asked) > 8 {
		t.Errorf("what changes within a minute was asked about at %v", asked)
	}
}

func TestGateReset(t *testing.T) {
	g := vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})
	m := shot(1)
	g.Admit(t.Context(), 0, m)
	g.Reset()
	if g.Admit(t.Context(), 1000, m) || !g.Verdict().Begins || g.Verdict().Scene != 1 {
		t.Errorf("after a reset: %+v, want the known scene to begin", g.Verdict())
	}
	g.Again(1)
	if !g.Admit(t.Context(), 2000, m) || g.Verdict().Begins {
		t.Errorf("to be asked again: %+v", g.Verdict())
	}
	if g.Admit(t.Context(), 3000, m) {
		t.Error("the wish to ask again held for more than one picture")
	}
}

func TestGateClockGoesBack(t *testing.T) {
	g := vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})
	g.Admit(t.Context(), 60_000, shot(1))
	if !g.Admit(t.Context(), 0, shot(1)) {
		t.Error("what was seen later does not answer for now")
	}
}

func TestGateTakesAnySize(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 640}, {640, 2}, {31, 17}, {360, 640}} {
		g := vision.NewGate(vision.GateOptions{MaxScene: time.Minute})
		m := image.NewRGBA(image.Rectangle{Max: size})
		if g.Admit(t.Context(), 0, m) || !g.Verdict().Blank {
			t.Errorf("%v: a black picture was admitted", size)
		}
		g.Admit(t.Context(), 1, noisy(m, 90, 1))
	}
}

// TestSharpest is a scene that comes into focus.
func TestSharpest(t *testing.T) {
	a, b := shot(1), shot(2)
	blurred := func(m *image.RGBA) *image.RGBA { return mixed(m, moved(m, 2), 0.5) }
	g := vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})
	var s vision.Scenes
	var events []vision.Event
	for i, m := range []*image.RGBA{a, a, blurred(blurred(b)), b, blurred(b), b} {
		at := timeline.Position(i) * second
		var p *vision.Picture
		if g.Admit(t.Context(), at, m) {
			p = &vision.Picture{At: at, JPEG: []byte{1}}
		}
		events = append(events, s.Take(g.Verdict(), p)...)
	}
	events = append(events, s.Flush()...)
	if len(events) != 2 || events[1].From != 2000 || events[1].Picture.At != 3000 {
		t.Errorf("got %+v, want the scene of 2 s asked about by the picture of 3 s", events)
	}
}

func BenchmarkGate(b *testing.B) {
	g := vision.NewGate(vision.GateOptions{MaxScene: time.Hour})
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	draw.Draw(m, m.Rect, noisy(shot(1), 12, 1), image.Point{}, draw.Src)
	b.ReportAllocs()
	for i := range b.N {
		g.Admit(b.Context(), timeline.Position(i), m)
	}
}
