package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

const (
	// leastFace is how many pixels a face must be wide: three quarters of the 112 that the identity networks look at.
	leastFace = 80
	// leastSharpness is the least variance of the Laplacian of a face aligned to 112 pixels. Photos of the kit have 176
	// to 1989. With half their detail they have 29 to 67, and their embeddings are still similar to the sharp ones by
	// 0.90 to 0.96; with a third, 19 to 38 and 0.61 to 0.85.
	leastSharpness = 40
	// goodSharpness lies between those photos and what half their detail leaves.
	goodSharpness = 100
	// leastBrightness is the least mean brightness of a face, of 255. None of the kit's photos to enrol people by is darker.
	leastBrightness = 45
	// mostTurn is how far the nose may be from the middle between the eyes, in parts of their distance: at 0.5 it stands
	// before one of them. Nobody is turned that far in the kit's photos to enrol people by.
	mostTurn = 0.35
	// rivalFace is the width of a second face, in parts of the first, from which it is not clear who is meant. Smaller
	// ones are bystanders.
	rivalFace = 0.5
	// alignedSide is the side of what the identity networks look at.
	alignedSide = 112
)

// enroller judges photos and turns them into what the gallery keeps.
type enroller struct {
	finder   local.FaceFinder
	identity *local.Identity
	model    gallery.Model
	pixels   int // the most that a photo may have
}

// portrait is a photo that is fit to recognise a person by.
type portrait struct {
	path  string
	width int // of the face, in pixels
	face  gallery.Face
	hints []string // what a better photo would have
}

// found is the face that a photo is of.
type found struct {
	face   local.Face
	img    *image.RGBA // that its place refers to
	others int         // smaller faces beside it
}

// look judges a photo. The error is unfit where the photo is, and else says why it could not be judged.
func (e *enroller) look(ctx context.Context, p photoFile) (portrait, error) {
	img, err := p.decode(ctx, e.pixels)
	if err != nil {
		return portrait{}, err
	}
	f, err := e.find(ctx, img)
	if err != nil {
		return portrait{}, err
	}
	width := int(pixelWidth(f.img, f.face))
	if width < leastFace {
		return portrait{}, unfit(fmt.Sprintf("the face is %d pixels wide: at least %d are needed: take a larger photo", width, leastFace))
	}
	aligned, err := local.Align(f.img, f.face, alignedSide)
	if err != nil {
		return portrait{}, unfitIfPicture(err)
	}
	sharpness := local.Sharpness(aligned)
	if sharpness < leastSharpness {
		return portrait{}, unfit(fmt.Sprintf("the face is blurred: its sharpness is %.0f, and at least %d is needed: take a sharper photo", sharpness, leastSharpness))
	}
	embedding, err := e.identity.Embed(ctx, aligned)
	if err != nil {
		return portrait{}, unfitIfPicture(err)
	}
	return portrait{
		path: p.path, width: width, hints: hintsOf(&f, width, sharpness, brightness(aligned)),
		face: gallery.Face{Model: e.model.Name, Version: e.model.Version, Photo: p.hash, Embedding: embedding},
	}, nil
}

// unfitIfPicture returns err as unfit where it is the picture's fault.
func unfitIfPicture(err error) error {
	if errors.Is(err, vision.ErrPicture) {
		return unfit(err.Error())
	}
	return err
}

// find returns the face that a photo is of: one that shows no face is tried again with room around it.
func (e *enroller) find(ctx context.Context, img *image.RGBA) (found, error) {
	faces, err := e.finder.Find(ctx, shrink(img, findSide))
	if err == nil && len(faces) == 0 {
		img = pad(shrink(img, padSide))
		faces, err = e.finder.Find(ctx, shrink(img, findSide))
	}
	if err != nil {
		return found{}, err
	}
	if len(faces) == 0 {
		return found{}, unfit("no face was found: take a photo from the front in which the whole face is to be seen")
	}
	largest := faces[0]
	for _, f := range faces {
		if pixelWidth(img, f) > pixelWidth(img, largest) {
			largest = f
		}
	}
	rivals := 0
	for _, f := range faces {
		if pixelWidth(img, f) >= rivalFace*pixelWidth(img, largest) {
			rivals++
		}
	}
	if rivals > 1 {
		return found{}, unfit(fmt.Sprintf("there are %d faces, and it is not clear who is meant: crop it to one", rivals))
	}
	return found{face: largest, img: img, others: len(faces) - 1}, nil
}

