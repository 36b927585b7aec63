package local_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/vision"
	"spotter/vision/local"
)

var (
	_ local.FaceFinder = (*local.YuNet)(nil)
	_ local.FaceFinder = (*local.UltraFace)(nil)
)

// yunetNames are the outputs of face_detection_yunet_2023mar in its order.
var yunetNames = []string{
	"cls_8", "cls_16", "cls_32", "obj_8", "obj_16", "obj_32", "bbox_8", "bbox_16", "bbox_32", "kps_8", "kps_16", "kps_32",
}

// nothing returns YuNet's outputs for an empty picture.
func nothing() [][]float32 {
	var outputs [][]float32
	for _, numbers := range []int{1, 1, 4, 10} {
		for _, side := range []int{80, 40, 20} {
			outputs = append(outputs, make([]float32, side*side*numbers))
		}
	}
	return outputs
}

// known is a fake that tells the names of its outputs.
type known struct {
	fake
	names []string
}

func (k *known) OutputNames() []string { return k.names }

// still is a network that always answers the same.
type still struct{ outputs [][]float32 }

func (s *still) Run([]float32) ([][]float32, error) { return s.outputs, nil }

// square returns a grey picture.
func square(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	return img
}

// oneFace returns YuNet's outputs for one face at anchor 5 of row 3 of the grid of the given level, 0 to 2.
func oneFace(level int) [][]float32 {
	outputs := nothing()
	side := []int{80, 40, 20}[level]
	at := 3*side + 5
	outputs[level][at], outputs[3+level][at] = 0.81, 1
	copy(outputs[6+level][4*at:], []float32{0.5, 0.25, float32(math.Log(2)), float32(math.Log(4))})
	for k := range 10 {
		outputs[9+level][10*at+k] = float32(k) / 10
	}
	return outputs
}

func TestYuNet(t *testing.T) {
	for level, stride := range []float64{8, 16, 32} {
		// A picture of 320x160 is doubled.
		s := stride / 640
		want := local.Face{
			Box:        local.Box{Left: (5.5 - 1) * s, Top: (3.25 - 2) * s * 2, Width: 2 * s, Height: 4 * s * 2},
			Confidence: 90,
		}
		for k := range want.Landmarks {
			want.Landmarks[k] = local.Point{X: (5 + float64(2*k)/10) * s, Y: (3 + float64(2*k+1)/10) * s * 2}
		}
		t.Run(fmt.Sprint("stride ", stride), func(t *testing.T) {
			outputs := oneFace(level)
			var byGrid [][]float32
			for l := range 3 {
				byGrid = append(byGrid, outputs[l], outputs[3+l], outputs[6+l], outputs[9+l])
			}
			mixed, names := slices.Clone(outputs), slices.Clone(yunetNames)
			rand.New(rand.NewPCG(1, 1)).Shuffle(12, func(i, j int) {
				mixed[i], mixed[j], names[i], names[j] = mixed[j], mixed[i], names[j], names[i]
			})
			for order, net := range map[string]local.Network{
				"by kind":       &fake{outputs: outputs},
				"by grid":       &fake{outputs: byGrid},
				"by name":       &known{fake{outputs: mixed}, names},
				"unknown names": &known{fake{outputs: outputs}, make([]string, 12)},
			} {
				got, err := local.NewYuNet(net, 70).Find(t.Context(), square(320, 160))
				if diff := gocmp.Diff([]local.Face{want}, got, cmpopts.EquateApprox(0, 1e-6)); err != nil || diff != "" {
					t.Errorf("%s: err = %v (-want +got):\n%s", order, err, diff)
				}
			}
		})
	}
}

// decodeYuNet is the straightforward reading of OpenCV's FaceDetectorYNImpl::postProcess, for a picture of 640x640.
func decodeYuNet(outputs [][]float32, least float64) []local.Face {
	var all []local.Face
	for level, stride := range []float64{8, 16, 32} {
		side := int(640 / stride)
		for i := range side * side {
			clip := func(v float32) float64 { return min(max(float64(v), 0), 1) }
			score := math.Sqrt(clip(outputs[level][i]) * clip(outputs[3+level][i]))
			if !(score >= least) {
				continue
			}
			col, row, b := float64(i%side), float64(i/side), outputs[6+level][4*i:]
			w, h := math.Exp(float64(b[2]))*stride, math.Exp(float64(b[3]))*stride
			f := local.Face{Confidence: 100 * score, Box: local.Box{
				Left: (col+float64(b[0]))*stride - w/2, Top: (row+float64(b[1]))*stride - h/2, Width: w, Height: h,
			}}
			for k := range f.Landmarks {
				p := outputs[9+level][10*i+2*k:]
				f.Landmarks[k] = local.Point{X: (float64(p[0]) + col) * stride / 640, Y: (float64(p[1]) + row) * stride / 640}
			}
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b local.Face) int { return cmp.Compare(b.Confidence, a.Confidence) })
	var kept []local.Face
	for _, f := range all {
		if !slices.ContainsFunc(kept, func(k local.Face) bool { return overlap(k.Box, f.Box) > 0.3 }) {
			kept = append(kept, f)
		}
	}
	for i := range kept {
		b := &kept[i].Box
		left, top, right, bottom := b.Left/640, b.Top/640, (b.Left+b.Width)/640, (b.Top+b.Height)/640
		left, top, right, bottom = max(left, 0), max(top, 0), min(right, 1), min(bottom, 1)
		*b = local.Box{Left: left, Top: top, Width: right - left, Height: bottom - top}
	}
	return kept
}

