package vision

import (
	"context"
	"image"
	"slices"

	"spotter/timeline"
)

const (
	// certain is the confidence from which one look is enough to say that an object has come; below it takes two.
	certain = 65
	// asClear is how clearly, compared with the look at which something came or went, the next must see what is there to be the
	// better picture of it: what has come is then wholly in the picture.
	asClear = 0.85
	// gone is how many looks in a row an object or a person must be missing to have left: heads turn, detectors blink.
	gone = 2
	// A face of no name about where somebody's was at the look before is his for mostTurned looks: he has turned his head.
	mostTurned = 8
	nearPlace  = 0.1 // the least Box.Overlap of the two
	// An object that has come or gone again within blink, restless times, is no longer news: it is the detector that
	// changes its mind.
	blink    = timeline.Position(4000)
	restless = 2
)

// tally is what local models have seen of a scene.
type tally struct {
	things map[string]*presence
	people []person // known to be on screen
}

// person is who is on screen.
type person struct {
	who    timeline.Entity
	box    Box // of the face that was last taken for his
	missed int // looks in a row at which there was no such face
	turned int // looks in a row at which it was only where his was
}

// presence is how one object was seen.
type presence struct {
	on     bool
	seen   int // looks in a row at which it was seen
	missed int // looks in a row at which it was not
	turned timeline.Position
	blinks int // how often it has turned soon after it had
}

// see looks at the picture with local models, where there are any.
func (g *Gate) see(ctx context.Context, small *image.RGBA) {
	if g.o.Looker == nil {
		return
	}
	v := &g.verdict
	b := small.Bounds()
	sight, err := g.o.Looker.See(ctx, Picture{At: v.At, Small: small, Width: b.Dx(), Height: b.Dy()})
	if err != nil {
		v.Err = err
		return
	}
	v.Sight = &sight
}

// agrees reports whether local models see in the picture what they saw of the scene on screen: something, and nothing more
// or less, with nobody whom the event does not know.
func (g *Gate) agrees() bool {
	s := g.verdict.Sight
	if s == nil {
		return false
	}
	seen, more := g.now.tally.compare(s.Objects)
	if more || seen == 0 || seen < g.now.tally.on() {
		return false
	}
	if g.o.Identities != nil {
		if _, ask := g.o.Identities.Known(s.Faces); ask {
			return false
		}
	}
	named := g.named(s.Faces)
	return !slices.ContainsFunc(g.now.tally.people, func(p person) bool {
		return !slices.ContainsFunc(named, func(e timeline.Entity) bool { return same(&p.who, &e) })
	})
}

// contained reports whether local models see in the picture some of what they saw of the scene on screen, and no more: no
// face at all that could be somebody else's.
func (g *Gate) contained() bool {
	s := g.verdict.Sight
	if s == nil || len(s.Faces) > 0 {
		return false
	}
	seen, more := g.now.tally.compare(s.Objects)
	return seen > 0 && !more
}

// judge is the second layer: it asks about what is new in what local models see.
func (g *Gate) judge() {
	v := &g.verdict
	g.now.news = 0
	if v.Sight == nil {
		return
	}
	t := &g.now.tally
	if v.Begins {
		t.people = nil
		if g.o.Identities != nil {
			g.o.Identities.Cut()
		}
	}
	if g.o.Identities != nil && g.o.Identities.Meet(v.Sight.Faces) {
		v.Ask |= WantCelebrities
	}
	if v.Ask.Has(WantObjects) { // what is seen now is what will be known of the scene
		t.reset(v.Sight.Objects)
	} else if t.count(v.At, v.Sight.Objects) {
		v.Ask |= WantObjects
	}
	if v.Ask != 0 && !v.Begins && !v.Due {
		g.now.news = weight(v.Sight.Objects)
	}
	named := make([][]timeline.Entity, len(v.Sight.Faces))
	for i := range named {
		named[i] = g.named(v.Sight.Faces[i : i+1])
	}
	v.Changed = t.recast(v.Sight.Faces, named) && !v.Begins
	v.People = t.onScreen()
}

// compare returns how many of the objects are on screen, and whether another one is for certain.
func (t *tally) compare(objects []timeline.Entity) (seen int, more bool) {
	for _, o := range objects {
		p := t.things[o.Name]
		switch {
		case p != nil && p.on:
			seen++
		case o.Confidence >= certain:
			more = true
		}
	}
	return seen, more
}

