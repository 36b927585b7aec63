package local

import (
	"fmt"
	"image"
	"math"

	"spotter/vision"
)

// template is where the five landmarks lie in an aligned face of templateSize pixels, as in the training of SFace and
// MobileFaceNet (ArcFace, arXiv 1801.07698, and OpenCV's FaceRecognizerSF).
func template() [5][2]float64 {
	return [5][2]float64{{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}
}

const templateSize = 112

// Align returns the face f of img turned upright and scaled so that its landmarks lie where the identity networks expect
// them, as a square of size pixels (112 for those networks): Umeyama's similarity transform (doi:10.1109/34.88573) and
// bilinear interpolation, black beyond the picture's edge. Where f has no landmarks, those of a face that looks
// straight ahead are taken from its box. The error wraps vision.ErrPicture for an empty picture and for a face whose
// points all lie in one place.
func Align(img *image.RGBA, f Face, size int) (*image.RGBA, error) {
	if img == nil || img.Rect.Empty() {
		return nil, fmt.Errorf("align face: the picture is empty: %w", vision.ErrPicture)
	}
	if size < 1 {
		return nil, fmt.Errorf("align face: a size of %d pixels: it must be positive: %w", size, vision.ErrPermanent)
	}
	to := image.NewRGBA(image.Rect(0, 0, size, size))
	if err := align(to, img, &f); err != nil {
		return nil, err
	}
	return to, nil
}

// align is Align into a square that is there already.
func align(to, img *image.RGBA, f *Face) error {
	from, onto := f.pixels(img.Rect.Size()), template()
	scale := float64(to.Rect.Dx()) / templateSize
	for i := range onto {
		onto[i] = [2]float64{onto[i][0] * scale, onto[i][1] * scale}
	}
	m, ok := similar(from, onto).inverse()
	if !ok {
		return fmt.Errorf("align face: its landmarks do not span a face: %w", vision.ErrPicture)
	}
	m.warp(to, img)
	return nil
}

// similarity is a turn, a scale and a move: x, y goes to a*x-b*y+u, b*x+a*y+v.
type similarity struct{ a, b, u, v float64 }

// similar returns the similarity that takes the points from as near to the points onto as can be, by least squares.
// In the plane and with no mirroring, Umeyama's solution needs no singular values.
func similar(from, onto [5][2]float64) similarity {
	f, o := mean(from), mean(onto)
	var dot, cross, square float64
	for i := range from {
		x, y := from[i][0]-f[0], from[i][1]-f[1]
		u, v := onto[i][0]-o[0], onto[i][1]-o[1]
		dot, cross, square = dot+x*u+y*v, cross+x*v-y*u, square+x*x+y*y
	}
	a, b := dot/square, cross/square
	return similarity{a, b, o[0] - a*f[0] + b*f[1], o[1] - b*f[0] - a*f[1]}
}

func mean(points [5][2]float64) (m [2]float64) {
	for _, p := range points {
		m[0], m[1] = m[0]+p[0]/5, m[1]+p[1]/5
	}
	return m
}

// inverse returns the way back, and whether there is one: not so for a scale that is zero or no number, nor for one that
// makes a face of less than a thousandth of a pixel out of anything.
func (s similarity) inverse() (similarity, bool) {
	square := s.a*s.a + s.b*s.b
	if !(square > 1e-12 && square < 1e6) {
		return similarity{}, false
	}
	a, b := s.a/square, -s.b/square
	return similarity{a, b, -a*s.u + b*s.v, -b*s.u - a*s.v}, true
}

// warp draws into to, pixel by pixel, what lies in img where s takes the pixel.
func (s similarity) warp(to, img *image.RGBA) {
	pix := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):]
	width, height := img.Rect.Dx(), img.Rect.Dy()
	for row := range to.Rect.Dy() {
		line := to.Pix[row*to.Stride:][:4*to.Rect.Dx()]
		x, y := s.u-s.b*float64(row), s.v+s.a*float64(row)
		for ; len(line) >= 4; line = line[4:] {
			left, top := math.Floor(x), math.Floor(y)
			switch {
			case left >= 0 && top >= 0 && left < float64(width-1) && top < float64(height-1):
				at := pix[int(top)*img.Stride+4*int(left):]
				blend(line, at, at[img.Stride:], x-left, y-top)
			case left >= -1 && top >= -1 && left < float64(width) && top < float64(height):
				edge(line, pix, img.Stride, image.Pt(width, height), image.Pt(int(left), int(top)), x-left, y-top)
			default:
				line[0], line[1], line[2], line[3] = 0, 0, 0, 255
			}
			x, y = x+s.a, y+s.b
		}
	}
}

// blend mixes two pixels of each of two rows, by the weights of the right and the lower ones, with the arithmetic of
// letterbox.
func blend(to, upper, lower []byte, right, low float64) {
	wx, wy := uint64(right*one+0.5), uint64(low*one+0.5)
	rb1, g1, rb2, g2 := split(upper)
	rb3, g3, rb4, g4 := split(lower)
	rbTop, gTop := rb1*one+(rb2-rb1)*wx, g1*one+(g2-g1)*wx
	rbLow, gLow := rb3*one+(rb4-rb3)*wx, g3*one+(g4-g3)*wx
	const half = one * one / 2
	rb := rbTop*one + (rbLow-rbTop)*wy + half + half<<32
	g := gTop*one + (gLow-gTop)*wy + half
	to[0], to[1], to[2], to[3] = byte(uint32(rb)>>(2*weightBits)), byte(g>>(2*weightBits)), byte(rb>>(32+2*weightBits)), 255
}

// edge is blend where some of the four pixels lie beyond the edge and are black.
func edge(to, pix []byte, stride int, size, at image.Point, right, low float64) {
	var four [16]byte
	for i := range 4 {
		if p := at.Add(image.Pt(i%2, i/2)); p.In(image.Rectangle{Max: size}) {
			copy(four[4*i:][:4], pix[p.Y*stride+4*p.X:])
		}
	}
	blend(to, four[:8], four[8:], right, low)
}

// sourceScale returns how many pixels of a picture of the given size make one of the face that Align makes of 112 pixels,
// or 0 where the landmarks do not span a face.
func (f *Face) sourceScale(picture image.Point) float64 {
	s, ok := similar(f.pixels(picture), template()).inverse()
	if !ok {
		return 0
	}
	return math.Hypot(s.a, s.b)
}

// pixels returns the landmarks in the pixels of a picture of the given size.
func (f *Face) pixels(picture image.Point) (at [5][2]float64) {
	for i, p := range f.points() {
		at[i] = [2]float64{p.X * float64(picture.X), p.Y * float64(picture.Y)}
	}
	return at
}

// points returns the landmarks, or for a face without any the mean ones of its box.
func (f *Face) points() [5]Point {
	if f.hasLandmarks() {
		return f.Landmarks
	}
	points := meanLandmarks()
	for i, p := range points {
		points[i] = Point{f.Box.Left + p.X*f.Box.Width, f.Box.Top + p.Y*f.Box.Height}
	}
	return points
}

// meanLandmarks are where the landmarks lie in a box of UltraFace, in parts of it, with the two sides of the face made
// alike: the mean of YuNet's on thirteen faces of press photos.
func meanLandmarks() [5]Point {
	return [5]Point{{0.26, 0.41}, {0.74, 0.41}, {0.5, 0.6}, {0.3, 0.75}, {0.7, 0.75}}
}