// overlap is the intersection over union of two boxes.
func overlap(a, b local.Box) float64 {
	w := min(a.Left+a.Width, b.Left+b.Width) - max(a.Left, b.Left)
	h := min(a.Top+a.Height, b.Top+b.Height) - max(a.Top, b.Top)
	both := max(w, 0) * max(h, 0)
	return both / (a.Width*a.Height + b.Width*b.Height - both)
}

func TestYuNetAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		outputs := nothing()
		for i, o := range outputs {
			for j := range o {
				o[j] = 1.2*rng.Float32() - 0.1
				if i%3 == 0 && i < 6 {
					o[j] *= 0.8 // fewer of the smallest
				}
			}
		}
		got, err := local.NewYuNet(&fake{outputs: outputs}, 93).Find(t.Context(), square(640, 640))
		if err != nil {
			t.Fatal(err)
		}
		opts := gocmp.Options{
			gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() == ".Confidence" }, cmpopts.EquateApprox(0, 0.051)),
			gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() != ".Confidence" }, cmpopts.EquateApprox(0, 1e-5)),
		}
		want := decodeYuNet(outputs, 0.93)
		if len(want) < 20 {
			t.Fatalf("only %d faces", len(want))
		}
		// Scores that are one in float32 may differ in order.
		place := cmpopts.SortSlices(func(a, b local.Face) bool {
			return cmp.Or(cmp.Compare(a.Box.Left, b.Box.Left), cmp.Compare(a.Box.Top, b.Box.Top)) < 0
		})
		if diff := gocmp.Diff(want, got, opts, place); diff != "" {
			t.Fatalf("(-reference +got):\n%s", diff)
		}
	}
}

