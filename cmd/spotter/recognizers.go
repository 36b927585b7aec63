package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"spotter/models"
	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
	"spotter/vision/rekognition"
)

// recognizers are the recogniser that the configuration asks for and what has to be closed after it.
type recognizers struct {
	vision.Recognizer
	local    string           // source of local answers, empty where none are used
	why      string           // why local answers come from there
	gallery  *gallery.Gallery // who can be named locally, nil where nobody can
	nameless error            // why nobody can
	limited  *vision.Limited  // the cloud's budget, nil without the cloud
	close    []func() error
}

// newRecognizers builds what the configuration asks for. onFault hears of what the cloud failed at.
func newRecognizers(ctx context.Context, c *config, onFault func(error)) (*recognizers, error) {
	r := &recognizers{}
	mode := vision.Mode(c.Vision.Mode)
	if c.Vision.Rekognition == nil && mode != vision.CloudOnly {
		mode = vision.LocalOnly // no AWS section: the box runs by itself
	}
	var here, cloud vision.Recognizer
	var err error
	if mode.UsesLocal() {
		if here, err = r.openLocal(c); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	deadline := c.deadline()
	if mode.UsesCloud() {
		if cloud, err = r.openCloud(ctx, c.Vision.Rekognition); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if r.Recognizer, err = vision.NewFallback(mode, cloud, here, deadline, onFault); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close frees models and libraries.
func (r *recognizers) Close() error {
	var failed []error
	for i := len(r.close) - 1; i >= 0; i-- {
		failed = append(failed, r.close[i]())
	}
	return errors.Join(failed...)
}

func (r *recognizers) openCloud(ctx context.Context, c *rekognitionConfig) (vision.Recognizer, error) {
	cloud, err := rekognition.New(ctx, rekognition.Config{Region: c.Region, MaxLabels: c.MaxLabels, MinConfidence: c.MinConfidence})
	if err != nil {
		return nil, fmt.Errorf("open Rekognition: %w", err)
	}
	r.limited = vision.Limit(cloud, vision.Budget{
		CallsPerSecond:  c.CallsPerSecond,
		CallsPerPicture: rekognition.CallsPerPicture,
		USDPerHour:      c.USDPerHour,
		USDPerPicture:   rekognition.USDPerPicture,
	})
	return r.limited, nil
}

// openLocal opens the neural models, or OpenCV's cascades where auto finds the models or their library missing.
func (r *recognizers) openLocal(c *config) (vision.Recognizer, error) {
	l := c.Vision.Local
	if l.Recognizer != "classic" {
		y, err := r.openONNX(c)
		if err == nil {
			r.local, r.why = "onnx", l.Objects+" on ONNX Runtime"
			return y, nil
		}
		if l.Recognizer == "onnx" || errors.Is(err, onnx.ErrProvider) { // an accelerator is asked for by name
			return nil, err
		}
		r.why = fmt.Sprintf("OpenCV's cascades, because of the models: %v", err)
	} else {
		r.why = "OpenCV's cascades, as configured"
	}
	k, err := classic.New(classic.DefaultFolder)
	if err != nil {
		return nil, err
	}
	r.local, r.close = "classic", append(r.close, k.Close)
	return k, nil
}

// openONNX opens the objects' model and, where their models are in place, what names faces. Without names there are
// still objects; but where the configuration insists on these models, one that is altered is an error.
func (r *recognizers) openONNX(c *config) (vision.Recognizer, error) {
	n := &networks{config: c}
	objects, err := n.objects()
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	finder, identity, people, err := openFaces(n, c)
	if err != nil {
		if c.Vision.Local.Recognizer == "onnx" && !errors.Is(err, models.ErrMissing) {
			return nil, errors.Join(err, n.Close())
		}
		r.nameless = err
	}
	r.gallery, r.close = people, append(r.close, n.Close)
	var names local.Namer
	if people != nil {
		names = people
	}
	return local.NewRecognizer(objects, finder, identity, names), nil
}

// openFaces opens what finds and names faces. Faces are found where they cannot be named: err then says why not.
func openFaces(n *networks, c *config) (finder local.FaceFinder, identity *local.Identity, people *gallery.Gallery, err error) {
	if finder, err = n.faces(); err != nil {
		return nil, nil, nil, err
	}
	identity, model, err := n.identity()
	if err != nil {
		return finder, nil, nil, err
	}
	if people, err = gallery.Open(c.galleryDir(), model); err != nil {
		return finder, nil, nil, err
	}
	return finder, identity, people, nil
}

// log says which recognisers are in use.
func (r *recognizers) log(log *slog.Logger, c *config) {
	if r.local != "" {
		log.Info("local recogniser", "source", r.local, "is", r.why)
	}
	switch {
	case r.gallery != nil:
		log.Info("gallery", "people", len(r.gallery.List()), "model", r.gallery.Model().Name)
		for _, err := range r.gallery.Unused() {
			log.Warn("not used in the gallery", "error", err)
		}
	case r.nameless != nil:
		log.Info("nobody is named locally", "because", r.nameless)
	}
	if r.limited != nil {
		k := c.Vision.Rekognition
		log.Info("cloud recogniser", "source", "rekognition", "mode", c.Vision.Mode, "usd_per_hour", k.USDPerHour, "deadline", k.Deadline)
	}
}

func (c *config) galleryDir() string { return filepath.Join(c.DataDir, "gallery") }