// hintsOf says what a better photo of a face would have.
func hintsOf(f *found, width int, sharpness, brightness float64) (hints []string) {
	if width < alignedSide {
		hints = append(hints, fmt.Sprintf("the face is small: %d pixels wide, and %d would be better", width, alignedSide))
	}
	if sharpness < goodSharpness {
		hints = append(hints, "the face is a little blurred: a sharper photo would be better")
	}
	if brightness < leastBrightness {
		hints = append(hints, "the face is dark: a photo in better light would be better")
	}
	if turnOf(f) > mostTurn {
		hints = append(hints, "the face is turned away: a photo from the front would be better")
	}
	if f.others > 0 {
		hints = append(hints, fmt.Sprintf("the photo has %d smaller faces: see that the largest one is meant, or crop it", f.others))
	}
	return hints
}

// turnOf returns how far the nose is from the middle between the eyes, in parts of their distance; 0 where the model does
// not say where they are.
func turnOf(f *found) float64 {
	if f.face.Landmarks == [5]local.Point{} {
		return 0
	}
	w, h := float64(f.img.Rect.Dx()), float64(f.img.Rect.Dy())
	right, left, nose := f.face.Landmarks[0], f.face.Landmarks[1], f.face.Landmarks[2]
	dx, dy := w*(left.X-right.X), h*(left.Y-right.Y)
	square := dx*dx + dy*dy
	if square == 0 {
		return 1
	}
	along := (w*(nose.X-right.X)*dx + h*(nose.Y-right.Y)*dy) / square // 0 at the right eye, 1 at the left one
	return max(along-0.5, 0.5-along)
}

// brightness returns a picture's mean brightness, 0 to 255, by ITU-R BT.601.
func brightness(img *image.RGBA) float64 {
	sum, n := 0, img.Rect.Dx()*img.Rect.Dy()
	for i := 0; i+3 < len(img.Pix); i += 4 {
		sum += 299*int(img.Pix[i]) + 587*int(img.Pix[i+1]) + 114*int(img.Pix[i+2])
	}
	return float64(sum) / 1000 / float64(max(n, 1))
}

// enrolled returns who is enrolled already under the id or name of a person, if anybody is. The error wraps
// gallery.ErrAmbiguous.
func enrolled(people *gallery.Gallery, who gallery.Person) (gallery.Person, error) {
	key := who.Name
	if who.ID != "" {
		key = who.ID
	}
	known, err := people.Find(key)
	if errors.Is(err, gallery.ErrAmbiguous) {
		return known, err
	}
	return known, nil
}

// doubts says which faces will be mistaken: photos that are unlike the person's other ones, and people who look alike or
// have the same name.
func doubts(people *gallery.Gallery, who gallery.Person, fit []portrait) (list []string) {
	misfits, similarity := who.Misfits(people.Model())
	for _, p := range fit {
		if i := slices.IndexFunc(misfits, func(f gallery.Face) bool { return f.Photo == p.face.Photo }); i >= 0 {
			list = append(list, fmt.Sprintf("%s is unlike every other photo of %s (%.2f): see that it shows the same person", p.path, who.Name, similarity[i]))
		}
	}
	for _, x := range people.Check(who) {
		list = append(list, fmt.Sprintf("%s: see that both have the right photos, and add more", x))
	}
	for _, p := range people.List() {
		if p.ID != who.ID && strings.EqualFold(p.Name, who.Name) {
			list = append(list, fmt.Sprintf("%s (%s) has the same name as %s (%s)", who.Name, who.ID, p.Name, p.ID))
		}
	}
	return list
}

// nameFace enrols an unknown face, or adds it to a person who is enrolled, and returns the person as kept and by how many
// looks of how many. The face stays among the unknown ones until a box has put the name into what was observed.
func nameFace(people *gallery.Gallery, unknowns *gallery.Unknowns, id string, who gallery.Person) (kept gallery.Person, looks, of int, err error) {
	face, err := unknowns.Find(id)
	if err != nil {
		return who, 0, 0, err
	}
	who.Faces = face.Portraits(people.Model())
	looks = len(who.Faces)
	kept, err = people.Add(who)
	return kept, looks, len(face.Sightings), err
}
