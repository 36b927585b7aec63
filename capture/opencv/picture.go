//go:build !nocv

package opencv

import (
	"fmt"
	"image"
	"slices"

	"gocv.io/x/gocv"

	"spotter/capture"
	"spotter/timeline"
)

// jpegBytes is what Rekognition takes of an image's bytes at most.
const jpegBytes = 5 << 20

// look shrinks the full picture, asks the gate and encodes what it admits.
func (d *Decoder) look(at timeline.Position, gate Gate) (Sample, error) {
	s := Sample{Position: at}
	if err := d.shrink(); err != nil {
		return s, err
	}
	if !gate.Admit(at, d.pix) {
		return s, nil
	}
	jpeg, err := encode(d.full)
	if err != nil {
		return s, err
	}
	small := *d.pix
	small.Pix = slices.Clone(d.pix.Pix)
	s.Frame = &capture.Frame{Position: at, Width: d.full.Cols(), Height: d.full.Rows(), Small: &small, JPEG: jpeg}
	return s, nil
}

// shrink makes d.pix from d.full: halved as often as that leaves enough, and then interpolated, which takes a third of the
// time of averaging over areas at once.
func (d *Decoder) shrink() error {
	w, h := d.full.Cols(), d.full.Rows()
	source := d.full
	if long := max(w, h); long > SmallSide {
		w, h = max(1, w*SmallSide/long), max(1, h*SmallSide/long)
		for x, y := source.Cols()/2, source.Rows()/2; max(x, y) >= SmallSide && min(x, y) > 0; x, y = x/2, y/2 {
			gocv.Resize(source, &d.half, image.Pt(x, y), 0, 0, gocv.InterpolationArea)
			source = d.half
		}
		gocv.Resize(source, &d.small, image.Pt(w, h), 0, 0, gocv.InterpolationLinear)
		source = d.small
	}
	gocv.CvtColor(source, &d.rgba, gocv.ColorBGRToRGBA)
	b, err := d.rgba.DataPtrUint8() // aliases C memory: copied at once
	if err != nil || len(b) != 4*w*h {
		return fmt.Errorf("%w: shrink: %d bytes for %dx%d pixels: %v", ErrDecode, len(b), w, h, err)
	}
	if d.pix == nil || d.pix.Rect.Dx() != w || d.pix.Rect.Dy() != h {
		d.pix = image.NewRGBA(image.Rect(0, 0, w, h))
	}
	copy(d.pix.Pix, b)
	return nil
}

// encode returns m as a JPEG of at most jpegBytes.
func encode(m gocv.Mat) ([]byte, error) {
	for _, quality := range []int{90, 75, 50} {
		b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, quality})
		if err != nil {
			return nil, fmt.Errorf("encode JPEG: %w", err)
		}
		jpeg := slices.Clone(b.GetBytes())
		b.Close()
		if len(jpeg) == 0 { // OpenCV reports no failure
			return nil, fmt.Errorf("encode JPEG: OpenCV gave nothing for %dx%d pixels", m.Cols(), m.Rows())
		}
		if len(jpeg) <= jpegBytes {
			return jpeg, nil
		}
	}
	return nil, fmt.Errorf("encode JPEG: %dx%d pixels do not fit into %d bytes", m.Cols(), m.Rows(), jpegBytes)
}
