package local_test

import (
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"spotter/vision"
	"spotter/vision/local"
)

// template is the usual one of 112 pixels.
var template = [5][2]float64{{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}

// face returns a face in a picture of w by h pixels whose landmarks are the template's, scaled, turned and moved.
func face(w, h int, scale, turn, dx, dy float64) local.Face {
	var f local.Face
	sin, cos := math.Sincos(turn)
	for i, p := range template {
		x, y := scale*(cos*p[0]-sin*p[1])+dx, scale*(sin*p[0]+cos*p[1])+dy
		f.Landmarks[i] = local.Point{X: x / float64(w), Y: y / float64(h)}
	}
	return f
}

// ramp is a smooth picture, of which bilinear interpolation knows every point.
func ramp(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8((x + y) / 2), 255})
		}
	}
	return img
}

func TestAlign(t *testing.T) {
	tests := []struct {
		name                string
		size                int
		scale, turn, dx, dy float64
	}{
		{"in place", 112, 1, 0, 0, 0},
		{"moved by half a pixel", 112, 1, 0, 20.5, 30.5},
		{"enlarged", 112, 0.5, 0, 60, 40},
		{"shrunk", 56, 2, 0, 5, 8},
		{"turned", 112, 0.8, 0.5, 90, 10},
		{"upside down", 112, 0.9, math.Pi, 220, 190},
		{"half outside", 112, 1, 0.2, 180, 150},
	}
	img := ramp(250, 240)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := local.Align(img, face(250, 240, tt.scale, tt.turn, tt.dx, tt.dy), tt.size)
			if err != nil {
				t.Fatal(err)
			}
			if got.Rect != image.Rect(0, 0, tt.size, tt.size) {
				t.Fatalf("bounds %v", got.Rect)
			}
			sin, cos := math.Sincos(tt.turn)
			for y := range tt.size {
				for x := range tt.size {
					u, v := float64(x)*112/float64(tt.size), float64(y)*112/float64(tt.size)
					px, py := tt.scale*(cos*u-sin*v)+tt.dx, tt.scale*(sin*u+cos*v)+tt.dy
					at := got.RGBAAt(x, y)
					switch {
					case px < -1 || py < -1 || px > 250 || py > 240:
						if at != (color.RGBA{A: 255}) {
							t.Fatalf("%d, %d is beyond the edge: %v", x, y, at)
						}
					case px > 0 && py > 0 && px < 249 && py < 239:
						if math.Abs(float64(at.R)-px) > 0.6 || math.Abs(float64(at.G)-py) > 0.6 || at.A != 255 {
							t.Fatalf("%d, %d = %v, want %.1f, %.1f", x, y, at, px, py)
						}
					}
				}
			}
		})
	}
}

func TestAlignByBox(t *testing.T) {
	img := ramp(200, 200)
	got, err := local.Align(img, local.Face{Box: local.Box{Left: 0.25, Top: 0.2, Width: 0.4, Height: 0.5}}, 112)
	if err != nil {
		t.Fatal(err)
	}
	// The middle between the eyes is at half the width and 0.41 of the height.
	if at := got.RGBAAt(56, 51); math.Abs(float64(at.R)-90) > 3 || math.Abs(float64(at.G)-81) > 6 {
		t.Errorf("between the eyes: %v", at)
	}
}

func TestAlignOfPart(t *testing.T) {
	img := ramp(250, 240)
	part := img.SubImage(image.Rect(50, 40, 250, 240)).(*image.RGBA)
	whole, err := local.Align(img, face(250, 240, 1, 0.1, 80, 60), 112)
	if err != nil {
		t.Fatal(err)
	}
	got, err := local.Align(part, face(200, 200, 1, 0.1, 30, 20), 112)
	if err != nil {
		t.Fatal(err)
	}
	if string(whole.Pix) != string(got.Pix) {
		t.Error("a part of a picture gives another face")
	}
}

func TestAlignErrors(t *testing.T) {
	nan := face(64, 36, 1, 0, 0, 0)
	nan.Landmarks[2].X = math.NaN()
	point := local.Face{Landmarks: [5]local.Point{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}
	good := face(64, 36, 1, 0, 0, 0)
	tests := []struct {
		name string
		img  *image.RGBA
		face local.Face
		size int
		want error
	}{
		{"no picture", nil, good, 112, vision.ErrPicture},
		{"no pixels", image.NewRGBA(image.Rectangle{}), good, 112, vision.ErrPicture},
		{"no size", noise(64, 36), good, 0, vision.ErrPermanent},
		{"one point", noise(64, 36), point, 112, vision.ErrPicture},
		{"no number", noise(64, 36), nan, 112, vision.ErrPicture},
		{"neither box nor landmarks", noise(64, 36), local.Face{}, 112, vision.ErrPicture},
		{"one pixel", noise(1, 1), good, 112, nil},
		{"far away", noise(64, 36), face(64, 36, 1, 0, 1e9, -1e9), 112, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := local.Align(tt.img, tt.face, tt.size); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
}

// laplacian is the straightforward reading of cv2.Laplacian(gray, CV_64F).var() with its reflected border.
func laplacian(img *image.RGBA) float64 {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	mirror := func(i, n int) int {
		if n == 1 {
			return 0
		}
		return (n - 1) - int(math.Abs(float64((n-1)-int(math.Abs(float64(i))))))
	}
	gray := func(x, y int) float64 {
		c := img.RGBAAt(img.Rect.Min.X+mirror(x, w), img.Rect.Min.Y+mirror(y, h))
		return math.Floor(0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B) + 0.5000001)
	}
	var sum, squares float64
	for y := range h {
		for x := range w {
			d := gray(x-1, y) + gray(x+1, y) + gray(x, y-1) + gray(x, y+1) - 4*gray(x, y)
			sum, squares = sum+d, squares+d*d
		}
	}
	n := float64(w * h)
	return squares/n - sum/n*sum/n
}

func TestSharpness(t *testing.T) {
	tests := []struct {
		name string
		img  *image.RGBA
	}{
		{"noise", noise(60, 40)},
		{"ramp", ramp(100, 80)},
		{"flat", square(30, 20)},
		{"one pixel", noise(1, 1)},
		{"one row", noise(20, 1)},
		{"one column", noise(1, 20)},
		{"two by two", noise(2, 2)},
		{"part", noise(60, 40).SubImage(image.Rect(5, 7, 40, 30)).(*image.RGBA)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, got := laplacian(tt.img), local.Sharpness(tt.img)
			if math.Abs(got-want) > 1e-6*max(want, 1) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	if got := local.Sharpness(nil) + local.Sharpness(image.NewRGBA(image.Rectangle{})); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
