package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local/gallery"
	"spotter/vision/rekognition"
)

// recognizers are the recogniser that the configuration asks for and what has to be closed after it.
type recognizers struct {
	mode       vision.Mode
	asker      *vision.Asker // for live pictures
	again      *vision.Asker // for those that the cloud missed, nil without the cloud
	decoders   *decoders
	looks      bool // the decoders look at every sampled picture: there are models
	findsFaces bool
	threshold  float64          // from which two faces are one person, 0 where faces are not told apart
	local      string           // source of local answers, empty where none are used
	why        string           // why local answers come from there
	gallery    *gallery.Gallery // who can be named locally, nil where nobody can
	nameless   error            // why nobody can
	purse      *vision.Purse    // what the cloud is paid from, nil without the cloud
	cloud      *rekognition.Recognizer
}

// newRecognizers builds what the configuration asks for. Of the cloud's copy, which may be nil, it takes the bucket from which
// the cloud reads, and the pair that pays. The cloud's spending is entered in the ledger, which may be
// nil. onFault hears of what the cloud failed at.
func newRecognizers(ctx context.Context, c *config, copied *cloudCopy, ledger vision.Ledger, log *slog.Logger, onFault func(error)) (*recognizers, error) {
	r := &recognizers{}
	mode := vision.Mode(c.Vision.Mode)
	if c.Vision.Rekognition == nil && mode != vision.CloudOnly {
		mode = vision.LocalOnly // no AWS section: the box runs by itself
	}
	r.mode = mode
	var here vision.Recognizer
	var cloud *rekognition.Recognizer
	var err error
	if here, err = r.openDecoders(ctx, c, log); err != nil {
		return nil, errors.Join(err, r.Close())
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

// Close waits for what is under way and ends the decoders that no stream uses.
func (r *recognizers) Close() error {
	for _, a := range []*vision.Asker{r.asker, r.again} {
		if a != nil {
			a.Close()
		}
	}
	return r.decoders.Close()
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
	r.purse, r.cloud = purse, cloud
	return cloud, nil
}

// openDecoders starts the first decoder, to learn what it can do.
func (r *recognizers) openDecoders(ctx context.Context, c *config, log *slog.Logger) (here vision.Recognizer, err error) {
	if r.decoders, err = newDecoders(c, r.mode.UsesLocal(), log); err != nil {
		return nil, err
	}
	if !r.mode.UsesLocal() {
		return nil, nil // nothing is asked locally
	}
	first := recordingID
	if len(c.Media) > 0 {
		first = c.Media[0].ID
	}
	g, err := r.decoders.greet(ctx, first)
	if err != nil {
		return nil, err
	}
	r.local, r.why, r.looks, r.findsFaces, r.threshold = g.Source, g.Why, g.Looks, g.FindsFaces, g.Threshold
	if g.Nameless != "" {
		r.nameless = errors.New(g.Nameless)
	}
	if g.Threshold > 0 {
		if err := r.openGallery(c); err != nil {
			return nil, err
		}
	}
	return &locally{decoders: r.decoders, source: r.local, names: r.gallery}, nil
}

// openGallery opens who can be named. Without it faces have no names, which only is an error where the configuration
// insists on the models.
func (r *recognizers) openGallery(c *config) error {
	model, err := c.identityModel()
	if err == nil {
		r.gallery, err = gallery.Open(c.galleryDir(), model)
	}
	if err != nil && c.Vision.Local.Recognizer == "onnx" {
		return err
	}
	r.nameless = err
	return nil
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

func (c *config) galleryDir() string { return filepath.Join(c.DataDir, galleryFolder) }
