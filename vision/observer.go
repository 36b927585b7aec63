package vision

import (
	"time"

	"spotter/timeline"
)

// Observer turns the answers of one stream into observations. A scene's observation begins at its admitted picture
// and lasts until the next one's, so that a look-up between two analysed pictures is right. It is used by one
// goroutine at a time.
type Observer struct {
	media string
	open  *timeline.Observation // the newest; nil before the first
	on    bool                  // open's scene is still on screen
	known bool                  // what is on screen now is known
	from  timeline.Position     // up to where the analysed stretch was reported
}

// Seen is what an observer has to record: observations that are new or changed, and the stretch analysed since the
// last report, empty when there is none.
type Seen struct {
	Observations []*timeline.Observation
	Analyzed     timeline.Span
}

// NewObserver returns an observer for media. newest is the newest observation that is stored, if any.
func NewObserver(media string, newest *timeline.Observation) *Observer {
	o := &Observer{media: media, open: newest}
	if newest != nil {
		o.open = o.copy()
	}
	return o
}

// Answer begins a scene at position at with what is on screen.
func (o *Observer) Answer(at timeline.Position, a Answer, now time.Time) Seen {
	seen := o.end(at)
	o.open = &timeline.Observation{
		Media: o.media, Span: timeline.Span{From: at, Until: at}, Source: a.Source, Revision: 1,
		Celebrities: a.Celebrities, Objects: a.Objects, At: now,
	}
	o.on, o.known = true, true
	seen.Observations = append(seen.Observations, o.copy())
	return seen
}

// Unanswered begins a scene at position at of which nothing is known.
func (o *Observer) Unanswered(at timeline.Position) Seen {
	seen := o.end(at)
	o.on, o.known = false, false
	return seen
}

// Through reports that the scene on screen has lasted until position until.
func (o *Observer) Through(until timeline.Position) Seen {
	if !o.known {
		return Seen{}
	}
	seen := Seen{Analyzed: timeline.Span{From: o.from, Until: until}}
	o.from = max(o.from, until)
	if o.on && until > o.open.Until {
		o.open.Until = until
		seen.Observations = append(seen.Observations, o.copy())
	}
	return seen
}

// Break ends the scene where it was last seen: what follows does not continue it.
func (o *Observer) Break() Seen {
	var seen Seen
	if o.open != nil && o.open.Revision == 1 {
		o.open.Revision = 2
		seen.Observations = append(seen.Observations, o.copy())
	}
	o.on, o.known = false, false
	return seen
}

// end closes the scene on screen at position at, where the next one begins.
func (o *Observer) end(at timeline.Position) Seen {
	var seen Seen
	if o.known {
		seen.Analyzed = timeline.Span{From: o.from, Until: at}
	}
	o.from = at
	if o.open == nil || o.open.Revision != 1 {
		return seen
	}
	if o.on {
		o.open.Until = max(o.open.Until, at)
	}
	// The end is news to whoever was told of the beginning: a revision, so that it is synced.
	o.open.Revision = 2
	seen.Observations = append(seen.Observations, o.copy())
	return seen
}

// copy returns the open observation as it is now; what was handed out before does not change.
func (o *Observer) copy() *timeline.Observation {
	c := *o.open
	return &c
}
