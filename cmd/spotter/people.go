package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"spotter/httpapi"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local/gallery"
)

// seenGap is how long a face may be out of sight between two looks that are told as one stretch.
const seenGap = timeline.Position(10_000)

// people is httpapi.People on the gallery and the unknown faces of a box that runs: what changes here, recognition goes by
// at once.
type people struct {
	gallery  *gallery.Gallery  // nil where nobody can be named
	unknowns *gallery.Unknowns // nil where they are not kept
	off      error             // why there is no gallery
	log      *slog.Logger
	// open opens what judges photos, and returns what closes it.
	open func() (e *enroller, closing func() error, err error)

	judging sync.Mutex // held while a photo is judged
	judge   *enroller  // nil before the first photo
	closing func() error
	closed  bool

	comparing sync.Mutex // guards what follows
	confused  []httpapi.Confusion
	compared  uint64 // the gallery's version that confused is of
	once      bool   // it is of any
}

// newPeople returns the people of a box with these recognisers, whose late binding may be nil. The models that judge photos
// are opened with the first photo, in this process, and stay until Close.
func newPeople(c *config, r *recognizers, b *lateBinding, log *slog.Logger) *people {
	conf := *c // as the recognisers were opened by it
	p := &people{gallery: r.gallery, log: log}
	if r.gallery == nil {
		p.off = facesOff(c, r.mode, r.nameless)
	}
	if b != nil {
		p.unknowns = b.unknowns
	}
	p.open = func() (*enroller, func() error, error) {
		n := &networks{config: &conf}
		finder, identity, _, err := n.faceNetworks()
		if err != nil {
			return nil, nil, errors.Join(conf.withPull(err), n.Close())
		}
		return &enroller{finder: finder, identity: identity, model: r.gallery.Model(), pixels: mostSentPixels}, n.Close, nil
	}
	return p
}

// facesOff says why nobody is known by face, and the mend. why is what the decoder says, where it says anything.
func facesOff(c *config, mode vision.Mode, why error) error {
	pull := fmt.Sprintf("run `spotter models pull %s %s`", c.Vision.Local.Faces, c.Vision.Local.Identities)
	switch {
	case !mode.UsesLocal():
		return fmt.Errorf("nobody is known by face, for vision.mode is %s: set it to cloud-first, %s, and start the box anew", mode, pull)
	case c.Vision.Local.Recognizer == "classic":
		return fmt.Errorf("nobody is known by face, for vision.local.recognizer is classic: set it to auto, %s, and start the box anew", pull)
	case why != nil:
		return fmt.Errorf("nobody is known by face: %w: %s, see vision.local in the configuration, and start the box anew", why, pull)
	}
	return fmt.Errorf("nobody is known by face, for the models of vision.local are not in use: %s, and start the box anew", pull)
}

// Close frees the models, after the photo that is being judged.
func (p *people) Close() error {
	if p == nil {
		return nil
	}
	p.judging.Lock()
	defer p.judging.Unlock()
	p.closed, p.judge = true, nil
	if p.closing == nil {
		return nil
	}
	closing := p.closing
	p.closing = nil
	return closing()
}

// known reports whether anybody can be known by face here.
func (p *people) known() bool { return p != nil && p.gallery != nil }

// here returns an error where there is no gallery.
func (p *people) here() error {
	if p.gallery == nil {
		return fmt.Errorf("%w%w", blank{httpapi.ErrPeopleOff}, p.off)
	}
	return nil
}

// keepsUnknown returns an error where unknown faces are not kept.
func (p *people) keepsUnknown() error {
	if err := p.here(); err != nil {
		return err
	}
	if p.unknowns == nil {
		return fmt.Errorf("%w%w", blank{httpapi.ErrPeopleOff}, errNotKept)
	}
	return nil
}

// told returns a person as the API tells of them.
func (p *people) told(one *gallery.Person) httpapi.Person {
	return httpapi.Person{ID: one.ID, Name: one.Name, URLs: append([]string{}, one.URLs...), Faces: one.Uses(p.gallery.Model())}
}

// Gallery implements httpapi.People.
func (p *people) Gallery() (all httpapi.Gallery, err error) {
	if err := p.here(); err != nil {
		return all, err
	}
	for _, one := range p.gallery.List() {
		all.People = append(all.People, p.told(&one))
	}
	all.Confusions = p.confusions()
	return all, nil
}

