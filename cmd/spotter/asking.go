package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
)

// mostAnswers bounds the scenes whose answers are kept, which are those that the gate may know again.
const mostAnswers = 128

// asking asks about the scenes of one stream, and remembers the answers: a scene that comes back is sceneAnswer by them, and a
// face that the event knows has its name already.
type asking struct {
	*pipeline
	faces *vision.Identities // nil where no faces are found

	mu      sync.Mutex
	answers map[int]*sceneAnswer // by scene
	order   []int                // of them, the latest last

	// For the asking goroutine: told is closed when the last answer is recorded, and then is done after that.
	told chan struct{}
	then func()
}

// sceneAnswer is what is known of a scene.
type sceneAnswer struct {
	vision.Answer
	// from are the observations that say so while a better answer may still come, the one asked about first.
	from []timeline.Position
}

func newAsking(p *pipeline, faces *vision.Identities) *asking {
	return &asking{pipeline: p, faces: faces, answers: make(map[int]*sceneAnswer), told: closed()}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// recorded tells that what the last answer said is in the store, where a later one can improve it.
func (a *asking) recorded() {
	if a.then != nil {
		a.then()
		a.then = nil
	}
	select {
	case <-a.told:
	default:
		close(a.told)
	}
}

// repeat answers for a scene that was asked about before, with the faces that are in it now.
func (a *asking) repeat(e vision.Event) (vision.Answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.answers[e.Scene]
	if was == nil {
		return vision.Answer{}, false
	}
	if len(was.from) > 0 {
		was.from = append(was.from, e.From)
	}
	a.metrics.repeated.Inc()
	answer := was.Answer
	answer.Celebrities = onScreen(answer.Celebrities, e)
	return answer, true
}

// onScreen returns who is on screen of a scene with known celebrities, as far as the faces now in it tell: where a scene
// comes back and a face cannot be told, nobody has left.
func onScreen(celebrities []timeline.Entity, e vision.Event) []timeline.Entity {
	hidden := func(f vision.Face) bool { return f.Embedding == nil }
	if e.Sight == nil || e.Cut && (len(e.Sight.Faces) == 0 || slices.ContainsFunc(e.Sight.Faces, hidden)) {
		return vision.Union(celebrities, e.People)
	}
	return e.People
}

// named returns whom the gallery and the cloud have named in an event's picture.
func (a *asking) named(e vision.Event, s *vision.Sight) []timeline.Entity {
	people := vision.Union(e.People, s.Named())
	if a.faces != nil {
		known, _ := a.faces.Known(s.Faces)
		people = vision.Union(known, people)
	}
	return people
}

// ask asks about an event's picture what is worth asking. A better answer that comes later takes the place of the one
// returned, in the store too.
func (a *asking) ask(ctx context.Context, e vision.Event) (vision.Answer, error) {
	p, want := e.Picture, e.Ask
	p.At, p.Sight = e.From, a.look(ctx, e)
	old := a.known(e.Scene)
	if old == nil {
		want = vision.WantAll
	}
	if want = a.worth(want, p.Sight); want == 0 {
		return a.keep(e, old, vision.Answer{}, 0, p.Sight, false), nil
	}
	p.Want = want
	told := make(chan struct{})
	a.told = told
	began := time.Now()
	reply, err := a.asker.Ask(ctx, p, func(better vision.Answer, missed vision.Want) {
		select {
		case <-told:
		case <-ctx.Done():
		}
		a.late(e, p, better, missed)
	})
	if reply.Missed != 0 {
		a.then = func() { a.spool(e, p, reply.Missed) }
	}
	if err != nil {
		return vision.Answer{}, err
	}
	a.metrics.recognized(reply.Answer.Source, time.Since(began))
	a.learn(p.Sight, reply.Answer, want)
	return a.keep(e, old, reply.Answer, want, p.Sight, reply.Pending || reply.Missed != 0), nil
}

// look returns what local models see in the full picture. The gate has seen the small one only.
func (a *asking) look(ctx context.Context, e vision.Event) *vision.Sight {
	if e.Sight == nil || a.looker == nil || e.Picture.Small == nil || e.Picture.Width <= e.Picture.Small.Rect.Dx() {
		return e.Sight
	}
	full, err := a.looker.See(ctx, e.Picture)
	if err != nil {
		return e.Sight
	}
	a.name(full.Faces, e.Sight.Faces)
	return &full
}

// name gives faces the names that they had in the small picture, and such as the gallery is certain of.
func (a *asking) name(faces, small []vision.Face) {
	for i := range faces {
		f := &faces[i]
		for _, s := range small {
			if s.Who.Name != "" && f.Box.Overlap(s.Box) > 0.4 {
				f.Who = s.Who
			}
		}
		if f.Who.Name == "" && f.Embedding != nil && a.gallery != nil {
			f.Who, _ = a.gallery.Certain(f.Embedding)
		}
	}
}

// worth takes out of want what need not be asked: without a face there is no celebrity, and a face that the event knows
// has its name.
func (a *asking) worth(want vision.Want, s *vision.Sight) vision.Want {
	if s == nil || a.faces == nil || !a.mode.AsksCloudFirst() {
		return want
	}
	if _, ask := a.faces.Known(s.Faces); !ask {
		if want.Has(vision.WantCelebrities) {
			a.metrics.spared.Inc()
		}
		want &^= vision.WantCelebrities
	}
	return want
}

// learn remembers whom the cloud named.
func (a *asking) learn(s *vision.Sight, answer vision.Answer, want vision.Want) {
	if s != nil && a.faces != nil && want.Has(vision.WantCelebrities) && (answer.Source == timeline.SourceRekognition || len(answer.Faces) > 0) {
		a.faces.Learn(s.Faces, answer)
	}
}

func (a *asking) known(scene int) *sceneAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers[scene]
}

