package local

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/jpeg"
	"math"

	"spotter/vision"
)

const (
	// smallFace is the width of a face in pixels below which a larger picture shows more of it: an aligned face is some
	// 75 pixels wide. Press photos of four people on a 1920x1080 canvas, a face of 12 pixels width in 640: similarity
	// with another photo 0.10 to 0.22 from the small picture, 0.33 to 0.76 from the full one with the landmarks of
	// the small, 0.49 to 0.87 with those found in the full one. At 25 pixels: 0.42 to 0.65, 0.60 to 0.84, 0.63 to
	// 0.91. From 60 pixels on, all three are alike.
	smallFace = 60
	// worthIt is how much larger than the small picture the full one must be to be decoded.
	worthIt = 1.25
	// around is the half side of the square around a small face in which it is looked for again, in parts of the
	// longer side of its box.
	around = 1.2
	// maxPixels bounds the memory for a full picture; 8K has 33 million.
	maxPixels = 1 << 26
)

// fullSize is a picture's full size, decoded when it is first asked for.
type fullSize struct {
	picture *vision.Picture
	tried   bool
	image   image.Image // nil where there is none, or it cannot be read
}

// source returns the picture from which a face of the small picture is best aligned, and the face's place in it: the
// small picture itself, or for a small face the part of the full one around it, where it is found again.
func (s *fullSize) source(ctx context.Context, f Face, faces FaceFinder) (*image.RGBA, Face, error) {
	small := s.picture.Small
	if f.Box.Width*float64(small.Rect.Dx()) >= smallFace || !s.decode() {
		return small, f, nil
	}
	bounds := s.image.Bounds()
	width, height := float64(bounds.Dx()), float64(bounds.Dy())
	half := int(math.Ceil(around * max(f.Box.Width*width, f.Box.Height*height)))
	middle := image.Pt(int((f.Box.Left+f.Box.Width/2)*width), int((f.Box.Top+f.Box.Height/2)*height))
	cut := image.Rectangle{Min: middle, Max: middle}.Inset(-half).Intersect(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	part := image.NewRGBA(image.Rectangle{Max: cut.Size()})
	draw.Draw(part, part.Rect, s.image, bounds.Min.Add(cut.Min), draw.Src)
	if !fits(part) {
		return small, f, nil
	}
	f.move(cut, width, height)
	again, err := faces.Find(ctx, part)
	if err != nil {
		return nil, Face{}, err
	}
	for _, a := range again {
		if near(a.Box, f.Box) {
			return part, a, nil
		}
	}
	return part, f, nil
}

// decode reads the full picture, once, and reports whether there is one that is worth it.
func (s *fullSize) decode() bool {
	if s.tried {
		return s.image != nil
	}
	s.tried = true
	if float64(s.picture.Width) < worthIt*float64(s.picture.Small.Rect.Dx()) {
		return false
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(s.picture.JPEG))
	if err != nil || size.Width > maxPixels/max(size.Height, 1) {
		return false
	}
	if s.image, err = jpeg.Decode(bytes.NewReader(s.picture.JPEG)); err != nil {
		s.image = nil
	}
	return s.image != nil
}

// move changes a face's place from one in a picture of the given size to one in a part of it.
func (f *Face) move(to image.Rectangle, width, height float64) {
	x := func(part float64) float64 { return (part*width - float64(to.Min.X)) / float64(to.Dx()) }
	y := func(part float64) float64 { return (part*height - float64(to.Min.Y)) / float64(to.Dy()) }
	landmarks := f.hasLandmarks()
	for i, p := range f.Landmarks {
		if landmarks {
			f.Landmarks[i] = Point{x(p.X), y(p.Y)}
		}
	}
	b := f.Box
	f.Box = Box{Left: x(b.Left), Top: y(b.Top), Width: b.Width * width / float64(to.Dx()), Height: b.Height * height / float64(to.Dy())}
}

// near reports whether the middle of each box lies in the other.
func near(b, c Box) bool { return hasMiddle(b, c) && hasMiddle(c, b) }

func hasMiddle(b, c Box) bool {
	x, y := c.Left+c.Width/2, c.Top+c.Height/2
	return x >= b.Left && x < b.Left+b.Width && y >= b.Top && y < b.Top+b.Height
}