// confusions compares all with all, once for each version of the gallery.
func (p *people) confusions() []httpapi.Confusion {
	p.comparing.Lock()
	defer p.comparing.Unlock()
	version := p.gallery.Version()
	if p.once && p.compared == version {
		return p.confused
	}
	var list []httpapi.Confusion
	for _, x := range p.gallery.Confusions() {
		list = append(list, httpapi.Confusion{A: x.Person.ID, B: x.Other.ID, Similarity: x.Similarity})
	}
	p.confused, p.compared, p.once = list, version, true
	return list
}

// RemovePerson implements httpapi.People.
func (p *people) RemovePerson(id string) error {
	if err := p.here(); err != nil {
		return err
	}
	_, err := p.gallery.RemoveID(id)
	if errors.Is(err, gallery.ErrNobody) {
		return fmt.Errorf("%w: %w", httpapi.ErrUnknownPerson, err)
	}
	if err == nil {
		p.log.Info("person removed from the gallery", "person", id)
	}
	return err
}

// UnknownFaces implements httpapi.People. Faces that the gallery names by now are left out: they only wait until their name
// is in what was observed.
func (p *people) UnknownFaces() (faces []httpapi.UnknownFace, err error) {
	if err := p.keepsUnknown(); err != nil {
		return nil, err
	}
	for _, one := range p.unknowns.List() {
		if p.named(&one) {
			continue
		}
		first, last := one.Sightings[0], one.Sightings[len(one.Sightings)-1]
		faces = append(faces, httpapi.UnknownFace{ID: one.ID, Seen: stretches(one.Sightings), First: first.At.UTC(), Last: last.At.UTC()})
	}
	return faces, nil
}

// named reports whether the gallery names every look at a face.
func (p *people) named(one *gallery.Unknown) bool {
	return !slices.ContainsFunc(one.Embeddings, func(e []float32) bool {
		_, _, ok := p.gallery.Name(e)
		return !ok
	})
}

// stretches returns where looks are that follow each other closely, media by media, by position.
func stretches(looks []gallery.Sighting) (list []httpapi.Seen) {
	looks = slices.Clone(looks)
	slices.SortStableFunc(looks, func(a, b gallery.Sighting) int {
		return cmp.Or(cmp.Compare(a.Media, b.Media), cmp.Compare(a.Position, b.Position))
	})
	for _, s := range looks {
		if n := len(list); n > 0 && list[n-1].Media == s.Media && s.Position-list[n-1].Until <= seenGap {
			list[n-1].Until = s.Position
			continue
		}
		list = append(list, httpapi.Seen{Media: s.Media, From: s.Position, Until: s.Position})
	}
	return list
}

// NameFace implements httpapi.People. The late binding notices that the gallery has changed.
func (p *people) NameFace(id string, who httpapi.PersonName) error {
	if err := p.keepsUnknown(); err != nil {
		return err
	}
	kept, looks, of, err := nameFace(p.gallery, p.unknowns, id, gallery.Person{ID: who.ID, Name: who.Name})
	if errors.Is(err, gallery.ErrNobody) {
		return fmt.Errorf("%w: %w", httpapi.ErrUnknownFace, err)
	}
	if err != nil {
		return refusal(err)
	}
	p.log.Info("unknown face enrolled", "unknown", id, "person", kept.ID, "by", looks, "of", of)
	return nil
}

// ForgetFace implements httpapi.People.
func (p *people) ForgetFace(id string) error {
	if err := p.keepsUnknown(); err != nil {
		return err
	}
	err := p.unknowns.Forget(id)
	if errors.Is(err, gallery.ErrNobody) {
		return fmt.Errorf("%w: %w", httpapi.ErrUnknownFace, err)
	}
	if err == nil {
		p.log.Info("unknown face forgotten", "unknown", id)
	}
	return err
}

// refusal returns the error of a person who cannot be enrolled so as one for who asked, and any other as it is.
func refusal(err error) error {
	if errors.Is(err, gallery.ErrPerson) || errors.Is(err, gallery.ErrAmbiguous) {
		return httpapi.Faults{withoutPrefix(err.Error())}
	}
	return err
}
