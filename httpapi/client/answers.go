package client

import (
	"encoding/json"
	"net/url"
	"time"

	"spotter/timeline"
)

// Query says around what a context is wanted. Exactly one of At and Time is the middle: Time where it is not zero, else At.
type Query struct {
	// At is a position.
	At timeline.Position
	// Time is the wall-clock time of a picture, as EXT-X-PROGRAM-DATE-TIME counts (RFC 8216, section 4.3.2.6).
	Time time.Time
	// Backward and Forward are how far the window reaches before and after; together an hour at most.
	Backward, Forward timeline.Position
	// Profile is the viewer to engage; with it, or with Engage, the answer has instruments.
	Profile string
	Engage  bool
	// Decision is that of the instrument which the viewer sees: while it still suits, it is answered again and counts no more. For
	// Contexts it has one for each media, with commas between them, an empty one for none.
	Decision string
}

func (q Query) values() url.Values {
	v := make(url.Values)
	if q.Time.IsZero() {
		v.Set("position", q.At.String())
	} else {
		v.Set("time", q.Time.Format(time.RFC3339Nano))
	}
	if q.Backward != 0 {
		v.Set("backward", q.Backward.String())
	}
	if q.Forward != 0 {
		v.Set("forward", q.Forward.String())
	}
	if q.Profile != "" {
		v.Set("profile", q.Profile)
	}
	if q.Engage {
		v.Set("engage", "1")
	}
	if q.Decision != "" {
		v.Set("decision", q.Decision)
	}
	return v
}

// Context is who and what is on screen in the closed window of its span, each once.
type Context struct {
	Media string `json:"media"`
	timeline.Span
	// AnalyzedUntil is where the analysis is; nil before it began.
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	// Complete says that all of the window was analysed: nobody is nobody, not "not yet".
	Complete    bool       `json:"complete"`
	Celebrities []Sighting `json:"celebrities"`
	Objects     []Sighting `json:"objects"`
	// Breaks are those that meet the window, uncut.
	Breaks []timeline.Break `json:"breaks"`
	// Instruments are what to show the viewer; nil when the query has neither Profile nor Engage.
	Instruments []Instrument `json:"instruments"`
}

// Sighting is an entity in a window. Its span is from where it was first to where it was last seen, cut to the window.
type Sighting struct {
	timeline.Entity
	timeline.Span
	// Source is one of the timeline's Source constants, or a newer one.
	Source string `json:"source"`
}

// Instrument is what to show a viewer.
type Instrument struct {
	// Decision is the id of the choice, to report what came of it.
	Decision string `json:"decision"`
	ID       string `json:"id"`
	// Type is advert, campaign, trivia, poll, quiz, offer or upsell.
	Type string `json:"type"`
	// Payload is as the instrument has it.
	Payload json.RawMessage `json:"payload"`
}

// Answer is what Contexts says of one media: the context, or Problem.
type Answer struct {
	Context
	// Problem is why there is no context; then of Context only Media is set.
	Problem *Problem `json:"problem"`
}

// Timeline is what is known of a window, uncut, by From.
type Timeline struct {
	Observations []timeline.Observation `json:"observations"`
	Breaks       []timeline.Break       `json:"breaks"`
}

// Status is how a media is doing; what is not known is nil or empty.
type Status struct {
	Media string `json:"media"`
	// State is waiting, live, stalled, ended or stopped.
	State string `json:"state"`
	// LiveEdge is the end of the newest segment, AnalyzedUntil that of what was analysed.
	LiveEdge      *timeline.Position `json:"live_edge"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	StartedAt     *time.Time         `json:"started_at"`
	// Source is that of the newest observation.
	Source string `json:"source"`
	// Faults are the latest, newest first.
	Faults []Fault `json:"faults"`
}

// Fault is something that went wrong, Count times.
type Fault struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
}
