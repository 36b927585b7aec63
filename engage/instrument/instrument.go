// Package instrument holds the engagement instruments: adverts, campaigns, trivia, polls, quizzes, offers and upsells, read
// from a file or the admin API, and tells which of them may be shown to a viewer at a position.
package instrument

import (
	"encoding/json"
	"time"

	"spotter/timeline"
)

// Instrument is something that a viewer can be engaged with. Only ID, Type and Payload are required.
type Instrument struct {
	ID string
	// Type is advert, campaign, trivia, poll, quiz, offer or upsell.
	Type string
	// Payload is JSON that only the viewer's app understands.
	Payload json.RawMessage
	Targets Targets
	// Audience has a condition on each of some attributes of the viewer's profile; all must hold.
	Audience map[string]Condition
	Flight   Flight
	// Media are those with which it may be shown; none stands for all.
	Media []string
	// Positions of the player at which it may be shown; none stands for all.
	Positions []timeline.Span
	// Priority of instruments that may be shown at the same time: only those of the highest are chosen among.
	Priority int
	Caps     Caps
	// Pacing is "even" to spread the total cap and the budget over the flight, which then needs a start and an end; empty
	// shows as soon as can be.
	Pacing string
	// Cost is what showing it takes from Budget; a budget of 0 is no limit. Both are in the same unit of money.
	Cost   Cost
	Budget float64
}

// Targets are what must be, and must not be, on screen: celebrities and objects by name, id or alias, or the parent of a
// label, in any letter case.
type Targets struct {
	Any, All, None []string
}

// Flight is from when until when, Until itself excluded, an instrument is shown; a zero time sets no bound.
type Flight struct {
	Start, End time.Time
}

// Caps are how often an instrument is chosen at most; 0 sets no bound.
type Caps struct {
	PerViewer int
	Total     int
}

// Cost is what an instrument takes from its budget each time it is chosen, and for each event.
type Cost struct {
	Decision, View, Click, Answer, Convert float64
}

// Condition is what an attribute must be. An attribute that the profile lacks meets no condition but Absent.
type Condition struct {
	// Min and Max bound a number, both inclusive.
	Min, Max *float64
	// In holds scalars (string, float64, bool), one of which the attribute, or one element of it, must be; strings in any letter case.
	In []any
	// NotIn holds scalars none of which the attribute, or any element of it, may be.
	NotIn []any
	// Absent asks that there is no such attribute (true), or that there is one (false).
	Absent *bool
}
