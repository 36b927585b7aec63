package main

import (
	"context"
	"image"
	"log/slog"

	"spotter/models/onnx"
	"spotter/timeline"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

// Parts of faces that its tests look at.
var (
	Orientation = orientation
	Turn        = turn
)

// LateBinding is the late binding of a configuration, with its gallery.
type LateBinding struct{ b *lateBinding }

// NewLateBinding opens the late binding that a configuration file asks for, with a gallery unless nameless.
func NewLateBinding(path string, nameless bool, store reviser, log *slog.Logger) (LateBinding, error) {
	c, err := loadConfig(path)
	if err != nil {
		return LateBinding{}, err
	}
	model, err := c.identityModel()
	if err != nil {
		return LateBinding{}, err
	}
	var people *gallery.Gallery
	if !nameless {
		if people, err = gallery.Open(c.galleryDir(), model); err != nil {
			return LateBinding{}, err
		}
	}
	b, err := newLateBinding(&c, people, store, log)
	return LateBinding{b}, err
}

func (l LateBinding) Sees(media string, at timeline.Position, embedding []float32) {
	l.b.sees(media, at, embedding)
}

func (l LateBinding) KeptSince(media string) (timeline.Position, bool) { return l.b.keptSince(media) }
func (l LateBinding) Run(ctx context.Context)                          { l.b.run(ctx) }

// Embeddings returns those of the faces of each picture by the models of a configuration file, on the library given.
func Embeddings(ctx context.Context, path, library string, pictures []*image.RGBA) (list [][][]float32, err error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	runtime, err := onnx.Open(library)
	if err != nil {
		return nil, err
	}
	n := &networks{config: &c, runtime: runtime}
	defer n.Close()
	finder, identity, _, err := openFaces(n, &c)
	if err != nil {
		return nil, err
	}
	for _, img := range pictures {
		faces, err := finder.Find(ctx, img)
		if err != nil {
			return nil, err
		}
		var of [][]float32
		for _, f := range faces {
			aligned, err := local.Align(img, f, alignedSide)
			if err != nil {
				return nil, err
			}
			e, err := identity.Embed(ctx, aligned)
			if err != nil {
				return nil, err
			}
			of = append(of, e)
		}
		list = append(list, of)
	}
	return list, nil
}
