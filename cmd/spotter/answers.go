package main

import (
	"slices"

	"spotter/timeline"
	"spotter/vision"
)

// sceneAnswer is what is known of a scene.
type sceneAnswer struct {
	vision.Answer
	// unseen are the celebrities whom the cloud named and whose faces local models cannot tell: they stay as long as the
	// scene goes on.
	unseen []timeline.Entity
	// open are the questions that may still get a better answer than the scene has.
	open []*question
}

// question is one about a picture that may still get a better answer. It may wait for long, so it holds no picture.
type question struct {
	scene int
	sight *vision.Sight // what local models saw in the picture
	open  vision.Want   // what the scene's answer would take from it
	said  []saying      // the observations that say what served instead, the one asked about first
}

// saying is an observation that says what served instead of a better answer.
type saying struct {
	from  timeline.Position
	parts vision.Want // that it has from there
	sight *vision.Sight
	cut   bool
}

// mostSayings bounds the observations that a better answer reaches.
const mostSayings = 64

// repeated notes that a further observation says what served.
func (q *question) repeated(e vision.Event) {
	if len(q.said) < mostSayings {
		q.said = append(q.said, saying{e.From, q.open, e.Sight, e.Cut})
	}
}

func (a *asking) known(scene int) *sceneAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers[scene]
}

// keep joins an answer about a part of a scene with what is known of the rest, remembers and returns it. A better answer to
// q, which may be nil, may still come.
func (a *asking) keep(e vision.Event, got vision.Answer, parts vision.Want, s *vision.Sight, q *question) vision.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := new(sceneAnswer)
	if old := a.answers[e.Scene]; old != nil {
		now.Answer = old.Answer
		if !e.Ask.Has(vision.WantCelebrities) {
			now.unseen = old.unseen
		}
		for _, o := range old.open {
			if o.open &^= parts; o.open != 0 {
				o.repeated(e)
				now.open = append(now.open, o)
			}
		}
	}
	var here []timeline.Entity
	if s != nil {
		here = a.named(e, s)
		now.Celebrities = vision.Union(here, now.unseen)
	}
	if got.Source != timeline.SourceRekognition { // whom the cloud has named stays named while it is away
		got.Celebrities = vision.Union(got.Celebrities, now.Celebrities)
	}
	if parts != 0 {
		now.Answer = now.Improve(got, parts)
	}
	if s != nil && parts.Has(vision.WantCelebrities) {
		now.unseen = without(now.Celebrities, here)
	}
	if q != nil {
		now.open = append(now.open, q)
	}
	a.answers[e.Scene] = now
	a.touch(e.Scene)
	return now.Answer
}

// without returns the entities of a list that are not in another.
func without(list, other []timeline.Entity) (out []timeline.Entity) {
	for _, e := range list {
		if n := len(vision.Union(other, []timeline.Entity{e})); n > len(other) {
			out = append(out, e)
		}
	}
	return out
}

// late takes in an answer that came after its deadline, or that will not come.
func (a *asking) late(q *question, p vision.Picture, got vision.Answer, missed vision.Want) {
	a.spool(q, p, missed)
	parts := p.Want &^ missed
	if parts == 0 || got.Source == "" { // nothing came, or the picture is unfit
		return
	}
	a.metrics.upgraded.Inc()
	if err := revise(a.recorder, a.media.ID, a.improve(q, got, parts)); err != nil {
		a.faults.add(faultStore, err)
	}
}

// improve improves the answer about a scene, and returns what becomes of the observations that say it, the one asked about
// first.
func (a *asking) improve(q *question, got vision.Answer, parts vision.Want) (list []revision) {
	a.learn(q.sight, got, parts)
	var unseen []timeline.Entity
	if q.sight != nil {
		unseen = without(got.Celebrities, a.named(vision.Event{}, q.sight))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if was := a.answers[q.scene]; was != nil && slices.Contains(was.open, q) {
		now := &sceneAnswer{Answer: was.Improve(got, q.open&parts), unseen: was.unseen, open: was.open}
		if (q.open & parts).Has(vision.WantCelebrities) {
			now.unseen = unseen
		}
		if q.open &^= parts; q.open == 0 {
			now.open = slices.DeleteFunc(slices.Clone(was.open), func(o *question) bool { return o == q })
		}
		a.answers[q.scene] = now
	}
	for i, s := range q.said {
		want := parts & s.parts
		if i > 0 && want == 0 {
			continue
		}
		change := better(got, want)
		if i > 0 && s.sight != nil && want.Has(vision.WantCelebrities) { // others may be on screen than were in the picture
			change = func(o *timeline.Observation) bool {
				then := vision.Event{Sight: s.sight, Cut: s.cut, People: vision.Union(o.Celebrities, a.named(vision.Event{}, s.sight))}
				told := vision.Answer{Source: got.Source, Objects: got.Objects, Celebrities: onScreen(got.Celebrities, unseen, then)}
				return better(told, want)(o)
			}
		}
		list = append(list, revision{s.from, change})
	}
	return list
}
