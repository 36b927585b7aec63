package local

import (
	"encoding/binary"
	"image"
)

// letterbox puts pictures of any size into the square input of a network: scaled to fit, at the top left, the rest
// filled, as three planes of blue, green and red from 0 to 255. Its memory is reused from picture to picture.
type letterbox struct {
	size int     // of the square, pixels
	fill float32 // where there is no picture

	input      []float32
	from       image.Point // size of the pictures that the taps are for
	stride     int         // and their bytes a row
	cols, rows []tap
}

// tap is where one column or row of the input comes from: the offset in the pixel bytes of the first of two
// neighbouring columns or rows of the picture, and the weight of the second in parts of one.
type tap struct {
	first  int
	weight uint64
}

// The scale of the weights is OpenCV's for 8-bit bilinear resizing, on which the networks were trained. Twice that
// many bits and a channel's 8 are 30, so two channels go through one 64-bit multiplication side by side.
const (
	weightBits = 11
	one        = 1 << weightBits
)

// draw puts img, of at least 2 by 2 pixels, into the input and returns the input. It is good until the next draw.
func (l *letterbox) draw(img *image.RGBA) []float32 {
	l.fit(img.Rect.Size(), img.Stride)
	pix := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):]
	plane := l.size * l.size
	for y, row := range l.rows {
		at := y * l.size
		b := l.input[at:][:len(l.cols)]
		g := l.input[plane+at:][:len(l.cols)]
		r := l.input[2*plane+at:][:len(l.cols)]
		drawRow(b, g, r, pix[row.first:], pix[row.first+l.stride:], l.cols, row.weight)
	}
	return l.input
}

// drawRow blends two rows of pixels into one row of each plane.
func drawRow(b, g, r []float32, upper, lower []byte, cols []tap, weight uint64) {
	const unit = 1.0 / (one * one)
	b, g, r = b[:len(cols)], g[:len(cols)], r[:len(cols)]
	for x := range cols {
		c := &cols[x]
		rb1, g1, rb2, g2 := split(upper[c.first:])
		rb3, g3, rb4, g4 := split(lower[c.first:])
		// a+(b-a)*w: a borrow between the channels is paid back when a*one is added.
		rbTop, gTop := rb1*one+(rb2-rb1)*c.weight, g1*one+(g2-g1)*c.weight
		rbLow, gLow := rb3*one+(rb4-rb3)*c.weight, g3*one+(g4-g3)*c.weight
		rb := rbTop*one + (rbLow-rbTop)*weight
		r[x] = float32(uint32(rb)) * unit
		g[x] = float32(uint32(gTop*one+(gLow-gTop)*weight)) * unit
		b[x] = float32(uint32(rb>>32)) * unit
	}
}

// split returns the red and blue, 32 bits apart, and the green of each of two neighbouring RGBA pixels.
func split(pixels []byte) (redBlue1, green1, redBlue2, green2 uint64) {
	p := binary.LittleEndian.Uint64(pixels)
	return p&0xff | p&0xff0000<<16, p >> 8 & 0xff, p>>32&0xff | p>>16&0xff00000000, p >> 40 & 0xff
}

// fit prepares the taps for pictures of the given size, and the fill around them.
func (l *letterbox) fit(from image.Point, stride int) {
	if l.from == from && l.stride == stride {
		return
	}
	l.from, l.stride = from, stride
	if l.input == nil {
		l.input = make([]float32, 3*l.size*l.size)
	}
	for i := range l.input {
		l.input[i] = l.fill
	}
	long := max(from.X, from.Y)
	l.cols = taps(l.cols[:0], from.X, max(1, from.X*l.size/long), 4)
	l.rows = taps(l.rows[:0], from.Y, max(1, from.Y*l.size/long), stride)
}

// taps appends where each of n columns or rows comes from, out of count that are step bytes apart, with the centres
// of pixels at halves as OpenCV's resize has them.
func taps(to []tap, count, n, step int) []tap {
	for i := range n {
		// The place is (i+0.5)*count/n-0.5, here in parts of 2n.
		place := min(max(0, (2*i+1)*count-n), 2*n*(count-1))
		first := min(place/(2*n), count-2)
		weight := ((place-first*2*n)*one + n) / (2 * n)
		to = append(to, tap{first * step, uint64(weight)})
	}
	return to
}

// scale returns by how much the picture was scaled to fit.
func (l *letterbox) scale() float64 { return float64(l.size) / float64(max(l.from.X, l.from.Y)) }
