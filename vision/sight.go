package vision

import (
	"cmp"
	"context"
	"slices"

	"spotter/timeline"
)

// Box is a rectangle in a picture, in parts of its width and height from 0 to 1, as Rekognition gives it.
type Box struct {
	Left, Top, Width, Height float64
}

// Overlap returns the area common to b and c over that covered by either, 0 to 1.
func (b Box) Overlap(c Box) float64 {
	w := min(b.Left+b.Width, c.Left+c.Width) - max(b.Left, c.Left)
	h := min(b.Top+b.Height, c.Top+c.Height) - max(b.Top, c.Top)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (b.Width*b.Height + c.Width*c.Height - w*h)
}

// Face is a face that local models found in a picture.
type Face struct {
	Box Box
	// Confidence that it is a face, 0 to 100.
	Confidence float64
	// Embedding tells it from others: of L2 norm 1. It is nil where the face is too small or blurred to tell.
	Embedding []float32
	// Who is whose face it is by the gallery, without a name where that does not say.
	Who timeline.Entity
	// Sharpness is the variance of the Laplacian of the face.
	Sharpness float64
}

// Sight is what local models see in one picture, before any face has a name.
type Sight struct {
	// Objects has each name once, most confident first.
	Objects []timeline.Entity
	// Faces has the most confident first.
	Faces []Face
	// Places are where the objects are, most confident first: a name may be there several times, or not at all.
	Places []Place
}

// Place is where an object is in a picture.
type Place struct {
	// Name is that of one of the objects.
	Name string
	// Confidence is 0 to 100.
	Confidence float64
	Box        Box
}

// Looker looks at a picture with local models; p.JPEG may be nil. It may be called from several goroutines.
type Looker interface {
	See(ctx context.Context, p Picture) (Sight, error)
}

// Answer returns what is seen as a recogniser's answer: the named faces as celebrities.
func (s *Sight) Answer(source string) Answer {
	return Answer{Source: source, Celebrities: s.Named(), Objects: s.Objects, Places: s.Places}
}

// Named returns the people whose faces have a name, each once, most confident first.
func (s *Sight) Named() (people []timeline.Entity) {
	for _, f := range s.Faces {
		if f.Who.Name != "" {
			people = Union(people, []timeline.Entity{f.Who})
		}
	}
	return people
}

// Union returns the entities of both lists, each once with its highest confidence, most confident first. Entities are one
// by id where both have one, else by name. Neither list is changed.
func Union(a, b []timeline.Entity) []timeline.Entity {
	out := slices.Clone(a)
	for _, e := range b {
		i := slices.IndexFunc(out, func(o timeline.Entity) bool { return same(&o, &e) })
		switch {
		case i < 0:
			out = append(out, e)
		case e.Confidence > out[i].Confidence:
			out[i] = e
		}
	}
	slices.SortStableFunc(out, func(x, y timeline.Entity) int { return cmp.Compare(y.Confidence, x.Confidence) })
	return out
}
