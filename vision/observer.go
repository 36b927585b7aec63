package vision

import (
	"time"

	"spotter/timeline"
)

// Observer turns the answers of one stream into observations. A scene's observation begins at its admitted picture
// and lasts until the next one's, so that a look-up between two analysed pictures is right. It is used by one
// goroutine at a time.
type Observer struct {
	media  string
	open   *timeline.Observation // the newest, until it is closed
	on     bool                  // open's scene is on screen; one of an earlier run is not
	missed *timeline.Span        // the unanswered scene on screen, as far as it has lasted
	from   timeline.Position     // up to where the analysed stretch was reported
}

// Seen is what an observer has to record.
type Seen struct {
	// Observations are new or changed: open while their scene lasts, then closed. Who records them numbers their revisions.
	Observations []*timeline.Observation
	// Analyzed is the stretch analysed since the last report, empty when there is none.
	Analyzed timeline.Span
	// Missed is a scene that has ended of which nothing is known, empty when there is none.
	Missed timeline.Span
}

// NewObserver returns an observer for media. newest is the newest observation that is stored, if any; where it is open,
// as a run that did not end leaves it, it is closed where it was last seen.
func NewObserver(media string, newest *timeline.Observation) *Observer {
	o := &Observer{media: media}
	if newest != nil && newest.Open {
		c := *newest
		o.open = &c
	}
	return o
}

// Answer begins a scene at position at with what is on screen.
func (o *Observer) Answer(at timeline.Position, a Answer, now time.Time) Seen {
	seen := o.end(at)
	o.open = &timeline.Observation{
		Media: o.media, Span: timeline.Span{From: at, Until: at}, Source: a.Source, Open: true,
		Celebrities: a.Celebrities, Objects: a.Objects, At: now,
	}
	o.on = true
	seen.Observations = append(seen.Observations, o.copy())
	return seen
}

// Unanswered begins a scene at position at of which nothing is known.
func (o *Observer) Unanswered(at timeline.Position) Seen {
	seen := o.end(at)
	o.missed = &timeline.Span{From: at, Until: at}
	return seen
}

// Through reports that the scene on screen has lasted until position until.
func (o *Observer) Through(until timeline.Position) Seen {
	if o.missed != nil {
		o.missed.Until = max(o.missed.Until, until)
	}
	if !o.on {
		return Seen{}
	}
	seen := Seen{Analyzed: timeline.Span{From: o.from, Until: until}}
	o.from = max(o.from, until)
	if until > o.open.Until {
		o.open.Until = until
		seen.Observations = append(seen.Observations, o.copy())
	}
	return seen
}

// Break ends the scene where it was last seen: what follows does not continue it.
func (o *Observer) Break() (seen Seen) {
	if o.open != nil {
		o.open.Open = false
		seen.Observations = append(seen.Observations, o.copy())
	}
	if o.missed != nil {
		seen.Missed = *o.missed
	}
	o.open, o.on, o.missed = nil, false, nil
	return seen
}

// Missing returns the unanswered scene on screen, as far as it has lasted; it is empty when there is none.
func (o *Observer) Missing() timeline.Span {
	if o.missed == nil {
		return timeline.Span{}
	}
	return *o.missed
}

// end ends the scene on screen at position at, where the next one begins.
func (o *Observer) end(at timeline.Position) Seen {
	var analyzed timeline.Span
	if o.on {
		analyzed = timeline.Span{From: o.from, Until: at}
		o.open.Until = max(o.open.Until, at)
	}
	if o.missed != nil {
		o.missed.Until = max(o.missed.Until, at)
	}
	o.from = at
	seen := o.Break()
	seen.Analyzed = analyzed
	return seen
}

// copy returns the open observation as it is now; what was handed out before does not change.
func (o *Observer) copy() *timeline.Observation {
	c := *o.open
	return &c
}
