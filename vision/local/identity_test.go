package local_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"spotter/vision"
	"spotter/vision/local"
)

// direction returns 128 numbers of which the given ones are first.
func direction(first ...float32) []float32 { return append(first, make([]float32, 128-len(first))...) }

func TestEmbed(t *testing.T) {
	for _, i := range []*local.Identity{
		local.NewSFace(&fake{outputs: [][]float32{direction(3, -4)}}),
		local.NewMobileFaceNet(&fake{outputs: [][]float32{direction(3, -4)}}),
	} {
		got, err := i.Embed(t.Context(), noise(112, 112))
		if err != nil || !slices.Equal(got, direction(0.6, -0.8)) {
			t.Errorf("%s: %v, %v", i.Name(), got, err)
		}
	}
}

func TestEmbedErrors(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	good := fake{outputs: [][]float32{direction(1)}}
	tests := []struct {
		name string
		ctx  context.Context
		net  fake
		side int
		want error
	}{
		{"fit", t.Context(), good, 112, nil},
		{"not aligned", t.Context(), good, 111, vision.ErrPicture},
		{"cancelled", cancelled, good, 112, context.Canceled},
		{"network fails", t.Context(), fake{err: broken}, 112, broken},
		{"another network", t.Context(), fake{outputs: [][]float32{make([]float32, 512)}}, 112, vision.ErrPermanent},
		{"two outputs", t.Context(), fake{outputs: [][]float32{direction(), direction()}}, 112, vision.ErrPermanent},
		{"no direction", t.Context(), fake{outputs: [][]float32{direction()}}, 112, vision.ErrPicture},
		{"no number", t.Context(), fake{outputs: [][]float32{direction(nan)}}, 112, vision.ErrPicture},
		{"infinite", t.Context(), fake{outputs: [][]float32{direction(inf)}}, 112, vision.ErrPicture},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := local.NewSFace(&tt.net).Embed(tt.ctx, noise(tt.side, tt.side))
			if !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := local.NewSFace(&good).Embed(t.Context(), nil); !errors.Is(err, vision.ErrPicture) {
		t.Errorf("no picture: %v", err)
	}
}
