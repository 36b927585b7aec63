//go:build bench && !noonnx

package gatebench_test

import (
	"context"
	"image"
	"math"
	"time"

	"spotter/internal/gatebench"
	"spotter/timeline"
	"spotter/vision"
)

const (
	maxScene = 30 * time.Second
	// segment is how many seconds of pictures come together, as from a live stream; a scene's sharpest picture is
	// waited for no longer.
	segment = 6
)

// layers says which of the gate's layers are at work.
type layers struct {
	name             string
	pictures, models bool
}

// gate is the gate and what the program does with its verdicts, but for the store and the clock.
type gate struct {
	*bench
	layers
	sensitivity float64
}

// Name implements gatebench.Approach.
func (g gate) Name() string { return g.name }

// gateCurve is the gate from dull to nervous. What the models see is judged the same at all sensitivities.
func (b *bench) gateCurve(l layers) gatebench.Curve {
	values := []float64{0.3, 0.5, 0.7, 1, 1.4, 2, 4}
	if !l.pictures {
		values = []float64{1}
	}
	return gatebench.NewCurve(l.name, "sensitivity", 1, values, func(s float64) gatebench.Approach { return gate{b, l, s} })
}

// Tell implements gatebench.Approach.
func (g gate) Tell(ctx context.Context, s *gatebench.Stream, r *gatebench.Reference) ([]gatebench.Answer, int, error) {
	a := &asking{stream: s, reference: r, told: make([]gatebench.Answer, len(s.Frames)), known: map[int]gatebench.Answer{}}
	o := vision.GateOptions{MaxScene: maxScene, Sensitivity: g.sensitivity}
	if g.models {
		a.looker = &frameLooker{bench: g.bench}
		a.faces = vision.NewIdentities(g.identity.Threshold())
		o.Looker, o.Identities = a.looker, a.faces
	}
	v, blank := vision.NewGate(o), plain()
	for i := range s.Frames {
		f := &s.Frames[i]
		small := f.Small
		if !g.pictures {
			small = blank // the first layer sees one scene without end
		}
		if a.looker != nil {
			a.looker.frame = f
		}
		var p *vision.Picture
		if v.Admit(ctx, f.At, small) {
			p = &vision.Picture{Small: f.Small, JPEG: f.JPEG, Width: f.Width, Height: f.Height}
		}
		events := a.scenes.Take(v.Verdict(), p)
		if (i+1)%segment == 0 || i == len(s.Frames)-1 {
			events = append(events, a.scenes.Flush()...)
		}
		for _, e := range events {
			if err := a.event(ctx, e); err != nil {
				return nil, 0, err
			}
		}
	}
	return a.told, a.calls, g.looks.Save()
}

// plain is a picture with something in it that never changes.
func plain() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for i := range m.Pix {
		m.Pix[i] = uint8(128 + 100*math.Sin(float64(i)/997))
	}
	return m
}

// asking asks about a stream's scenes and repeats what is known of them, as the program does.
type asking struct {
	stream    *gatebench.Stream
	reference *gatebench.Reference
	looker    *frameLooker       // nil without local models
	faces     *vision.Identities // nil without local models
	scenes    vision.Scenes
	known     map[int]gatebench.Answer // by scene
	told      []gatebench.Answer
	calls     int
}

// event does what an event wants done, and tells it of all frames from there on.
func (a *asking) event(ctx context.Context, e vision.Event) error {
	var now gatebench.Answer
	old, asked := a.known[e.Scene]
	switch {
	case e.Scene == 0:
	case e.Ask == 0:
		now = old
		now.Celebrities = a.onScreen(old.Celebrities, e)
	default:
		if !asked {
			e.Ask = vision.WantAll
		}
		var err error
		if now, err = a.ask(ctx, e, old); err != nil {
			return err
		}
		a.known[e.Scene] = now
	}
	for i := range a.stream.Frames {
		if a.stream.Frames[i].At >= e.From {
			a.told[i] = now
		}
	}
	return nil
}

