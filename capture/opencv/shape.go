//go:build !nocv

package opencv

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"spotter/capture/container"
)

const (
	maxAspect = 4    // of a sample's sides; what says more is not believed
	maxSide   = 4096 // pixels, of a picture whose samples were made square
)

// squareSize returns the size at which a picture's samples are square, before it is turned: its height is kept, and the
// width is even, unless that makes it too large.
func squareSize(width, height int, s container.Shape) (w, h int) {
	num, den := s.AspectWidth, s.AspectHeight
	if num <= 0 || den <= 0 || num == den || num > maxAspect*den || den > maxAspect*num {
		return width, height
	}
	w, h = (width*num/den+1)&^1, height
	if long := max(w, h); long > max(maxSide, width, height) {
		w, h = w*maxSide/long, h*maxSide/long
	}
	return max(1, w), max(1, h)
}

// smallSize shrinks a size until its longer side is SmallSide at most.
func smallSize(width, height int) (w, h int) {
	long := max(width, height)
	if long <= SmallSide {
		return width, height
	}
	return max(1, width*SmallSide/long), max(1, height*SmallSide/long)
}

// weave removes the combs of an interlaced full picture.
func (d *Decoder) weave(s container.Shape) error {
	if !s.Interlaced {
		return nil
	}
	b, err := pixels(d.full, 3)
	if err != nil {
		return err
	}
	comb(b, d.full.Cols(), d.full.Rows())
	return nil
}

// toSDR maps the tones of a BGR picture in place where its shape asks for it.
func (d *Decoder) toSDR(m gocv.Mat, s container.Shape) error {
	key := toneKey(s)
	if key == (container.Shape{}) {
		return nil
	}
	b, err := pixels(m, 3)
	if err != nil {
		return err
	}
	if d.tone == nil || d.tone.key != key {
		d.tone = newToneMap(key)
	}
	d.tone.apply(b)
	return nil
}

// turn returns m turned clockwise, in d.turned, or m itself where it stands upright.
func (d *Decoder) turn(m gocv.Mat, rotation int) gocv.Mat {
	switch rotation {
	case 90:
		gocv.Rotate(m, &d.turned, gocv.Rotate90Clockwise)
	case 180:
		gocv.Rotate(m, &d.turned, gocv.Rotate180Clockwise)
	case 270:
		gocv.Rotate(m, &d.turned, gocv.Rotate90CounterClockwise)
	default:
		return m
	}
	return d.turned
}

// upright returns the full picture as it is meant to be seen; it is one of the decoder's.
func (d *Decoder) upright(s container.Shape) (gocv.Mat, error) {
	if err := d.toSDR(d.full, s); err != nil {
		return d.full, err
	}
	m := d.full
	if w, h := squareSize(m.Cols(), m.Rows(), s); w != m.Cols() || h != m.Rows() {
		gocv.Resize(m, &d.square, image.Pt(w, h), 0, 0, gocv.InterpolationLinear)
		m = d.square
	}
	return d.turn(m, s.Rotation), nil
}

// pixels returns the memory of a picture of so many channels, which is C's and valid until the picture changes.
func pixels(m gocv.Mat, channels int) ([]byte, error) {
	b, err := m.DataPtrUint8()
	if err != nil || len(b) != channels*m.Cols()*m.Rows() {
		return nil, fmt.Errorf("%w: %d bytes for %dx%d pixels: %v", ErrDecode, len(b), m.Cols(), m.Rows(), err)
	}
	return b, nil
}
