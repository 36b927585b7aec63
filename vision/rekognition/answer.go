package rekognition

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"spotter/timeline"
	"spotter/vision"
)

// people returns the celebrities of a reply, and all its faces that have a place in the picture.
func people(out *rekognition.RecognizeCelebritiesOutput) ([]timeline.Entity, []vision.NamedFace) {
	entities := make([]timeline.Entity, 0, len(out.CelebrityFaces))
	faces := make([]vision.NamedFace, 0, len(out.CelebrityFaces)+len(out.UnrecognizedFaces))
	for _, c := range out.CelebrityFaces {
		who := timeline.Entity{
			Name:       aws.ToString(c.Name),
			ID:         aws.ToString(c.Id),
			URLs:       c.Urls,
			Confidence: percent(c.MatchConfidence),
		}
		entities = append(entities, who)
		if who.Name == "" {
			who = timeline.Entity{}
		}
		faces = place(faces, c.Face, who)
	}
	for i := range out.UnrecognizedFaces {
		faces = place(faces, &out.UnrecognizedFaces[i], timeline.Entity{})
	}
	return ordered(entities), faces
}

// place adds a face if the reply says where it is.
func place(faces []vision.NamedFace, f *types.ComparedFace, who timeline.Entity) []vision.NamedFace {
	if f == nil {
		return faces
	}
	box, ok := within(f.BoundingBox)
	if !ok {
		return faces
	}
	return append(faces, vision.NamedFace{Box: box, Who: who})
}

// within returns the part of a box that is within the picture: what is at the edge reaches out of it. ok is false where there is none.
func within(b *types.BoundingBox) (box vision.Box, ok bool) {
	if b == nil {
		return box, false
	}
	left, top := float64(aws.ToFloat32(b.Left)), float64(aws.ToFloat32(b.Top))
	right, bottom := left+float64(aws.ToFloat32(b.Width)), top+float64(aws.ToFloat32(b.Height))
	left, top, right, bottom = max(left, 0), max(top, 0), min(right, 1), min(bottom, 1)
	return vision.Box{Left: left, Top: top, Width: right - left, Height: bottom - top}, left < right && top < bottom
}

// mostPlaces bounds where the objects of a reply are: a crowd is many people.
const mostPlaces = 100

// places returns where the objects of a reply are. Labels of scenes have no place.
func places(out *rekognition.DetectLabelsOutput) (list []vision.Place) {
	for i := range out.Labels {
		l := &out.Labels[i]
		for _, one := range l.Instances {
			if box, ok := within(one.BoundingBox); ok && aws.ToString(l.Name) != "" {
				list = append(list, vision.Place{Name: *l.Name, Confidence: percent(one.Confidence), Box: box})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b vision.Place) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return list[:min(len(list), mostPlaces)]
}

// things returns the labels of a reply.
func things(out *rekognition.DetectLabelsOutput) []timeline.Entity {
	entities := make([]timeline.Entity, 0, len(out.Labels))
	for _, l := range out.Labels {
		e := timeline.Entity{Name: aws.ToString(l.Name), Confidence: percent(l.Confidence)}
		for _, p := range l.Parents {
			e.Parents = appendName(e.Parents, p.Name)
		}
		for _, a := range l.Aliases {
			e.Aliases = appendName(e.Aliases, a.Name)
		}
		entities = append(entities, e)
	}
	return ordered(entities)
}

func appendName(names []string, name *string) []string {
	if n := aws.ToString(name); n != "" {
		names = append(names, n)
	}
	return names
}

// percent widens a confidence to three decimals, so that 99.1 does not become 99.0999984741211.
func percent(f *float32) float64 {
	p := min(max(float64(aws.ToFloat32(f)), 0), 100)
	return float64(int64(p*1000+0.5)) / 1000
}

// ordered returns the entities most confident first, each once: the same celebrity may be there twice, in a mirror or on
// a screen. Nameless ones are of no use to anyone.
func ordered(entities []timeline.Entity) []timeline.Entity {
	slices.SortStableFunc(entities, func(a, b timeline.Entity) int { return cmp.Compare(b.Confidence, a.Confidence) })
	seen := make(map[string]bool, len(entities))
	return slices.DeleteFunc(entities, func(e timeline.Entity) bool {
		key := cmp.Or(e.ID, e.Name)
		again := seen[key] || e.Name == ""
		seen[key] = true
		return again
	})
}
