package fakeaws

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"

	"golang.org/x/image/draw"
)

// Scene is who and what the fake sees in one picture.
type Scene struct {
	Celebrities []Celebrity
	// Unrecognized are the faces of people who are no celebrities.
	Unrecognized []Box
	Labels       []Label
}

// Celebrity is one of RecognizeCelebrities' CelebrityFaces.
type Celebrity struct {
	Name            string
	ID              string
	URLs            []string
	MatchConfidence float64
	// Face is where the face is, left out of the reply where it is the zero Box.
	Face Box
}

// Label is one of DetectLabels' Labels.
type Label struct {
	Name             string
	Confidence       float64
	Parents, Aliases []string
	// Instances are where it is; labels of scenes have none.
	Instances []Box
}

// Box is a BoundingBox, in parts of the picture's width and height.
type Box struct{ Left, Top, Width, Height float64 }

// DefaultScene is what a Rekognition without a script sees, in the order in which it answers.
func DefaultScene() Scene {
	return Scene{
		Celebrities: []Celebrity{{
			Name: "Lin-Manuel Miranda", ID: "2eD8gZ1a", URLs: []string{"www.wikidata.org/wiki/Q1646482"}, MatchConfidence: 99.1,
			Face: Box{Left: 0.25, Top: 0.125, Width: 0.25, Height: 0.5},
		}},
		Labels: []Label{
			{Name: "Person", Confidence: 99.5, Aliases: []string{"Human"}},
			{Name: "Face", Confidence: 98.25, Parents: []string{"Head", "Person"}},
			{Name: "Couch", Confidence: 93.4, Parents: []string{"Furniture"}},
		},
	}
}

// Look is a scene and a picture of it.
type Look struct {
	Picture image.Image
	Scene   Scene
}

// ByLook returns what is to be set as Rekognition.See: the scene whose picture looks most like the one asked about, and
// an empty one where none is as near as the tolerance. That is the mean difference of colours, 0 to 255; pictures that
// were encoded anew or scaled differ by less than 5.
func ByLook(tolerance float64, looks ...Look) func(jpeg []byte) Scene {
	known := make([]look, len(looks))
	for i, l := range looks {
		known[i] = lookOf(l.Picture)
	}
	return func(b []byte) Scene {
		picture, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			return Scene{}
		}
		seen, best, nearest := lookOf(picture), Scene{}, math.Nextafter(tolerance, math.Inf(1))
		for i, k := range known {
			if d := k.distance(seen); d < nearest {
				best, nearest = looks[i].Scene, d
			}
		}
		return best
	}
}

// look is a picture of so few pixels that only its colours' places are left.
type look [9 * 16 * 3]uint8

func lookOf(picture image.Image) (l look) {
	small := image.NewRGBA(image.Rect(0, 0, 16, 9))
	draw.BiLinear.Scale(small, small.Rect, picture, picture.Bounds(), draw.Src, nil)
	for i := range len(l) / 3 {
		copy(l[3*i:], small.Pix[4*i:4*i+3])
	}
	return l
}

func (l look) distance(m look) float64 {
	sum := 0.0
	for i := range l {
		sum += math.Abs(float64(l[i]) - float64(m[i]))
	}
	return sum / float64(len(l))
}

// answer makes the body that answers a call about a scene, with the labels cut as its parameters ask; the service's own
// defaults are 55 % and no maximum.
func answer(c Call, s Scene) any {
	if c.Operation == RecognizeCelebrities {
		celebrities, others := []any{}, []any{}
		for _, who := range s.Celebrities {
			face := map[string]any{"Confidence": 99.9}
			if who.Face != (Box{}) {
				face["BoundingBox"] = who.Face
			}
			celebrities = append(celebrities, map[string]any{
				"Name": who.Name, "Id": who.ID, "Urls": append([]string{}, who.URLs...), "MatchConfidence": who.MatchConfidence, "Face": face,
			})
		}
		for _, box := range s.Unrecognized {
			others = append(others, map[string]any{"BoundingBox": box, "Confidence": 99.9})
		}
		return map[string]any{"CelebrityFaces": celebrities, "UnrecognizedFaces": others}
	}
	least := c.MinConfidence
	if least == 0 {
		least = 55
	}
	labels := []any{}
	for _, l := range s.Labels {
		if l.Confidence >= least && (c.MaxLabels == 0 || len(labels) < c.MaxLabels) {
			instances := []any{}
			for _, box := range l.Instances {
				instances = append(instances, map[string]any{"BoundingBox": box, "Confidence": l.Confidence})
			}
			labels = append(labels, map[string]any{
				"Name": l.Name, "Confidence": l.Confidence, "Parents": named(l.Parents), "Aliases": named(l.Aliases), "Instances": instances,
			})
		}
	}
	return map[string]any{"Labels": labels, "LabelModelVersion": "3.0"}
}

// named wraps names as the API does.
func named(names []string) []any {
	list := []any{}
	for _, n := range names {
		list = append(list, map[string]string{"Name": n})
	}
	return list
}
