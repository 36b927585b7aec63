package main

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
)

// faceOf is a face with an embedding of its own for each number.
func faceOf(n int) vision.Face {
	e := make([]float32, 8)
	e[n] = 1
	return vision.Face{Box: vision.Box{Left: 0.1 * float64(n), Width: 0.08, Height: 0.1}, Confidence: 99, Embedding: e, Sharpness: 500}
}

func sightOf(faces ...vision.Face) *vision.Sight { return &vision.Sight{Faces: faces} }

// boxed is a cloud's answer that names the faces given.
func boxed(faces map[string]vision.Face, more ...string) vision.Answer {
	a := vision.Answer{Source: timeline.SourceRekognition, Objects: entities("Couch")}
	for name, f := range faces {
		a.Celebrities = append(a.Celebrities, timeline.Entity{Name: name, Confidence: 90})
		a.Faces = append(a.Faces, vision.NamedFace{Box: f.Box, Who: timeline.Entity{Name: name, Confidence: 90}})
	}
	a.Celebrities = append(a.Celebrities, entities(more...)...)
	return a
}

func peopleOf(o *timeline.Observation) (out []string) {
	if o != nil {
		for _, e := range o.Celebrities {
			out = append(out, e.Name)
		}
	}
	return out
}

func whoHas(o *timeline.Observation, name string) bool { return slices.Contains(peopleOf(o), name) }

// TestLateAnswerAfterSomebodyLeft has X leave and Y, whom the gallery names, come before the cloud's answer about the
// picture with X.
func TestLateAnswerAfterSomebodyLeft(t *testing.T) {
	synctest.Test(t, lateAnswerAfterSomebodyLeft)
}

func lateAnswerAfterSomebodyLeft(t *testing.T) {
	x, y := faceOf(1), faceOf(2)
	y.Who = timeline.Entity{Name: "Y", ID: "y", Confidence: 80}
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		time.Sleep(200 * time.Millisecond)
		return boxed(map[string]vision.Face{"X": x}), nil
	})
	r := rig(t, vision.CloudFirst, cloud, tells(timeline.SourceONNX), vision.NewIdentities(0.363))
	first := asked(0, 1, true)
	first.look.verdict.Sight = sightOf(x)
	left := seen(3000, 1, false)
	left.look.verdict.Sight, left.look.verdict.People, left.look.verdict.Changed = sightOf(y), entities("Y"), true
	r.do(step{begin: segment(0, 2000)}, first, step{end: segment(0, 2000)}, step{begin: segment(2000, 4000)}, left, step{end: segment(2000, 4000)})
	within(t, "both are upgraded", 2*time.Second, func() bool {
		return r.source(0) == timeline.SourceRekognition && r.source(3000) == timeline.SourceRekognition
	})
	if d := cmp.Diff([][]string{{"X"}, {"Y"}}, [][]string{peopleOf(r.at(0)), peopleOf(r.at(3000))}); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestLateAnswerAfterASparedQuestion has a further question about the scene spared while the answer to the first is
// late: what is repeated since must be upgraded too.
func TestLateAnswerAfterASparedQuestion(t *testing.T) {
	synctest.Test(t, lateAnswerAfterASparedQuestion)
}

