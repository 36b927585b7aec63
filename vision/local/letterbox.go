package local

import (
	"encoding/binary"
	"image"
)

// letterbox puts pictures of any size into the input of a network as three planes of floating point numbers, with what
// no picture covers filled. Its memory is reused from picture to picture.
type letterbox struct {
	size  image.Point // of the input, pixels
	place placement
	rgb   bool // the planes are red, green, blue; else blue, green, red
	// mul and add make each plane's numbers of the pixels' 0 to 255; nil is 1 and 0.
	mul, add *[3]float32
	fill     [3]float32 // each plane's number where there is no picture

	input      []float32
	from       image.Point // size of the pictures that the taps are for
	stride     int         // and their bytes a row
	at         image.Point // where the picture begins in the input
	cols, rows []tap
}

// placement is where a picture of another shape goes in the input.
type placement int

const (
	corner  placement = iota // scaled to fit, at the top left
	centre                   // scaled to fit, in the middle
	stretch                  // over all of it
)

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

// fits reports whether a picture can be drawn: it has 2 by 2 pixels at least.
func fits(img *image.RGBA) bool { return img != nil && img.Rect.Dx() >= 2 && img.Rect.Dy() >= 2 }

// draw puts img, which fits, into the input and returns the input. It is good until the next draw.
func (l *letterbox) draw(img *image.RGBA) []float32 {
	l.fit(img.Rect.Size(), img.Stride)
	pix := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):]
	plane := l.size.X * l.size.Y
	same := len(l.cols) == l.from.X && len(l.rows) == l.from.Y
	mul, add := [3]float32{1, 1, 1}, [3]float32{}
	if l.mul != nil {
		mul, add = *l.mul, *l.add
	}
	for y, row := range l.rows {
		at := (l.at.Y+y)*l.size.X + l.at.X
		var planes [3]span
		for i := range planes {
			planes[i] = span{l.input[i*plane+at:][:len(l.cols)], mul[i], add[i]}
		}
		if l.rgb {
			planes[0], planes[2] = planes[2], planes[0]
		}
		if same {
			copyRow(&planes, pix[y*l.stride:])
		} else {
			drawRow(&planes, pix[row.first:], pix[row.first+l.stride:], l.cols, row.weight)
		}
	}
	return l.input
}

// span is a part of a row of one plane, and what makes its numbers of the pixels'.
type span struct {
	to       []float32
	mul, add float32
}

// copyRow turns a row of pixels into one row of the blue, the green and the red plane.
func copyRow(bgr *[3]span, row []byte) {
	n := len(bgr[0].to)
	b, g, r := bgr[0].to[:n], bgr[1].to[:n], bgr[2].to[:n]
	mb, mg, mr := bgr[0].mul, bgr[1].mul, bgr[2].mul
	ab, ag, ar := bgr[0].add, bgr[1].add, bgr[2].add
	row = row[:4*n]
	for x := range n {
		p := binary.LittleEndian.Uint32(row[4*x:])
		r[x] = float32(int32(p&0xff))*mr + ar
		g[x] = float32(int32(p>>8&0xff))*mg + ag
		b[x] = float32(int32(p>>16&0xff))*mb + ab
	}
}

// drawRow blends two rows of pixels into one row of the blue, the green and the red plane.
func drawRow(bgr *[3]span, upper, lower []byte, cols []tap, weight uint64) {
	const unit = 1.0 / (one * one)
	b, g, r := bgr[0].to[:len(cols)], bgr[1].to[:len(cols)], bgr[2].to[:len(cols)]
	mb, mg, mr := bgr[0].mul*unit, bgr[1].mul*unit, bgr[2].mul*unit
	ab, ag, ar := bgr[0].add, bgr[1].add, bgr[2].add
	for x := range cols {
		c := &cols[x]
		rb1, g1, rb2, g2 := split(upper[c.first:])
		rb3, g3, rb4, g4 := split(lower[c.first:])
		// a+(b-a)*w: a borrow between the channels is paid back when a*one is added.
		rbTop, gTop := rb1*one+(rb2-rb1)*c.weight, g1*one+(g2-g1)*c.weight
		rbLow, gLow := rb3*one+(rb4-rb3)*c.weight, g3*one+(g4-g3)*c.weight
		rb := rbTop*one + (rbLow-rbTop)*weight
		r[x] = float32(int32(rb))*mr + ar
		g[x] = float32(int32(gTop*one+(gLow-gTop)*weight))*mg + ag
		b[x] = float32(int32(rb>>32))*mb + ab
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
	plane := l.size.X * l.size.Y
	if l.input == nil {
		l.input = make([]float32, 3*plane)
	}
	for i, fill := range l.fill {
		numbers := l.input[i*plane:][:plane]
		for j := range numbers {
			numbers[j] = fill
		}
	}
	to := l.drawn()
	l.at = image.Point{}
	if l.place == centre {
		l.at = l.size.Sub(to).Div(2)
	}
	l.cols = taps(l.cols[:0], from.X, to.X, 4)
	l.rows = taps(l.rows[:0], from.Y, to.Y, stride)
}

// drawn returns the size that the picture has in the input.
func (l *letterbox) drawn() image.Point {
	from, to := l.from, l.size
	switch {
	case l.place == stretch:
	case from.X*to.Y >= from.Y*to.X:
		to.Y = max(1, from.Y*to.X/from.X)
	default:
		to.X = max(1, from.X*to.Y/from.Y)
	}
	return to
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

// point returns where in the picture, in parts of its width and height, a point of the input lies.
func (l *letterbox) point(x, y float32) Point {
	width, height := float64(l.size.X), float64(l.size.Y)
	if l.place != stretch {
		scale := min(width/float64(l.from.X), height/float64(l.from.Y))
		width, height = float64(l.from.X)*scale, float64(l.from.Y)*scale
	}
	return Point{(float64(x) - float64(l.at.X)) / width, (float64(y) - float64(l.at.Y)) / height}
}

// box returns the candidate's place in the picture, cut to it, and whether any of it is there.
func (l *letterbox) box(c candidate) (Box, bool) {
	from, to := l.point(c.left, c.top), l.point(c.right, c.bottom)
	b := Box{Left: part(from.X), Top: part(from.Y)}
	b.Width, b.Height = part(to.X)-b.Left, part(to.Y)-b.Top
	return b, b.Width > 0 && b.Height > 0
}

// part cuts a place in parts of the whole to 0 to 1.
func part(x float64) float64 { return min(max(x, 0), 1) }
