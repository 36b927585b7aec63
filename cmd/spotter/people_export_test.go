package main

import (
	"image"
	"log/slog"

	"spotter/httpapi"
	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

// Opened is an httpapi.People that has to be closed.
type Opened interface {
	httpapi.People
	Close() error
}

// NewPeople returns the people of a gallery, whose photos these judge. closed is told of each end of them. unknowns may be nil.
func NewPeople(g *gallery.Gallery, u *gallery.Unknowns, finder local.FaceFinder, identity *local.Identity, closed func()) Opened {
	return &people{gallery: g, unknowns: u, log: slog.New(slog.DiscardHandler), open: func() (*enroller, func() error, error) {
		closing := func() error {
			closed()
			return nil
		}
		return &enroller{finder: finder, identity: identity, model: g.Model(), pixels: mostSentPixels}, closing, nil
	}}
}

// PeopleOf returns the people of a configuration file's box: nameless, or with its gallery and late binding. library is ONNX
// Runtime's.
func PeopleOf(path, library string, mode vision.Mode, nameless error) (Opened, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	r := &recognizers{mode: mode, nameless: nameless}
	if nameless != nil || !mode.UsesLocal() {
		return newPeople(&c, r, nil, log), nil
	}
	model, err := c.identityModel()
	if err != nil {
		return nil, err
	}
	if r.gallery, err = gallery.Open(c.galleryDir(), model); err != nil {
		return nil, err
	}
	b, err := newLateBinding(&c, r.gallery, nil, log)
	if err != nil {
		return nil, err
	}
	p := newPeople(&c, r, b, log)
	if library != "" {
		runtime, err := onnx.Open(library)
		if err != nil {
			return nil, err
		}
		p.open = func() (*enroller, func() error, error) {
			n := &networks{config: &c, runtime: runtime}
			finder, identity, _, err := n.faceNetworks()
			return &enroller{finder: finder, identity: identity, model: model, pixels: mostSentPixels}, n.Close, err
		}
	}
	return p, nil
}

// Hints returns what is said of a face, and how far it is turned.
func Hints(img *image.RGBA, face local.Face, width int, sharpness, bright float64, others int) ([]string, float64) {
	f := &found{face: face, img: img, others: others}
	return hintsOf(f, width, sharpness, bright), turnOf(f)
}
