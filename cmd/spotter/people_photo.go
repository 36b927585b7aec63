package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"spotter/httpapi"
	"spotter/models"
	"spotter/models/onnx"
	"spotter/vision/local/gallery"
)

// mostSentPixels is the most of a photo that was sent. Decoding one takes up to 30 bytes a pixel for a moment, in a process
// that has streams to watch.
const mostSentPixels = 24_000_000

// sentPhoto is what a photo that was sent is called in messages.
const sentPhoto = "the photo"

// errStopping is returned for a photo that comes after Close.
var errStopping = errors.New("the box is stopping")

// AddPhoto implements httpapi.People. Unlike media, a photo is decoded in this process: by Go's own decoders, in which no
// pixel can reach memory that is not its own, and never by C. The networks then see numbers of a fixed size. What is left to a
// hostile photo is time and memory, which ctx and mostSentPixels bound, one photo after the other.
func (p *people) AddPhoto(ctx context.Context, who httpapi.PersonName, content []byte) (httpapi.AddedPhoto, error) {
	if err := p.here(); err != nil {
		return httpapi.AddedPhoto{}, err
	}
	person := gallery.Person{ID: who.ID, Name: who.Name}
	known, err := enrolled(p.gallery, person)
	if err != nil {
		return httpapi.AddedPhoto{}, refusal(err)
	}
	photo := newPhoto(sentPhoto, content)
	if known.Has(photo.hash, p.gallery.Model()) && strings.EqualFold(known.Name, person.Name) {
		return httpapi.AddedPhoto{Person: p.told(&known), Hints: []string{"this photo is there already: another one would add to it"}}, nil
	}
	fit, err := p.look(ctx, photo)
	if err != nil {
		return httpapi.AddedPhoto{}, err
	}
	person.Faces = []gallery.Face{fit.face}
	if person, err = p.gallery.Add(person); err != nil {
		return httpapi.AddedPhoto{}, refusal(err)
	}
	p.log.Info("photo added to the gallery", "person", person.ID, "faces", len(person.Faces))
	return httpapi.AddedPhoto{Person: p.told(&person), Hints: append(fit.hints, doubts(p.gallery, person, []portrait{fit})...)}, nil
}

// look judges one photo at a time. The error is httpapi.Faults where it is unfit.
func (p *people) look(ctx context.Context, photo photoFile) (portrait, error) {
	p.judging.Lock()
	defer p.judging.Unlock()
	if p.closed {
		return portrait{}, errStopping
	}
	if p.judge == nil {
		var err error
		if p.judge, p.closing, err = p.open(); err != nil {
			return portrait{}, withoutModels(err)
		}
	}
	fit, err := p.judge.look(ctx, photo)
	if u, ok := errors.AsType[unfit](err); ok {
		return portrait{}, httpapi.Faults{string(u)}
	}
	if err != nil {
		return portrait{}, fmt.Errorf("judge the photo: %w", err)
	}
	return fit, nil
}

// withoutModels says of models or a library that have gone since the box was started that faces are off.
func withoutModels(err error) error {
	if errors.Is(err, models.ErrMissing) || errors.Is(err, models.ErrAltered) || errors.Is(err, onnx.ErrNoLibrary) {
		return fmt.Errorf("%w%w", blank{httpapi.ErrPeopleOff}, err)
	}
	return err
}

// withoutPrefix leaves out what the gallery was doing, which who asked knows.
func withoutPrefix(message string) string { return strings.TrimPrefix(message, "add to gallery: ") }