// weight is how clearly objects are seen, all together.
func weight(objects []timeline.Entity) (sum float64) {
	for _, o := range objects {
		sum += o.Confidence
	}
	return sum
}

// on returns how many objects are on screen.
func (t *tally) on() (n int) {
	for _, p := range t.things {
		if p.on {
			n++
		}
	}
	return n
}

// reset makes the objects of one look the ones on screen.
func (t *tally) reset(objects []timeline.Entity) {
	before := t.things
	t.things = make(map[string]*presence, len(objects))
	for _, o := range objects {
		p := &presence{on: true, seen: 1}
		if was := before[o.Name]; was != nil {
			p.turned, p.blinks, p.seen = was.turned, was.blinks, was.seen+1
		}
		t.things[o.Name] = p
	}
	for name, was := range before { // what blinks goes on blinking
		if t.things[name] == nil && was.blinks > 0 {
			t.things[name] = &presence{turned: was.turned, blinks: was.blinks}
		}
	}
}

// count takes in a further look and reports whether an object has come or gone.
func (t *tally) count(at timeline.Position, objects []timeline.Entity) (news bool) {
	if t.things == nil {
		t.things = make(map[string]*presence)
	}
	for _, o := range objects {
		p := t.things[o.Name]
		if p == nil {
			p = new(presence)
			t.things[o.Name] = p
		}
		p.seen, p.missed = p.seen+1, 0
		if !p.on && (o.Confidence >= certain || p.seen >= 2) {
			news = p.turn(at) || news
		}
	}
	for name, p := range t.things {
		if slices.ContainsFunc(objects, func(o timeline.Entity) bool { return o.Name == name }) {
			continue
		}
		p.seen, p.missed = 0, p.missed+1
		if p.on && p.missed >= gone {
			news = p.turn(at) || news
		}
	}
	return news
}

// turn notes that an object has come or gone, and reports whether that is news.
func (p *presence) turn(at timeline.Position) bool {
	if at-p.turned <= blink && p.turned > 0 {
		p.blinks++
	} else {
		p.blinks = max(p.blinks-1, 0)
	}
	p.on, p.turned = !p.on, at
	return p.blinks < restless
}

// named returns whom the gallery or the cloud has named among the faces.
func (g *Gate) named(faces []Face) []timeline.Entity {
	people := (&Sight{Faces: faces}).Named()
	if g.o.Identities != nil {
		known, _ := g.o.Identities.Known(faces)
		people = Union(known, people)
	}
	return people
}

// recast takes in the faces of a look and whom each is known to be, and reports whether somebody has come or gone.
func (t *tally) recast(faces []Face, named [][]timeline.Entity) (changed bool) {
	for i := range t.people {
		t.people[i].missed++
	}
	for i := range faces {
		for _, e := range named[i] {
			changed = t.seen(e, faces[i].Box) || changed
		}
	}
	for i := range t.people {
		t.people[i].turn(faces, named)
	}
	all := len(t.people)
	t.people = slices.DeleteFunc(t.people, func(p person) bool { return p.missed >= gone })
	return changed || len(t.people) < all
}

// seen notes where somebody is, and reports whether he was not on screen.
func (t *tally) seen(e timeline.Entity, b Box) (fresh bool) {
	i := slices.IndexFunc(t.people, func(p person) bool { return same(&p.who, &e) })
	if i < 0 {
		t.people = append(t.people, person{who: e, box: b})
		return true
	}
	p := &t.people[i]
	p.missed, p.turned, p.box = 0, 0, b
	if e.Confidence > p.who.Confidence {
		p.who = e
	}
	return false
}

// turn takes a face of no name for that of a person who was not seen.
func (p *person) turn(faces []Face, named [][]timeline.Entity) {
	if p.missed == 0 || p.turned == mostTurned {
		return
	}
	for i := range faces {
		if len(named[i]) == 0 && p.box.Overlap(faces[i].Box) >= nearPlace {
			p.missed, p.box = 0, faces[i].Box
			p.turned++
			return
		}
	}
}

func (t *tally) onScreen() (people []timeline.Entity) {
	for _, p := range t.people {
		people = Union(people, []timeline.Entity{p.who})
	}
	return people
}
