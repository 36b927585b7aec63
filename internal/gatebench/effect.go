package gatebench

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Noise is a camera's: of a normal distribution with the given deviation in steps of 0 to 255, new in every picture.
func Noise(deviation float64, seed uint64) Effect {
	r := rand.New(rand.NewPCG(seed, 1))
	grain := make([]int16, 1<<18)
	for i := range grain {
		grain[i] = int16(r.NormFloat64() * deviation)
	}
	return func(to *image.RGBA, n int) {
		at := rand.New(rand.NewPCG(seed, uint64(n))).IntN(len(grain))
		for i := 0; i+3 < len(to.Pix); i += 4 {
			for c := range 3 {
				at = (at + 1) & (len(grain) - 1)
				to.Pix[i+c] = uint8(min(max(int16(to.Pix[i+c])+grain[at], 0), 255))
			}
		}
	}
}

// flashLevels are how white the pictures of a photographer's flash are, 0 to 256.
var flashLevels = []int{235, 200, 90}

// Flashes are photographers' flashes that begin at the given pictures. The second result is blind where they hide what is
// there.
func Flashes(at ...int) (Effect, func(n int) bool) {
	level := func(n int) int {
		for i, l := range flashLevels {
			if slices.Contains(at, n-i) {
				return l
			}
		}
		return 0
	}
	effect := func(to *image.RGBA, n int) {
		l := level(n)
		if l == 0 {
			return
		}
		for i, p := range to.Pix {
			to.Pix[i] = uint8(int(p) + (255-int(p))*l>>8)
		}
	}
	return effect, func(n int) bool { return level(n) > 128 }
}

// LowerThird is a panel with a name in the lower part of the picture, while picture is one of [from, until).
func LowerThird(text string, from, until int) Effect {
	words := lettering(text, 3, color.White)
	return func(to *image.RGBA, n int) {
		if n < from || n >= until {
			return
		}
		w, h := to.Rect.Dx(), to.Rect.Dy()
		panel := image.Rect(w/16, h*3/4, w*5/8, h*7/8)
		draw.Draw(to, panel, image.NewUniform(color.RGBA{20, 40, 120, 255}), image.Point{}, draw.Src)
		draw.Draw(to, words.Rect.Add(panel.Min).Add(image.Pt(16, 12)), words, image.Point{}, draw.Over)
	}
}

// Ticker is a band of running text at the foot of the picture, while picture is one of [from, until).
func Ticker(text string, from, until int) Effect {
	words := lettering(text, 2, color.White)
	return func(to *image.RGBA, n int) {
		if n < from || n >= until {
			return
		}
		w, h := to.Rect.Dx(), to.Rect.Dy()
		band := image.Rect(0, h*15/16, w, h)
		draw.Draw(to, band, image.NewUniform(color.RGBA{150, 10, 10, 255}), image.Point{}, draw.Src)
		for x := -(4 * n % words.Rect.Dx()); x < w; x += words.Rect.Dx() {
			draw.Draw(to, words.Rect.Add(image.Pt(x, band.Min.Y+4)), words, image.Point{}, draw.Over)
		}
	}
}

// lettering draws text on nothing, its pixels enlarged.
func lettering(text string, enlarged int, ink color.Color) *image.RGBA {
	face := basicfont.Face7x13
	fine := image.NewRGBA(image.Rect(0, 0, face.Advance*len(text), face.Height))
	d := font.Drawer{Dst: fine, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(text)
	to := image.NewRGBA(image.Rect(0, 0, fine.Rect.Dx()*enlarged, fine.Rect.Dy()*enlarged))
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.SetRGBA(x, y, fine.RGBAAt(x/enlarged, y/enlarged))
		}
	}
	return to
}
