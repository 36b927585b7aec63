package local

import (
	"cmp"
	"context"
	"slices"

	"spotter/timeline"
	"spotter/vision"
)

// Namer knows whose face an embedding shows. It may be used from several goroutines.
type Namer interface {
	// Name returns the person, with how sure that is as the entity's Confidence of 0 to 100, the similarity of -1 to 1
	// with the nearest known face, and whether it is near enough to say so. What Name returns is not changed.
	Name(embedding []float32) (timeline.Entity, float64, bool)
}

// Recognizer joins objects, faces and identities into one vision.Recognizer. It may be used from several goroutines.
type Recognizer struct {
	objects  ObjectFinder
	faces    FaceFinder
	identity *Identity
	names    Namer
}

// Sight is what the networks see in one picture, before any face has a name.
type Sight struct {
	Objects []Detection
	// Faces has the most confident first.
	Faces []SeenFace
}

// SeenFace is a face with what tells it from others. Both are zero where there is no identity network, where the face is
// one of too many, and where the embedding would say nothing of the person: the face is too small or blurred.
type SeenFace struct {
	Face
	// Embedding is of 128 numbers and L2 norm 1.
	Embedding []float32
	// Sharpness is Sharpness of the face as Align has it, but not enlarged.
	Sharpness float64
}

// NewRecognizer returns a recogniser that sees with the given networks. Without faces it names objects only; without
// identity it finds faces but does not tell them apart; without names nobody is named.
func NewRecognizer(objects ObjectFinder, faces FaceFinder, identity *Identity, names Namer) *Recognizer {
	return &Recognizer{objects: objects, faces: faces, identity: identity, names: names}
}

// Recognize names who and what is in p. Objects are looked for in p.Small, faces too; the faces that are small there
// are looked at again in p.JPEG, if it is larger. Where p.Sight is there already, that is the answer. The error is that of
// Look.
func (r *Recognizer) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	if p.Sight != nil {
		return p.Sight.Answer(timeline.SourceONNX), nil
	}
	s, err := r.Look(ctx, p)
	if err != nil {
		return vision.Answer{}, err
	}
	return r.Answer(s), nil
}

// See implements vision.Looker: it is Look, with the labels that Answer gives.
func (r *Recognizer) See(ctx context.Context, p vision.Picture) (vision.Sight, error) {
	s, err := r.Look(ctx, p)
	if err != nil {
		return vision.Sight{}, err
	}
	out := vision.Sight{Objects: objectsOf(s), Places: placesOf(s.Objects)}
	for _, f := range s.Faces {
		out.Faces = append(out.Faces, vision.Face{Box: f.Box, Confidence: f.Confidence, Embedding: f.Embedding, Sharpness: f.Sharpness})
	}
	return out, nil
}

// Look returns what is in p, without names. p.JPEG may be nil; then small faces are seen less well. The error wraps
// vision.ErrPicture for a picture of less than 2 by 2 pixels and vision.ErrPermanent for a network that is not of its
// kind.
func (r *Recognizer) Look(ctx context.Context, p vision.Picture) (Sight, error) {
	var s Sight
	var err error
	if s.Objects, err = r.objects.Detect(ctx, p.Small); err != nil || r.faces == nil {
		return s, err
	}
	faces, err := r.faces.Find(ctx, p.Small)
	if err != nil {
		return Sight{}, err
	}
	for _, f := range faces {
		s.Faces = append(s.Faces, SeenFace{Face: f})
	}
	if r.identity == nil {
		return s, nil
	}
	full := fullSize{picture: &p}
	for _, i := range largest(s.Faces) {
		if err := r.identify(ctx, &s.Faces[i], &full); err != nil {
			return Sight{}, err
		}
	}
	return s, nil
}

// maxFaces is how many faces of a picture are told apart: in a crowd, the largest. Each takes some 4 ms, and another 7
// when it has to be found again at full size.
const maxFaces = 10

// largest returns the indices of the largest faces.
func largest(faces []SeenFace) []int {
	order := make([]int, len(faces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(area(faces[b].Box), area(faces[a].Box)) })
	return order[:min(len(order), maxFaces)]
}

func area(b Box) float64 { return b.Width * b.Height }

const (
	// minFace is the least scale, in pixels of the source for one of the aligned face, at which a face is told from
	// others: 0.28 is a face of some 20 pixels width. Below that photos of one person fall under the threshold.
	minFace = 0.28
	// minSharpness is the Sharpness, of the face not enlarged, below which it is too blurred. On
	// short_hamilton_clip.mp4 people out of focus have 2 to 52, with two exceptions, and come as near to strangers as
	// 0.45; the singer has 205 to 1306, and six press photos 176 to 721.
	minSharpness = 80
)

// identify gives a face its sharpness and, if it is fit, its embedding.
func (r *Recognizer) identify(ctx context.Context, f *SeenFace, full *fullSize) error {
	img, at, err := full.source(ctx, f.Face, r.faces)
	if err != nil {
		return err
	}
	scale := at.sourceScale(img.Rect.Size())
	if !(scale >= minFace) { // nor where its landmarks make no face
		return nil
	}
	aligned, err := Align(img, at, templateSize)
	if err != nil {
		return err
	}
	sharp := aligned
	if scale < 1 { // what was enlarged is smooth, but not for that blurred
		if sharp, err = Align(img, at, int(templateSize*scale+0.5)); err != nil {
			return err
		}
	}
	if f.Sharpness = Sharpness(sharp); f.Sharpness < minSharpness {
		return nil
	}
	f.Embedding, err = r.identity.Embed(ctx, aligned)
	return err
}

// Answer names who and what was seen.
func (r *Recognizer) Answer(s Sight) vision.Answer {
	a := vision.Answer{Source: timeline.SourceONNX, Objects: objectsOf(s), Places: placesOf(s.Objects)}
	for _, f := range s.Faces {
		if r.names == nil || f.Embedding == nil {
			continue
		}
		if who, _, ok := r.names.Name(f.Embedding); ok {
			a.Celebrities = raise(a.Celebrities, who)
		}
	}
	sort(a.Celebrities)
	return a
}

// objectsOf returns the labels of what was seen. A face is a Face and a Person, as OpenCV's cascades and Rekognition
// have it.
func objectsOf(s Sight) []timeline.Entity {
	list := entities(s.Objects)
	for _, f := range s.Faces {
		for _, label := range []string{"Face", "Person"} {
			list = raise(list, vision.Object(label, f.Confidence))
		}
	}
	sort(list)
	return list
}

// placesOf returns where the objects are. Faces say themselves where they are.
func placesOf(list []Detection) []vision.Place {
	var places []vision.Place
	for _, d := range list {
		if d.Box.Width > 0 && d.Box.Height > 0 {
			places = append(places, vision.Place{Name: d.Label, Confidence: d.Confidence, Box: d.Box})
		}
	}
	return places
}

// raise adds e, or lifts the confidence of the entity of that name.
func raise(list []timeline.Entity, e timeline.Entity) []timeline.Entity {
	for i := range list {
		if list[i].Name == e.Name {
			list[i].Confidence = max(list[i].Confidence, e.Confidence)
			return list
		}
	}
	return append(list, e)
}

func sort(list []timeline.Entity) {
	slices.SortStableFunc(list, func(a, b timeline.Entity) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Name, b.Name))
	})
}
