package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"spotter/store"
	"spotter/store/thumbnail"
	"spotter/timeline"
	"spotter/vision"
)

// mostAnswers bounds the scenes whose answers are kept, which are those that the gate may know again.
const mostAnswers = 128

// asking asks about the scenes of one stream, and remembers the answers: a scene that comes back is answered by them, and a
// face that the event knows has its name already.
type asking struct {
	*pipeline
	faces *vision.Identities // nil where no faces are found

	mu      sync.Mutex
	answers map[int]*sceneAnswer // by scene
	order   []int                // of them, the latest last

	// For the asking goroutine: told is closed when the last answer is recorded, and then is done before that.
	told chan struct{}
	then func()
	// boxes are where in the picture asked about last is what the answer names; nil where there was no answer.
	boxes []thumbnail.Boxed
	// missing is the scene on screen that nobody could answer for and whose picture is spooled.
	missing struct {
		scene int // 0 for none
		from  timeline.Position
	}
}

// errGoesOn is wrapped where nobody could answer and the scene's picture is spooled already.
var errGoesOn = errors.New("the scene goes on unanswered")

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
	a.touch(e.Scene)
	for _, q := range was.open {
		q.repeated(e)
	}
	a.metrics.repeated.Inc()
	answer := was.Answer
	if e.Cut && !hides(e) {
		was.unseen = nil // who came back can be told
	}
	answer.Celebrities = onScreen(answer.Celebrities, was.unseen, e)
	return answer, true
}

// touch makes a scene the one whose answer is forgotten last, as the gate does with scenes. The caller holds mu.
func (a *asking) touch(scene int) {
	if i := slices.Index(a.order, scene); i >= 0 {
		a.order = slices.Delete(a.order, i, i+1)
	}
	if a.order = append(a.order, scene); len(a.order) > mostAnswers {
		delete(a.answers, a.order[0])
		a.order = slices.Delete(a.order, 0, 1)
	}
}

// onScreen returns who is on screen of a scene with known celebrities, as far as the faces now in it tell: where a scene
// comes back and a face cannot be told, nobody has left, nor have the unseen while it goes on.
func onScreen(celebrities, unseen []timeline.Entity, e vision.Event) []timeline.Entity {
	switch {
	case e.Sight == nil || e.Cut && hides(e):
		return vision.Union(celebrities, e.People)
	case e.Cut:
		return e.People
	}
	return vision.Union(e.People, unseen)
}

// hides reports whether somebody may be in an event's picture whose face cannot be told.
func hides(e vision.Event) bool {
	hidden := func(f vision.Face) bool { return f.Embedding == nil }
	return e.Sight == nil || len(e.Sight.Faces) == 0 || slices.ContainsFunc(e.Sight.Faces, hidden)
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
	a.boxes = nil
	p, want := e.Picture, e.Ask
	p.Media, p.At, p.Sight = a.media.ID, e.From, a.look(ctx, e)
	old := a.known(e.Scene)
	if old == nil {
		want = vision.WantAll
	}
	if want = a.worth(want, p.Sight); want == 0 {
		answer := a.keep(e, vision.Answer{}, 0, p.Sight, nil)
		a.boxes = boxesOf(answer, p.Sight, a.whose)
		return answer, nil
	}
	p.Want = want
	q := &question{scene: e.Scene, sight: p.Sight, said: []saying{{e.From, want, p.Sight, e.Cut}}}
	told := make(chan struct{})
	a.told = told
	late := func(better vision.Answer, missed vision.Want) {
		select {
		case <-told:
		case <-ctx.Done():
		}
		a.late(q, p, better, missed)
		a.tellPicture(e, p.Sight, better)
	}
	if a.mode != vision.CloudFirst { // nothing serves meanwhile that a late answer could replace
		late = nil
	}
	began := time.Now()
	reply, err := a.asker.Ask(ctx, p, late)
	missed := reply.Missed
	if err != nil && ctx.Err() != nil && a.mode.AsksCloudFirst() { // the drain has ended before the answer came
		missed = want
	}
	if err != nil && a.goesOn(e, missed) {
		return vision.Answer{}, fmt.Errorf("%w: %w", errGoesOn, err)
	}
	// Not before the observation is recorded: where there is none, the spooler takes the picture for one of a scene that
	// nobody knows.
	a.then = func() { a.spool(q, p, missed) }
	if err != nil {
		return vision.Answer{}, err
	}
	a.missing.scene = 0
	a.metrics.recognized(reply.Answer.Source, time.Since(began))
	a.learn(p.Sight, reply.Answer, want)
	open := q
	if q.open = missed; reply.Pending {
		q.open = want
	} else if missed == 0 {
		open = nil
	}
	answer := a.keep(e, reply.Answer, want, p.Sight, open)
	shown := answer
	shown.Faces, shown.Places = reply.Answer.Faces, reply.Answer.Places // of this picture
	a.boxes = boxesOf(shown, p.Sight, a.whose)
	return answer, nil
}

// goesOn reports whether an event that nobody could answer only asks again about a scene whose picture is spooled already,
// not long ago. Else its own picture is the one that is spooled.
func (a *asking) goesOn(e vision.Event, missed vision.Want) bool {
	if m := a.missing; e.Due && m.scene == e.Scene && e.From-m.from < timeline.FromDuration(a.maxScene) {
		return true
	}
	a.missing.scene, a.missing.from = 0, e.From
	if missed != 0 && len(e.Picture.JPEG) > 0 {
		a.missing.scene = e.Scene
	}
	return false
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

// spool keeps a picture that the cloud missed.
func (a *asking) spool(q *question, p vision.Picture, missed vision.Want) {
	if missed == 0 || len(p.JPEG) == 0 {
		return
	}
	_, err := a.recorder.Spool(store.SpooledFrame{
		Media: a.media.ID, From: p.At, Until: p.At, At: time.Now(), Want: uint8(missed), Width: p.Width, Height: p.Height, JPEG: p.JPEG,
	})
	if err != nil {
		a.faults.add(faultStore, fmt.Errorf("spool: %w", err))
		return
	}
	a.upgrades.note(place{a.media.ID, p.At}, func(got vision.Answer, parts vision.Want) []revision { return a.improve(q, got, parts) })
}
