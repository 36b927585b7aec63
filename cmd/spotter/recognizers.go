package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"spotter/models"
	"spotter/models/onnx"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
	"spotter/vision/rekognition"
)

// recognizers are the recogniser that the configuration asks for and what has to be closed after it.
type recognizers struct {
	mode       vision.Mode
	asker      *vision.Asker // for live pictures
	again      *vision.Asker // for those that the cloud missed, nil without the cloud
	looker     vision.Looker // looks at every sampled picture, nil without models
	findsFaces bool
	threshold  float64          // from which two faces are one person, 0 where faces are not told apart
	local      string           // source of local answers, empty where none are used
	why        string           // why local answers come from there
	gallery    *gallery.Gallery // who can be named locally, nil where nobody can
	nameless   error            // why nobody can
	purse      *vision.Purse    // what the cloud is paid from, nil without the cloud
	close      []func() error
}

// newRecognizers builds what the configuration asks for. Of the cloud's copy, which may be nil, it takes the bucket from which
// the cloud reads, and the pair that pays. The cloud's spending is entered in the ledger, which may be
// nil. onFault hears of what the cloud failed at.
func newRecognizers(ctx context.Context, c *config, copied *cloudCopy, ledger vision.Ledger, onFault func(error)) (*recognizers, error) {
	r := &recognizers{}
	mode := vision.Mode(c.Vision.Mode)
	if c.Vision.Rekognition == nil && mode != vision.CloudOnly {
		mode = vision.LocalOnly // no AWS section: the box runs by itself
	}
	r.mode = mode
	var here vision.Recognizer
	var cloud *rekognition.Recognizer
	var err error
	if mode.UsesLocal() {
		if here, err = r.openLocal(c); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if mode.UsesCloud() {
		if cloud, err = r.openCloud(ctx, c.Vision.Rekognition, copied, ledger, onFault); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if err := r.openAskers(cloud, here, copied, vision.AskOptions{Deadline: c.deadline(), OnFault: onFault}); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// patience is how many deadlines a cloud may take that has nobody beside it.
const patience = 5

// openAskers joins the recognisers as the mode says.
func (r *recognizers) openAskers(cloud *rekognition.Recognizer, here vision.Recognizer, copied *cloudCopy, o vision.AskOptions) (err error) {
	if cloud == nil {
		r.asker, err = vision.NewAsker(r.mode, nil, here, o)
		return err
	}
	if r.asker, err = vision.NewAsker(r.mode, copied.shared(cloud, true), here, live(r.mode, o)); err != nil {
		return err
	}
	r.again, err = vision.NewAsker(vision.CloudOnly, copied.shared(cloud.With(r.purse.Background()), false), nil, o)
	return err
}

// live returns the options for live pictures. Where nobody serves at the deadline, an answer that is late is better than none.
func live(m vision.Mode, o vision.AskOptions) vision.AskOptions {
	if !m.UsesLocal() {
		o.Deadline, o.Patience = patience*o.Deadline, (patience+1)*o.Deadline
	}
	return o
}

// nothing is the answer for a picture with nothing in it, which needs no asking.
func (r *recognizers) nothing() vision.Answer {
	if r.local == "" {
		return vision.Answer{Source: timeline.SourceRekognition}
	}
	return vision.Answer{Source: r.local}
}

// Close waits for what is under way and frees models and libraries.
func (r *recognizers) Close() error {
	for _, a := range []*vision.Asker{r.asker, r.again} {
		if a != nil {
			a.Close()
		}
	}
	var failed []error
	for i := len(r.close) - 1; i >= 0; i-- {
		failed = append(failed, r.close[i]())
	}
	return errors.Join(failed...)
}

func (r *recognizers) openCloud(ctx context.Context, c *rekognitionConfig, copied *cloudCopy, ledger vision.Ledger, onFault func(error)) (*rekognition.Recognizer, error) {
	purse, err := vision.NewPurse(vision.Budget{
		CallsPerSecond: c.CallsPerSecond,
		USDPerHour:     c.USDPerHour,
		USDPerCall:     rekognition.USDPerCall,
	}, ledger)
	if err != nil {
		return nil, fmt.Errorf("open the cloud's budget: %w", err)
	}
	cloud, err := rekognition.New(ctx, rekognition.Config{
		Region: c.Region, MaxLabels: c.MaxLabels, MinConfidence: c.MinConfidence, Purse: purse, Upload: copied.upload(c), OnFault: onFault,
	})
	if err != nil {
		return nil, fmt.Errorf("open Rekognition: %w", err)
	}
	r.purse = purse
	return cloud, nil
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
	r.gallery, r.findsFaces, r.close = people, finder != nil, append(r.close, n.Close)
	if identity != nil {
		r.threshold = identity.Threshold()
	}
	var names local.Namer
	if people != nil {
		names = people
	}
	y := local.NewRecognizer(objects, finder, identity, names)
	r.looker = y
	return y, nil
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
	if r.purse != nil {
		k := c.Vision.Rekognition
		log.Info("cloud recogniser", "source", "rekognition", "mode", c.Vision.Mode, "usd_per_hour", k.USDPerHour, "deadline", k.Deadline)
	}
}

func (c *config) galleryDir() string { return filepath.Join(c.DataDir, "gallery") }