func lateAnswerAfterASparedQuestion(t *testing.T) {
	x := faceOf(1)
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		time.Sleep(200 * time.Millisecond)
		return boxed(map[string]vision.Face{"X": x}), nil
	})
	r := rig(t, vision.CloudFirst, cloud, tells(timeline.SourceONNX), vision.NewIdentities(0.363))
	r.asking.faces.Learn([]vision.Face{x}, boxed(map[string]vision.Face{"X": x})) // known from before
	first := asked(0, 1, true)
	first.look.verdict.Sight = sightOf(x)
	again := asked(3000, 1, false)
	again.look.verdict.Sight, again.look.verdict.Ask, again.look.verdict.Due = sightOf(x), vision.WantCelebrities, false
	back := seen(6000, 1, false)
	back.look.verdict.Sight, back.look.verdict.Changed, back.look.verdict.People = sightOf(x), true, entities("X")
	r.do(step{begin: segment(0, 2000)}, first, step{end: segment(0, 2000)}, step{begin: segment(2000, 4000)}, again, step{end: segment(2000, 4000)})
	for _, at := range []timeline.Position{0, 3000} {
		within(t, "upgraded at "+at.String(), 2*time.Second, func() bool {
			o := r.at(at)
			return o != nil && len(o.Objects) == 1 && o.Objects[0].Name == "Couch"
		})
	}
	r.do(step{begin: segment(4000, 8000)}, back, step{end: segment(4000, 8000)})
	if o := r.at(6000); o == nil || len(o.Objects) != 1 || o.Objects[0].Name != "Couch" {
		t.Errorf("repeated: %+v", o)
	}
}

// TestCelebrityWithoutALocalFace has the cloud name X, whose face local models know then, and Z, whose face they do not
// see: Z is there as long as the scene goes on.
func TestCelebrityWithoutALocalFace(t *testing.T) {
	x := faceOf(1)
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		a := boxed(map[string]vision.Face{"X": x}, "Z")
		if !p.Want.Has(vision.WantCelebrities) {
			a.Celebrities, a.Faces = nil, nil
		}
		return a, nil
	})
	r := rig(t, vision.CloudFirst, cloud, tells(timeline.SourceONNX), vision.NewIdentities(0.363))
	first := asked(0, 1, true)
	first.look.verdict.Sight = sightOf(x)
	next := seen(3000, 1, false) // the gate hears that X is X, which is a change
	next.look.verdict.Sight, next.look.verdict.People, next.look.verdict.Changed = sightOf(x), entities("X"), true
	object := asked(5000, 1, false)
	object.look.verdict.Sight, object.look.verdict.People = sightOf(x), entities("X")
	object.look.verdict.Ask, object.look.verdict.Due = vision.WantObjects, false
	gone := seen(7000, 1, false)
	gone.look.verdict.Sight, gone.look.verdict.Changed = sightOf(), true
	r.do(step{begin: segment(0, 2000)}, first, step{end: segment(0, 2000)}, step{begin: segment(2000, 9000)}, next, object, gone, step{end: segment(2000, 9000)})
	for _, at := range []timeline.Position{0, 3000, 5000, 7000} {
		if !whoHas(r.at(at), "Z") || whoHas(r.at(at), "X") != (at < 7000) {
			t.Errorf("at %v: %v", at, peopleOf(r.at(at)))
		}
	}
}

// TestWithoutIdentities is a box that finds faces and cannot tell them apart: an object that comes drops nobody.
func TestWithoutIdentities(t *testing.T) {
	x := faceOf(1)
	x.Embedding = nil
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		a := boxed(map[string]vision.Face{"X": x})
		if !p.Want.Has(vision.WantCelebrities) {
			a.Celebrities, a.Faces = nil, nil
		}
		return a, nil
	})
	r := rig(t, vision.CloudFirst, cloud, tells(timeline.SourceONNX), vision.NewIdentities(0))
	first := asked(0, 1, true)
	first.look.verdict.Sight = sightOf(x)
	object := asked(3000, 1, false)
	object.look.verdict.Sight, object.look.verdict.Ask, object.look.verdict.Due = sightOf(x), vision.WantObjects, false
	r.do(step{begin: segment(0, 2000)}, first, step{end: segment(0, 2000)}, step{begin: segment(2000, 4000)}, object, step{end: segment(2000, 4000)})
	if !whoHas(r.at(0), "X") || !whoHas(r.at(3000), "X") {
		t.Errorf("%v, %v", peopleOf(r.at(0)), peopleOf(r.at(3000)))
	}
}