// keep joins an answer about a part of a scene with what is known of the rest, remembers and returns it.
func (a *asking) keep(e vision.Event, old *sceneAnswer, got vision.Answer, parts vision.Want, s *vision.Sight, pending bool) vision.Answer {
	now := new(sceneAnswer)
	if old != nil {
		now.Answer = old.Answer
	}
	if s != nil {
		now.Celebrities = a.named(e, s)
	}
	if got.Source != timeline.SourceRekognition { // whom the cloud has named stays named while it is away
		got.Celebrities = vision.Union(got.Celebrities, now.Celebrities)
	}
	if parts != 0 {
		now.Answer = now.Improve(got, parts)
	}
	if pending {
		now.from = []timeline.Position{e.From}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers[e.Scene] == nil {
		if a.order = append(a.order, e.Scene); len(a.order) > mostAnswers {
			delete(a.answers, a.order[0])
			a.order = a.order[1:]
		}
	}
	a.answers[e.Scene] = now
	return now.Answer
}

// late takes in an answer that came after its deadline, or that will not come.
func (a *asking) late(e vision.Event, p vision.Picture, got vision.Answer, missed vision.Want) {
	a.spool(e, p, missed)
	parts := p.Want &^ missed
	if parts == 0 || got.Source == "" { // nothing came, or the picture is unfit
		return
	}
	a.learn(p.Sight, got, parts)
	a.metrics.upgraded.Inc()
	if err := revise(a.recorder, a.media.ID, a.improve(e, got, parts), got, parts); err != nil {
		a.faults.add(faultStore, err)
	}
}

// improve improves the answer about a scene, and returns which observations say it.
func (a *asking) improve(e vision.Event, got vision.Answer, parts vision.Want) []timeline.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.answers[e.Scene]
	if was == nil || len(was.from) == 0 || was.from[0] != e.From {
		return []timeline.Position{e.From} // the scene was asked about again
	}
	a.answers[e.Scene] = &sceneAnswer{Answer: was.Improve(got, parts)}
	return was.from
}

// spool keeps a picture that the cloud missed.
func (a *asking) spool(e vision.Event, p vision.Picture, missed vision.Want) {
	if missed == 0 || len(p.JPEG) == 0 {
		return
	}
	_, err := a.recorder.Spool(store.SpooledFrame{
		Media: a.media.ID, From: e.From, Until: e.From, At: time.Now(), Want: uint8(missed), Width: p.Width, Height: p.Height, JPEG: p.JPEG,
	})
	if err != nil {
		a.faults.add(faultStore, fmt.Errorf("spool: %w", err))
		return
	}
	a.upgrades.note(place{a.media.ID, e.From}, func(got vision.Answer, parts vision.Want) []timeline.Position {
		a.learn(p.Sight, got, parts)
		return a.improve(e, got, parts)
	})
}