func TestUltraFace(t *testing.T) {
	scores, boxes := make([]float32, 8840), make([]float32, 17680)
	put := func(anchor int, score float32, box ...float32) {
		scores[2*anchor], scores[2*anchor+1] = 1-score, score
		copy(boxes[4*anchor:], box)
	}
	put(7, 0.8, 0.1, 0.2, 0.3, 0.6)
	put(8, 0.9, 0.11, 0.2, 0.31, 0.6) // the same, more certain
	put(9, 0.75, 0.9, -0.1, 1.2, 0.5) // cut by the edge
	put(10, 0.6, 0.5, 0.5, 0.6, 0.6)  // hardly one
	put(11, 0.99, 0.6, 0.5, 0.5, 0.6) // turned inside out
	put(12, float32(math.NaN()), 0.5, 0.5, 0.6, 0.6)
	want := []local.Face{
		{Box: local.Box{Left: 0.11, Top: 0.2, Width: 0.2, Height: 0.4}, Confidence: 90},
		{Box: local.Box{Left: 0.9, Top: 0, Width: 0.1, Height: 0.5}, Confidence: 75},
	}
	for name, outputs := range map[string][][]float32{"scores first": {scores, boxes}, "boxes first": {boxes, scores}} {
		got, err := local.NewUltraFace(&fake{outputs: outputs}, 70).Find(t.Context(), noise(64, 36))
		if diff := gocmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); err != nil || diff != "" {
			t.Errorf("%s: err = %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestFindErrors(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	short := nothing()
	short[4] = short[4][1:]
	nan := nothing()
	for _, o := range nan {
		for i := range o {
			o[i] = float32(math.NaN())
		}
	}
	noBox := oneFace(1)
	for _, box := range noBox[6:9] {
		for i := range box {
			box[i] = float32(math.NaN())
		}
	}
	ultra := [][]float32{make([]float32, 8840), make([]float32, 17680)}
	yunet := func(f fake) local.FaceFinder { return local.NewYuNet(&f, 70) }
	ultraface := func(f fake) local.FaceFinder { return local.NewUltraFace(&f, 70) }
	tests := []struct {
		name   string
		ctx    context.Context
		finder local.FaceFinder
		img    *image.RGBA
		want   error
	}{
		{"nobody", t.Context(), yunet(fake{outputs: nothing()}), noise(64, 36), nil},
		{"no picture", t.Context(), yunet(fake{outputs: nothing()}), nil, vision.ErrPicture},
		{"one pixel", t.Context(), yunet(fake{outputs: nothing()}), noise(1, 1), vision.ErrPicture},
		{"a huge band", t.Context(), yunet(fake{outputs: nothing()}), noise(20000, 2), nil},
		{"cancelled", cancelled, yunet(fake{outputs: nothing()}), noise(64, 36), context.Canceled},
		{"network fails", t.Context(), yunet(fake{err: broken}), noise(64, 36), broken},
		{"an output is short", t.Context(), yunet(fake{outputs: short}), noise(64, 36), vision.ErrPermanent},
		{"an output is missing", t.Context(), yunet(fake{outputs: nothing()[1:]}), noise(64, 36), vision.ErrPermanent},
		{"no numbers", t.Context(), yunet(fake{outputs: nan}), noise(64, 36), nil},
		{"no box", t.Context(), yunet(fake{outputs: noBox}), noise(64, 36), nil},
		{"nobody for UltraFace", t.Context(), ultraface(fake{outputs: ultra}), noise(64, 36), nil},
		{"no picture for UltraFace", t.Context(), ultraface(fake{outputs: ultra}), nil, vision.ErrPicture},
		{"cancelled UltraFace", cancelled, ultraface(fake{outputs: ultra}), noise(64, 36), context.Canceled},
		{"UltraFace fails", t.Context(), ultraface(fake{err: broken}), noise(64, 36), broken},
		{"no UltraFace", t.Context(), ultraface(fake{outputs: nothing()}), noise(64, 36), vision.ErrPermanent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.finder.Find(tt.ctx, tt.img)
			if !errors.Is(err, tt.want) || len(got) != 0 {
				t.Errorf("Find = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestInputs compares every network's input with a reading of its own preprocessing.
func TestInputs(t *testing.T) {
	normal := func(mean, deviation [3]float64) func(int, float64) float64 {
		return func(c int, v float64) float64 { return (v - mean[c]) / deviation[c] }
	}
	img := noise(100, 80)
	tests := []struct {
		name  string
		run   func(net local.Network) error
		size  image.Point // of the input
		at    image.Rectangle
		rgb   bool
		value func(plane int, v float64) float64
	}{
		{
			"yunet", func(n local.Network) error { _, err := local.NewYuNet(n, 50).Find(t.Context(), img); return err },
			image.Pt(640, 640), image.Rect(0, 0, 640, 512), false, func(_ int, v float64) float64 { return v },
		},
		{
			"ultraface", func(n local.Network) error { _, err := local.NewUltraFace(n, 50).Find(t.Context(), img); return err },
			image.Pt(320, 240), image.Rect(0, 0, 320, 240), true, func(_ int, v float64) float64 { return (v - 127) / 128 },
		},
		{
			"nanodet", func(n local.Network) error { _, err := local.NewNanoDet(n, 50).Detect(t.Context(), img); return err },
			image.Pt(416, 416), image.Rect(0, 42, 416, 374), false, normal([3]float64{103.53, 116.28, 123.675}, [3]float64{57.375, 57.12, 58.395}),
		},
		{
			"sface", func(n local.Network) error {
				_, err := local.NewSFace(n).Embed(t.Context(), noise(112, 112))
				return err
			},
			image.Pt(112, 112), image.Rect(0, 0, 112, 112), true, func(_ int, v float64) float64 { return v },
		},
		{
			"mobilefacenet", func(n local.Network) error {
				_, err := local.NewMobileFaceNet(n).Embed(t.Context(), noise(112, 112))
				return err
			},
			image.Pt(112, 112), image.Rect(0, 0, 112, 112), true, normal([3]float64{123.675, 116.28, 103.53}, [3]float64{58.395, 57.12, 57.375}),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			net, from := &fake{}, img
			if err := tt.run(net); !errors.Is(err, vision.ErrPermanent) {
				t.Fatalf("a network without outputs: %v", err)
			}
			if tt.size.X == 112 {
				from = noise(112, 112)
			}
			if len(net.input) != 3*tt.size.X*tt.size.Y {
				t.Fatalf("%d numbers", len(net.input))
			}
			worst := 0.0
			for i, got := range net.input {
				plane, x, y := i/(tt.size.X*tt.size.Y), i%tt.size.X, i/tt.size.X%tt.size.Y
				var rgb [3]float64
				if p := image.Pt(x, y); p.In(tt.at) {
					sx := (float64(x-tt.at.Min.X)+0.5)*float64(from.Rect.Dx())/float64(tt.at.Dx()) - 0.5
					sy := (float64(y-tt.at.Min.Y)+0.5)*float64(from.Rect.Dy())/float64(tt.at.Dy()) - 0.5
					rgb = bilinear(from, max(sx, 0), max(sy, 0))
				}
				v := rgb[plane]
				if !tt.rgb {
					v = rgb[2-plane]
				}
				worst = max(worst, math.Abs(tt.value(plane, v)-float64(got)))
			}
			if limit := 0.13 * math.Abs(tt.value(0, 1)-tt.value(0, 0)); worst > limit+1e-4 {
				t.Errorf("off by %v", worst)
			}
		})
	}
}
