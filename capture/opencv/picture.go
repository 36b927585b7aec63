//go:build !nocv

package opencv

import (
	"context"
	"fmt"
	"image"
	"slices"

	"gocv.io/x/gocv"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/timeline"
)

// jpegBytes is what Rekognition takes of an image's bytes at most.
const jpegBytes = 5 << 20

// look puts the full picture right, shrinks it, asks the gate and encodes what it admits.
func (d *Decoder) look(ctx context.Context, at timeline.Position, shape container.Shape, gate Gate) (Sample, error) {
	s := Sample{Position: at}
	if err := d.weave(shape); err != nil {
		return s, err
	}
	if err := d.shrink(shape); err != nil {
		return s, err
	}
	if !gate.Admit(ctx, at, d.pix) {
		return s, nil
	}
	full, err := d.upright(shape)
	if err != nil {
		return s, err
	}
	jpeg, err := encode(full)
	if err != nil {
		return s, err
	}
	small := *d.pix
	small.Pix = slices.Clone(d.pix.Pix)
	s.Frame = &capture.Frame{Position: at, Width: full.Cols(), Height: full.Rows(), Small: &small, JPEG: jpeg}
	return s, nil
}

// shrink makes d.pix from d.full: halved as often as that leaves enough, and then interpolated, which takes a third of the
// time of averaging over areas at once. Tones are mapped after that, which costs a ninth of doing it before.
func (d *Decoder) shrink(shape container.Shape) error {
	w, h := smallSize(squareSize(d.full.Cols(), d.full.Rows(), shape))
	source := d.full
	for x, y := source.Cols()/2, source.Rows()/2; x >= w && y >= h; x, y = x/2, y/2 {
		gocv.Resize(source, &d.half, image.Pt(x, y), 0, 0, gocv.InterpolationArea)
		source = d.half
	}
	if w != source.Cols() || h != source.Rows() || toneKey(shape) != (container.Shape{}) { // d.full keeps its tones
		gocv.Resize(source, &d.small, image.Pt(w, h), 0, 0, gocv.InterpolationLinear)
		source = d.small
	}
	if err := d.toSDR(source, shape); err != nil {
		return err
	}
	source = d.turn(source, shape.Rotation)
	gocv.CvtColor(source, &d.rgba, gocv.ColorBGRToRGBA)
	b, err := pixels(d.rgba, 4) // copied at once
	if err != nil {
		return fmt.Errorf("shrink: %w", err)
	}
	if bounds := image.Rect(0, 0, d.rgba.Cols(), d.rgba.Rows()); d.pix == nil || d.pix.Rect != bounds {
		d.pix = image.NewRGBA(bounds)
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