// ask asks what is worth asking about an event's picture; the rest is of what was known.
func (a *asking) ask(ctx context.Context, e vision.Event, now gatebench.Answer) (gatebench.Answer, error) {
	n, sight := a.frame(e.Picture), e.Sight
	answer := a.reference.Answers[n]
	if sight != nil {
		a.looker.frame = &a.stream.Frames[n]
		full, err := a.looker.See(ctx, e.Picture)
		if err != nil {
			return now, err
		}
		sight = &full
		if _, ask := a.faces.Known(sight.Faces); !ask {
			e.Ask &^= vision.WantCelebrities
		}
		if e.Ask.Has(vision.WantCelebrities) {
			a.faces.Learn(sight.Faces, cloud(answer))
		}
		now.Celebrities = a.named(e.People, sight)
	}
	a.calls += e.Ask.Calls()
	if e.Ask.Has(vision.WantCelebrities) {
		now.Celebrities = answer.Celebrities
	}
	if e.Ask.Has(vision.WantObjects) {
		now.Objects = answer.Objects
	}
	return now, nil
}

// frame returns the number of the frame whose picture p is.
func (a *asking) frame(p vision.Picture) int {
	for i := range a.stream.Frames {
		if a.stream.Frames[i].Small == p.Small {
			return i
		}
	}
	panic("a picture that was not given")
}

// cloud is the answer as Rekognition gives it.
func cloud(a gatebench.Answer) vision.Answer {
	v := vision.Answer{Source: timeline.SourceRekognition}
	for _, name := range a.Celebrities {
		v.Celebrities = append(v.Celebrities, timeline.Entity{Name: name, Confidence: 99})
	}
	for _, f := range a.Faces {
		v.Faces = append(v.Faces, vision.NamedFace{
			Box: vision.Box{Left: f.Left, Top: f.Top, Width: f.Width, Height: f.Height},
			Who: timeline.Entity{Name: f.Name, Confidence: 99},
		})
	}
	return v
}

// onScreen returns who of a scene is on screen, as far as the faces now in it tell.
func (a *asking) onScreen(celebrities []string, e vision.Event) []string {
	if e.Sight == nil {
		return celebrities
	}
	now := a.named(e.People, e.Sight)
	told := len(e.Sight.Faces) > 0
	for _, f := range e.Sight.Faces {
		told = told && f.Embedding != nil
	}
	if !told {
		now = union(celebrities, now)
	}
	return now
}

// named returns whom the cloud has named of the faces in a picture, and whom the gate takes to be on screen.
func (a *asking) named(people []timeline.Entity, s *vision.Sight) (names []string) {
	known, _ := a.faces.Known(s.Faces)
	for _, e := range vision.Union(known, people) {
		names = append(names, e.Name)
	}
	return names
}

func union(a, b []string) []string {
	seen, out := map[string]bool{}, []string{}
	for _, list := range [][]string{a, b} {
		for _, name := range list {
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// gateCuts is the gate's first layer on every picture of a video.
type gateCuts struct{}

// Name implements gatebench.CutFinder.
func (gateCuts) Name() string { return "gate: pictures" }

// briefly is for how long something else may be on screen, as a flash is, without what was there before having ended.
const briefly = timeline.Position(500)

// begun is where a scene begins, by the gate's number; 0 is a blank picture.
type begun struct {
	picture, scene int
	at             timeline.Position
}

// Cuts implements gatebench.CutFinder.
func (gateCuts) Cuts(ctx context.Context, video string) ([]int, error) {
	// The models are there but see nothing, so that the first layer does not stand in for them.
	g := vision.NewGate(vision.GateOptions{MaxScene: 24 * time.Hour, Looker: blind{}})
	var scenes []begun
	err := gatebench.Pictures(ctx, video, func(n int, at timeline.Position, small *image.RGBA) error {
		g.Admit(ctx, at, small)
		v := g.Verdict()
		if v.Passing && len(scenes) > 0 { // what began with the picture before was none
			scenes = scenes[:len(scenes)-1]
		}
		last := len(scenes) - 1
		switch {
		case !v.Begins || !v.Cut:
		case last >= 1 && scenes[last-1].scene == v.Scene && at-scenes[last].at < briefly:
			scenes = scenes[:last]
		case last < 0 || scenes[last].scene != v.Scene:
			scenes = append(scenes, begun{n, v.Scene, at})
		}
		return nil
	})
	cuts := []int{}
	for _, s := range scenes {
		if s.picture > 0 {
			cuts = append(cuts, s.picture)
		}
	}
	return cuts, err
}

// blind sees nothing.
type blind struct{}

// See implements vision.Looker.
func (blind) See(context.Context, vision.Picture) (vision.Sight, error) { return vision.Sight{}, nil }
