package gatebench

import (
	"context"
	"fmt"
	"image"
	_ "image/jpeg" // photos
	_ "image/png"
	"os"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// View is a part of a picture in the shape of the stream: its middle and its width, in parts of the picture's width and
// height. What would reach over the edge is moved inside.
type View struct{ X, Y, Width float64 }

// drawView scales what a view shows of from so that it fills to.
func drawView(to, from *image.RGBA, v View) {
	w, h := float64(from.Rect.Dx()), float64(from.Rect.Dy())
	tw, th := float64(to.Rect.Dx()), float64(to.Rect.Dy())
	width := min(v.Width*w, h*tw/th)
	height := width * th / tw
	left := min(max(v.X*w-width/2, 0), w-width)
	top := min(max(v.Y*h-height/2, 0), h-height)
	scale := tw / width
	draw.ApproxBiLinear.Transform(to, f64.Aff3{scale, 0, -left * scale, 0, scale, -top * scale}, from, from.Rect, draw.Src, nil)
}

// along returns the view at part t, 0 to 1, of a path.
func along(path []View, t float64) View {
	if len(path) == 1 {
		return path[0]
	}
	t = min(max(t, 0), 1) * float64(len(path)-1)
	i := min(int(t), len(path)-2)
	a, b, t := path[i], path[i+1], t-float64(i)
	return View{a.X + t*(b.X-a.X), a.Y + t*(b.Y-a.Y), a.Width + t*(b.Width-a.Width)}
}

// Still is a photo along which the camera moves.
type Still struct {
	Photo *image.RGBA
	Path  []View
}

// Draw implements Source.
func (s Still) Draw(to *image.RGBA, n, of int) error {
	drawView(to, s.Photo, along(s.Path, float64(n)/float64(max(1, of-1))))
	return nil
}

// ReadPhoto reads a photo, shrunk until a stream that shows all of its width has not much less than all of its detail.
func ReadPhoto(path string) (*image.RGBA, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read photo %s: %w", path, err)
	}
	size := img.Bounds().Size()
	if most := madeSize.X * 5 / 4; size.X > most {
		size = image.Pt(most, size.Y*most/size.X)
	}
	to := image.NewRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(to, to.Rect, img, img.Bounds(), draw.Src, nil)
	return to, nil
}

// Footage is some pictures of a recording.
type Footage struct {
	pictures []*image.RGBA
	rate     float64
}

// ReadFootage reads the pictures [from, until) of a recording.
func ReadFootage(ctx context.Context, path string, from, until int) (*Footage, error) {
	v, err := probe(ctx, path)
	if err != nil {
		return nil, err
	}
	f := &Footage{rate: v.rate}
	keep := fmt.Sprintf("select='between(n,%d,%d)'", from, until-1)
	err = decode(ctx, path, keep, v.size, func(_ int, m *image.RGBA) error {
		c := image.NewRGBA(m.Rect)
		copy(c.Pix, m.Pix)
		f.pictures = append(f.pictures, c)
		return nil
	})
	if err == nil && len(f.pictures) == 0 {
		err = fmt.Errorf("read %s: no pictures from %d on", path, from)
	}
	return f, err
}

// Clip shows footage at its own pace, to and fro without end, along a path.
type Clip struct {
	*Footage
	// Skip is how many of the stream's pictures the clip has run already.
	Skip int
	Path []View
}

// Draw implements Source.
func (c Clip) Draw(to *image.RGBA, n, of int) error {
	i := int(float64(n+c.Skip) * c.rate / Rate)
	if last := len(c.pictures) - 1; last > 0 {
		if i %= 2 * last; i > last {
			i = 2*last - i
		}
	} else {
		i = 0
	}
	drawView(to, c.pictures[i], along(c.Path, float64(n)/float64(max(1, of-1))))
	return nil
}

// Freeze is footage that stands still.
type Freeze struct {
	Clip
}

// Draw implements Source.
func (f Freeze) Draw(to *image.RGBA, _, of int) error { return f.Clip.Draw(to, 0, of) }

// Bars are the eight colour bars of a test picture (EBU Tech 3325, 100/0/75/0); without Colour they are black.
type Bars struct{ Colour bool }

// Draw implements Source.
func (b Bars) Draw(to *image.RGBA, _, _ int) error {
	w := to.Rect.Dx()
	for y := range to.Rect.Dy() {
		row := to.Pix[y*to.Stride:][:4*w]
		for x := range w {
			level := [4]uint8{0, 0, 0, 255}
			if bar := 7 - 8*x/w; b.Colour { // white, yellow, cyan, green, magenta, red, blue, black
				level = [4]uint8{191 * uint8(bar>>1&1), 191 * uint8(bar>>2&1), 191 * uint8(bar&1), 255}
			}
			copy(row[4*x:], level[:])
		}
	}
	return nil
}
