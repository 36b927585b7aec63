package local_test

import (
	"cmp"
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local"
)

var _ vision.Recognizer = (*local.YOLOX)(nil)

// fake is a network that keeps its last input and answers what it is told to.
type fake struct {
	input   []float32
	outputs [][]float32
	err     error
}

func (f *fake) Run(input []float32) ([][]float32, error) {
	f.input = slices.Clone(input)
	return f.outputs, f.err
}

// row is the place of an anchor's numbers in the output of a 64-pixel network: anchor is 0 to 63 at stride 8, 64 to
// 79 at stride 16 and 80 to 83 at stride 32.
func row(output []float32, anchor int) []float32 { return output[anchor*85:][:85] }

const anchors64 = 64 + 16 + 4

// noise is a picture of random pixels.
func noise(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for i := range img.Pix {
		img.Pix[i] = byte(rng.Uint32())
	}
	return img
}

// letterbox is the straightforward reading of YOLOX's preproc: cv2.resize with INTER_LINEAR, then the grey.
func letterbox(img *image.RGBA, size int) []float32 {
	from := img.Rect.Size()
	long := max(from.X, from.Y)
	w, h := max(1, from.X*size/long), max(1, from.Y*size/long)
	input := slices.Repeat([]float32{114}, 3*size*size)
	for y := range h {
		for x := range w {
			sx := max(0, (float64(x)+0.5)*float64(from.X)/float64(w)-0.5)
			sy := max(0, (float64(y)+0.5)*float64(from.Y)/float64(h)-0.5)
			pixel := bilinear(img, sx, sy)
			for c := range 3 { // planes of blue, green, red
				input[c*size*size+y*size+x] = float32(pixel[2-c])
			}
		}
	}
	return input
}

func bilinear(img *image.RGBA, x, y float64) (rgb [3]float64) {
	x0, y0 := int(x), int(y)
	for _, dy := range []int{0, 1} {
		for _, dx := range []int{0, 1} {
			weight := (1 - math.Abs(x-float64(x0+dx))) * (1 - math.Abs(y-float64(y0+dy)))
			at := img.RGBAAt(img.Rect.Min.X+min(x0+dx, img.Rect.Dx()-1), img.Rect.Min.Y+min(y0+dy, img.Rect.Dy()-1))
			for c, v := range []uint8{at.R, at.G, at.B} {
				rgb[c] += weight * float64(v)
			}
		}
	}
	return rgb
}

func TestInput(t *testing.T) {
	sub := noise(100, 90).SubImage(image.Rect(7, 9, 87, 49)).(*image.RGBA)
	tests := []struct {
		name string
		img  *image.RGBA
	}{
		{"landscape", noise(640, 360)},
		{"portrait", noise(270, 480)},
		{"same size", noise(64, 64)},
		{"enlarged", noise(20, 13)},
		{"a part of a picture", sub},
		{"four pixels", noise(2, 2)},
		{"a band", noise(640, 2)},
	}
	net := &fake{outputs: [][]float32{make([]float32, anchors64*85)}}
	y := local.NewYOLOX(net, 64, 50) // one for all: no picture may leave anything behind
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := y.Detect(t.Context(), tt.img); err != nil {
				t.Fatal(err)
			}
			// The weights have 11 bits: two roundings of half a step of 255/2048.
			near := cmpopts.EquateApprox(0, 0.13)
			if diff := gocmp.Diff(letterbox(tt.img, 64), net.input, near); diff != "" {
				t.Errorf("input (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInputKeepsColours(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 30, 30))
	for i := range 900 {
		img.SetRGBA(i%30, i/30, color.RGBA{R: 255, G: 128, B: 1, A: 255})
	}
	net := &fake{outputs: [][]float32{make([]float32, anchors64*85)}}
	if _, err := local.NewYOLOX(net, 64, 50).Detect(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	for c, want := range []float32{1, 128, 255} {
		if got := net.input[c*64*64+1000]; got != want {
			t.Errorf("plane %d = %v, want exactly %v", c, got, want)
		}
	}
}

// decode is the straightforward reading of YOLOX's demo_postprocess and class-aware nms in demo_utils.py.
func decode(output []float32, size, width, height int, least float64) []local.Detection {
	type reading struct {
		class          int
		score          float64
		x1, y1, x2, y2 float64
	}
	var all []reading
	anchor := 0
	for _, stride := range []int{8, 16, 32} {
		for i := range (size / stride) * (size / stride) {
			a := output[(anchor+i)*85:][:85]
			s := float64(stride)
			cx := (float64(a[0]) + float64(i%(size/stride))) * s
			cy := (float64(a[1]) + float64(i/(size/stride))) * s
			w, h := math.Exp(float64(a[2]))*s, math.Exp(float64(a[3]))*s
			for class := range 80 {
				if score := float64(a[4] * a[5+class]); score >= least {
					all = append(all, reading{class, score, cx - w/2, cy - h/2, cx + w/2, cy + h/2})
				}
			}
		}
		anchor += (size / stride) * (size / stride)
	}
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(b.score, a.score) })
	var kept []reading
	for _, c := range all {
		if !slices.ContainsFunc(kept, func(k reading) bool {
			w, h := min(k.x2, c.x2)-max(k.x1, c.x1), min(k.y2, c.y2)-max(k.y1, c.y1)
			both := max(w, 0) * max(h, 0)
			union := (k.x2-k.x1)*(k.y2-k.y1) + (c.x2-c.x1)*(c.y2-c.y1) - both
			return k.class == c.class && both/union > 0.45
		}) {
			kept = append(kept, c)
		}
	}
	var out []local.Detection
	ratio := float64(size) / float64(max(width, height))
	clip := func(v float64, whole int) float64 { return min(max(v/ratio/float64(whole), 0), 1) }
	for _, k := range kept {
		b := local.Box{Left: clip(k.x1, width), Top: clip(k.y1, height)}
		b.Width, b.Height = clip(k.x2, width)-b.Left, clip(k.y2, height)-b.Top
		if b.Width <= 0 || b.Height <= 0 {
			continue
		}
		out = append(out, local.Detection{Label: labels[k.class], Confidence: k.score * 100, Box: b})
	}
	return out
}

// near compares detections: confidences are rounded to one decimal, boxes are computed in float32.
func near() gocmp.Options {
	return gocmp.Options{
		gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() == ".Confidence" }, cmpopts.EquateApprox(0, 0.051)),
		gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() != ".Confidence" }, cmpopts.EquateApprox(0, 1e-4)),
	}
}

func TestDetectAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, least := range []float64{20, 50, 90} {
		for range 30 {
			output := make([]float32, anchors64*85)
			for anchor := range anchors64 {
				a := row(output, anchor)
				for i := range a {
					a[i] = rng.Float32()
				}
				a[2], a[3] = 3*rng.Float32()-1, 3*rng.Float32()-1
				for i := range 75 { // few classes, so that boxes of one class meet
					a[10+i] /= 100
				}
			}
			y := local.NewYOLOX(&fake{outputs: [][]float32{output}}, 64, least)
			got, err := y.Detect(t.Context(), noise(90, 70))
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(decode(output, 64, 90, 70, least/100), got, near()); diff != "" {
				t.Fatalf("at %v (-reference +got):\n%s", least, diff)
			}
		}
	}
}

func TestRecognize(t *testing.T) {
	output := make([]float32, anchors64*85)
	put := func(anchor, class int, score float32) {
		a := row(output, anchor)
		a[4], a[5+class] = 1, score
	}
	put(0, 0, 0.6)                  // a person
	put(35, 0, 0.87654)             // another, more certain
	put(70, 57, 0.7)                // a couch
	put(83, 67, 0.9)                // a phone
	put(20, 16, 0.4999)             // hardly a dog
	put(30, 2, float32(math.NaN())) // nothing at all
	y := local.NewYOLOX(&fake{outputs: [][]float32{output}}, 64, 50)
	got, err := y.Recognize(t.Context(), vision.Picture{Small: noise(64, 36)})
	want := vision.Answer{Source: timeline.SourceONNX, Objects: []timeline.Entity{
		vision.Object("Mobile Phone", 90), vision.Object("Person", 87.7), vision.Object("Couch", 70),
	}}
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("err = %v (-want +got):\n%s", err, diff)
	}
}

func TestRecognizeErrors(t *testing.T) {
	broken := errors.New("broken")
	good := &fake{outputs: [][]float32{make([]float32, anchors64*85)}}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		net  *fake
		img  *image.RGBA
		want error
	}{
		{"nothing to be seen", t.Context(), good, noise(64, 36), nil},
		{"no picture", t.Context(), good, nil, vision.ErrPermanent},
		{"no pixels", t.Context(), good, image.NewRGBA(image.Rectangle{}), vision.ErrPermanent},
		{"one column", t.Context(), good, noise(1, 36), vision.ErrPermanent},
		{"cancelled", cancelled, good, noise(64, 36), context.Canceled},
		{"network fails", t.Context(), &fake{err: broken}, noise(64, 36), broken},
		{"another network", t.Context(), &fake{outputs: [][]float32{make([]float32, 10)}}, noise(64, 36), vision.ErrPermanent},
		{"no output", t.Context(), &fake{}, noise(64, 36), vision.ErrPermanent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := local.NewYOLOX(tt.net, 64, 50).Recognize(tt.ctx, vision.Picture{Small: tt.img})
			if !errors.Is(err, tt.want) || len(got.Objects) != 0 {
				t.Errorf("Recognize = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// mirror answers what it is shown: its first anchor's certainty is the brightness of the input's first pixel.
type mirror struct{}

func (mirror) Run(input []float32) ([][]float32, error) {
	output := make([]float32, anchors64*85)
	output[4], output[5] = 1, input[0]/255
	return [][]float32{output}, nil
}

func TestRecognizeConcurrently(t *testing.T) {
	y := local.NewYOLOX(mirror{}, 64, 1)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			grey := uint8(50 * (g + 1))
			img := image.NewRGBA(image.Rect(0, 0, 40+g, 30))
			for i := range img.Pix {
				img.Pix[i] = grey
			}
			want := math.Round(float64(grey)/255*1000) / 10
			for range 50 {
				got, err := y.Recognize(t.Context(), vision.Picture{Small: img})
				if err != nil || len(got.Objects) != 1 || got.Objects[0].Confidence != want {
					t.Errorf("Recognize of %d = %v, %v, want %v", grey, got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
