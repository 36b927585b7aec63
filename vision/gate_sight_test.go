package vision_test

import (
	"context"
	"image"
	"math"
	"testing"
	"time"

	"spotter/timeline"
	"spotter/vision"
)

// sights is a Looker that sees what a script says, one line a picture.
type sights struct {
	script []vision.Sight
	looks  int
}

func (s *sights) See(context.Context, vision.Picture) (vision.Sight, error) {
	s.looks++
	return s.script[s.looks-1], nil
}

func things(names ...string) (s vision.Sight) {
	for _, n := range names {
		confidence := 90.0
		if n[0] == '?' {
			n, confidence = n[1:], 55
		}
		s.Objects = append(s.Objects, timeline.Entity{Name: n, Confidence: confidence})
	}
	return s
}

// face is that of person n, alike to itself and to nobody else, seen at an angle that makes it a little different each time.
func face(n int, angle float64) vision.Face {
	e := make([]float32, 128)
	e[n] = float32(math.Cos(angle))
	e[n+64] = float32(math.Sin(angle))
	return vision.Face{Box: vision.Box{Left: 0.1 * float64(n), Top: 0.2, Width: 0.08, Height: 0.15}, Confidence: 95, Embedding: e, Sharpness: 300}
}

func faces(list ...vision.Face) vision.Sight {
	s := things("Face", "Person")
	s.Faces = list
	return s
}

func TestGateSees(t *testing.T) {
	for _, x := range []struct {
		name   string
		script []vision.Sight
		asked  []int
	}{
		{"nothing new", []vision.Sight{things("Couch"), things("Couch"), things("Couch"), things("Couch")}, []int{0}},
		{"an object comes", []vision.Sight{things("Couch"), things("Couch"), things("Couch"), things("Couch", "Dog"), things("Couch", "Dog")}, []int{0, 3}},
		{"an uncertain object comes", []vision.Sight{things("Couch"), things("Couch"), things("Couch"), things("Couch", "?Dog"), things("Couch", "?Dog"), things("Couch")}, []int{0, 4}},
		{"an object goes", []vision.Sight{things("Couch", "Dog"), things("Couch", "Dog"), things("Couch", "Dog"), things("Couch"), things("Couch"), things("Couch")}, []int{0, 4}},
		{"a detector blinks", []vision.Sight{things("Couch", "Dog"), things("Couch", "Dog"), things("Couch"), things("Couch", "Dog"), things("Couch"), things("Couch", "Dog"), things("Couch", "Dog")}, []int{0}},
		{"an unknown face comes", []vision.Sight{faces(), faces(face(1, 0)), faces(face(1, 0)), faces(face(1, 0.1)), faces(face(1, 0), face(2, 0)), faces(face(2, 0.2))}, []int{0, 4}},
		{"a known face comes back", []vision.Sight{faces(face(1, 0)), faces(face(1, 0)), faces(), faces(), faces(face(1, 0.2)), faces(face(1, 0))}, []int{0}},
	} {
		t.Run(x.name, func(t *testing.T) {
			o := vision.GateOptions{MaxScene: 30 * time.Second, Looker: &sights{script: x.script}, Identities: vision.NewIdentities(0.4)}
			asked, _, _ := play(t, o, 2, still(shot(1), len(x.script)))
			equal(t, "asked", asked, x.asked)
		})
	}
}

// TestGateLooksThroughMovement is a camera that turns: with models to say what is in the picture, that alone is not new.
func TestGateLooksThroughMovement(t *testing.T) {
	var script []vision.Sight
	pan := repeat(16, func(i int) *image.RGBA { script = append(script, things("Person")); return moved(shot(1), 20*i) })
	asked, _, _ := play(t, vision.GateOptions{Looker: &sights{script: script}}, 2, pan)
	equal(t, "asked", asked, []int{0})
}

// TestKnownPeopleChange is a change of who is on screen that nobody need be asked about.
func TestKnownPeopleChange(t *testing.T) {
	ann := func(f vision.Face) vision.Face { f.Who = timeline.Entity{Name: "Ann", Confidence: 90}; return f }
	script := []vision.Sight{faces(ann(face(1, 0)), face(2, 0)), faces(ann(face(1, 0)), face(2, 0)), faces(face(2, 0)), faces(face(2, 0)), faces(ann(face(1, 0)), face(2, 0))}
	o := vision.GateOptions{Looker: &sights{script: script}, Identities: vision.NewIdentities(0.4)}
	asked, repeated, _ := play(t, o, 2, still(shot(1), len(script)))
	equal(t, "asked", asked, []int{0})
	equal(t, "changed", repeated, []int{3, 4})
}

// TestTurnedHead has somebody turn away: the face in his place that is like nobody's is still his, and one elsewhere is not.
func TestTurnedHead(t *testing.T) {
	ann := face(1, 0)
	ann.Who = timeline.Entity{Name: "Ann", Confidence: 90}
	aside, elsewhere := face(3, 0), face(3, 0)
	aside.Box = ann.Box
	aside.Box.Left += 0.05
	for _, x := range []struct {
		name   string
		last   vision.Face
		change []int
	}{
		{"in his place", aside, nil},
		{"elsewhere", elsewhere, []int{3}},
	} {
		t.Run(x.name, func(t *testing.T) {
			script := []vision.Sight{faces(ann), faces(ann), faces(x.last), faces(x.last), faces(x.last), faces(x.last)}
			o := vision.GateOptions{Looker: &sights{script: script}}
			_, changed, _ := play(t, o, 2, still(shot(1), len(script)))
			equal(t, "changed", changed, x.change)
		})
	}
}
