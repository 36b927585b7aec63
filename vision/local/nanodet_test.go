package local_test

import (
	"context"
	"errors"
	"math"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local"
)

var (
	_ local.ObjectFinder = (*local.NanoDet)(nil)
	_ local.ObjectFinder = (*local.YOLOX)(nil)
	_ vision.Recognizer  = (*local.NanoDet)(nil)
)

// noObjects returns NanoDet's outputs for an empty picture, in the model's order.
func noObjects() [][]float32 {
	var outputs [][]float32
	for _, numbers := range []int{80, 32} {
		for _, side := range []int{52, 26, 13} {
			outputs = append(outputs, make([]float32, side*side*numbers))
		}
	}
	return outputs
}

// put lets NanoDet see a thing at an anchor: its four sides are at the given whole numbers of strides.
func put(outputs [][]float32, level, anchor, class int, score float32, sides [4]int) {
	outputs[level][80*anchor+class] = score
	for i, s := range sides {
		outputs[3+level][32*anchor+8*i+s] = 100 // all others have odds of e^-100
	}
}

func TestNanoDet(t *testing.T) {
	outputs := noObjects()
	put(outputs, 0, 26*52+26, 57, 0.7, [4]int{1, 2, 3, 4}) // a couch at 211.5, 211.5
	put(outputs, 0, 26*52+27, 57, 0.6, [4]int{2, 2, 2, 4}) // the same one
	outputs[0][80*(26*52+26)+2] = 0.65                     // less a car than a couch
	put(outputs, 1, 10*26+3, 16, 0.8, [4]int{7, 1, 1, 1})  // a dog, cut by the edge, at 55.5, 167.5
	put(outputs, 2, 6*13+6, 0, 0.9, [4]int{1, 1, 1, 1})    // a person at 207.5, 207.5
	put(outputs, 2, 5, 0, 0.49, [4]int{1, 1, 1, 1})        // hardly one
	put(outputs, 2, 8, 0, 0.9, [4]int{0, 0, 0, 0})         // of no size
	outputs[2][80*100] = float32(math.NaN())               // of no number
	put(outputs, 2, 160, 0, 0.9, [4]int{1, 1, 1, 1})       // below the picture, so of no height there
	// A picture of 416x208 lies 104 below the top.
	box := func(left, top, right, bottom float64) local.Box {
		return local.Box{Left: left / 416, Top: (top - 104) / 208, Width: (right - left) / 416, Height: (bottom - top) / 208}
	}
	want := []local.Detection{
		{Label: "Person", Confidence: 90, Box: box(175.5, 175.5, 239.5, 239.5)},
		{Label: "Dog", Confidence: 80, Box: box(0, 151.5, 71.5, 183.5)},
		{Label: "Couch", Confidence: 70, Box: box(203.5, 195.5, 235.5, 243.5)},
	}
	n := local.NewNanoDet(&fake{outputs: outputs}, 50)
	got, err := n.Detect(t.Context(), square(416, 208))
	if diff := gocmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); err != nil || diff != "" {
		t.Errorf("err = %v (-want +got):\n%s", err, diff)
	}
	answer, err := n.Recognize(t.Context(), vision.Picture{Small: square(416, 208)})
	named := vision.Answer{Source: timeline.SourceONNX, Objects: []timeline.Entity{
		vision.Object("Person", 90), vision.Object("Dog", 80), vision.Object("Couch", 70),
	}}
	if diff := gocmp.Diff(named, answer); err != nil || diff != "" {
		t.Errorf("err = %v (-want +got):\n%s", err, diff)
	}
}

func TestNanoDetErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("broken")
	nan := noObjects()
	put(nan, 1, 1, 1, 0.9, [4]int{1, 1, 1, 1})
	for i := range nan[4] {
		nan[4][i] = float32(math.NaN())
	}
	tests := []struct {
		name string
		ctx  context.Context
		net  fake
		side int
		want error
	}{
		{"nothing", t.Context(), fake{outputs: noObjects()}, 8, nil},
		{"no box", t.Context(), fake{outputs: nan}, 8, nil},
		{"one pixel", t.Context(), fake{outputs: noObjects()}, 1, vision.ErrPicture},
		{"cancelled", cancelled, fake{outputs: noObjects()}, 8, context.Canceled},
		{"fails", t.Context(), fake{err: broken}, 8, broken},
		{"another network", t.Context(), fake{outputs: noObjects()[1:]}, 8, vision.ErrPermanent},
		{"two of one size", t.Context(), fake{outputs: append(noObjects(), make([]float32, 13*13*80))}, 8, vision.ErrPermanent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := local.NewNanoDet(&tt.net, 50).Detect(tt.ctx, noise(tt.side, tt.side))
			if !errors.Is(err, tt.want) || len(got) != 0 {
				t.Errorf("Detect = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}
