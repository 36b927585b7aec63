package instrument

import (
	"math/bits"
	"time"

	"spotter/timeline"
)

// Question is who asks for instruments, and when and where. One Question is used again and again, by one goroutine at a
// time: it keeps the room that an answer takes.
type Question struct {
	Media    string
	Position timeline.Position // of the player
	Now      time.Time
	// Look is what is on screen in the window that was asked for; nil stands for nothing.
	Look *timeline.Look
	// Viewer has the attributes of the viewer's profile as encoding/json reads them: string, float64, bool, or []any of
	// these. An attribute that is nil is absent, and a nil map is a viewer of whom nothing is known.
	Viewer map[string]any

	candidates, here set
	onScreen         set
	seen             []uint32 // that onScreen has
	numbers          []uint32 // that Match.Targets has
	attributes       []attribute
	asked            []uint32 // attributes that have been looked up
}

// attribute is what the viewer's profile has of one of the catalog's attributes.
type attribute struct {
	asked bool
	value any
}

// Match is an instrument that may be shown.
type Match struct {
	// Index of it in Catalog.All.
	Index int
	// Targets are those of its targets that are on screen, each once, as indices in Catalog.Targets. They last until the
	// next Eligible with the same Question.
	Targets []uint32
}

// Eligible appends to list the instruments that may be shown by their targets, audience, flight, media and positions, in
// the order of All. It does not know of caps, pacing and budgets. It allocates nothing once q and list have grown.
func (c *Catalog) Eligible(list []Match, q *Question) []Match {
	c.look(q)
	c.choose(q)
	live := c.flying(q.Now)
	q.numbers = q.numbers[:0]
	for w := range live.set {
		for word := q.candidates[w] & q.here[w] & live.set[w]; word != 0; word &= word - 1 {
			n := w*64 + bits.TrailingZeros64(word)
			r := &c.rules[n]
			if !r.on(q.onScreen) || !r.at(q.Position) || !c.meets(r, q) {
				continue
			}
			from := len(q.numbers)
			q.numbers = r.appendSeen(q.numbers, q.onScreen)
			list = append(list, Match{n, q.numbers[from:len(q.numbers):len(q.numbers)]})
		}
	}
	c.forget(q)
	return list
}

// look notes which targets are on screen.
func (c *Catalog) look(q *Question) {
	q.onScreen = q.onScreen.grown(len(c.targets))
	if q.Look == nil {
		return
	}
	for _, sightings := range [...][]timeline.Sighting{q.Look.Celebrities, q.Look.Objects} {
		for i := range sightings {
			for _, n := range c.entity(sightings[i].Known) {
				if !q.onScreen.has(n) {
					q.onScreen.add(n)
					q.seen = append(q.seen, n)
				}
			}
		}
	}
}

// choose notes the instruments that what is on screen, and the media, leave.
func (c *Catalog) choose(q *Question) {
	q.candidates = append(q.candidates[:0], c.always...)
	for _, target := range q.seen {
		c.waiting[target].addTo(q.candidates)
	}
	q.here = append(q.here[:0], c.anyMedia...)
	c.withMedia[q.Media].addTo(q.here)
}

// forget leaves nothing of the viewer and of the screen behind, but the room.
func (c *Catalog) forget(q *Question) {
	for _, n := range q.seen {
		q.onScreen.remove(n)
	}
	for _, n := range q.asked {
		q.attributes[n] = attribute{}
	}
	q.seen, q.asked = q.seen[:0], q.asked[:0]
}

// on reports whether what is on screen is as the targets ask.
func (r *rule) on(screen set) bool {
	return (len(r.any) == 0 || screen.hasAny(r.any)) && screen.hasAll(r.all) && !screen.hasAny(r.none)
}

// appendSeen appends those targets that are on screen.
func (r *rule) appendSeen(list []uint32, screen set) []uint32 {
	from := len(list)
	for _, targets := range [...][]uint32{r.any, r.all} {
		for _, n := range targets {
			if screen.has(n) && !contains(list[from:], n) {
				list = append(list, n)
			}
		}
	}
	return list
}

// at reports whether the rule's instrument may be shown at a position.
func (r *rule) at(p timeline.Position) bool {
	for _, s := range r.positions {
		if s.From <= p && p < s.Until {
			return true
		}
	}
	return len(r.positions) == 0
}

func contains(list []uint32, n uint32) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}
