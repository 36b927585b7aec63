package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// Engagement chooses instruments for viewers and is told what comes of it. It is called by many goroutines at once.
type Engagement interface {
	// Decide chooses an instrument; false where none suits. It is on the way of each look-up that asks for one, so it must be
	// quick. It may keep the query's strings and attributes, but nothing of its Look, and not the query itself.
	Decide(q *EngagementQuery) (Instrument, bool)
	// Event joins an event to a decision. Its error wraps ErrForgedDecision, ErrUnknownDecision, ErrDuplicateEvent or ErrLateEvent
	// where one of these is the reason.
	Event(decision string, e Event) error
}

// EngagementQuery is what a choice depends on.
type EngagementQuery struct {
	Media string
	// Position is the player's.
	Position timeline.Position
	// Window is what was asked for around it, and Look who and what is on screen there.
	Window timeline.Span
	Look   *timeline.Look
	// Viewer is the id of the viewer's profile; empty for nobody in particular.
	Viewer string
	// Attributes are the viewer's, of a token that has any; nil leaves them to the stored profile. They are shared by requests and
	// not to be changed.
	Attributes map[string]any
	// Keep is the id of an earlier decision, to be answered again for as long as it still suits; empty for none. It is what a client
	// sent, and may be anything.
	Keep string
	Now  time.Time
}

// Instrument is what to show a viewer.
type Instrument struct {
	// Decision is the id of the choice, which events name.
	Decision string
	ID, Type string
	// Payload is valid JSON, which goes into the answer as it is; an empty one shows as null.
	Payload json.RawMessage
}

// Event is what a viewer did with an instrument.
type Event struct {
	// Type is one of the Event constants.
	Type string
	// Value is 0 to 1e9; nil where none was sent.
	Value *float64
	Now   time.Time
}

// Types of events.
const (
	EventView    = "view"
	EventClick   = "click"
	EventAnswer  = "answer"
	EventConvert = "convert"
	EventDismiss = "dismiss"
)

var (
	// ErrForgedDecision is wrapped by the errors of Engagement.Event when the decision's id was not made by this box.
	ErrForgedDecision = errors.New("forged decision")
	// ErrUnknownDecision is wrapped when the decision was forgotten since, or its viewer erased.
	ErrUnknownDecision = errors.New("unknown decision")
	// ErrDuplicateEvent is wrapped when the decision has an event of the type already.
	ErrDuplicateEvent = errors.New("duplicate event")
	// ErrLateEvent is wrapped when the event comes too long after the decision.
	ErrLateEvent = errors.New("late event")
)

// Bounds of what a query says of whom to engage.
const (
	maxProfile  = 256 // characters of a viewer's id
	maxDecision = 256 // bytes of a decision's id; ours have fewer
)

// checkProfile returns what is wrong with a viewer's id, whoever says it; empty where nothing is.
func checkProfile(id string) string {
	switch {
	case !utf8.ValidString(id):
		return "must be valid UTF-8"
	case id == "" || utf8.RuneCountInString(id) > maxProfile:
		return fmt.Sprintf("must have 1 to %d characters", maxProfile)
	case strings.ContainsFunc(id, unicode.IsControl):
		return "must have no control characters"
	}
	return ""
}

// engaged is whom a context's instruments are for.
type engaged struct {
	// wanted is false where no instruments are to be in the answer.
	wanted     bool
	viewer     string
	attributes map[string]any
	keep       string
	now        time.Time
}

// engage returns whom an answer to ctx engages. A token that names its viewer does so for all that it asks.
func (q *contextQuery) engage(ctx *fasthttp.RequestCtx) (engaged, error) {
	if !q.instruments {
		return engaged{}, nil
	}
	e := engaged{wanted: true, viewer: q.profile, keep: q.decision, now: ctx.Time()}
	who := IdentityOf(ctx)
	if who == nil {
		return e, nil
	}
	e.attributes = who.Profile
	if who.Viewer == "" {
		return e, nil
	}
	if e.viewer != "" && e.viewer != who.Viewer {
		return e, forbidden("profile", "your token is for another viewer than profile names; leave profile out, or send the viewer's own token")
	}
	if fault := checkProfile(who.Viewer); fault != "" {
		return e, forbidden("profile", "your token's subject is no viewer's id: it "+fault)
	}
	e.viewer = who.Viewer
	return e, nil
}

func forbidden(parameter, detail string) error {
	p := newProblem(fasthttp.StatusForbidden, detail)
	p.Parameter = parameter
	return p
}

// glance is what one look-up needs for as long as it lasts.
type glance struct {
	look      timeline.Look
	sightings sightingTexts
	question  EngagementQuery
}

// appendInstruments appends the instrument that suits the viewer, or none, as a list.
func (v *viewer) appendInstruments(b []byte, media string, position timeline.Position, w timeline.Span, g *glance, e engaged) []byte {
	b = append(b, '[')
	if v.engagement != nil {
		g.question = EngagementQuery{
			Media: media, Position: position, Window: w, Look: &g.look,
			Viewer: e.viewer, Attributes: e.attributes, Keep: e.keep, Now: e.now,
		}
		if one, ok := v.engagement.Decide(&g.question); ok {
			b = appendInstrument(b, one)
		}
		g.question = EngagementQuery{} // what waits for its next use keeps no viewer
	}
	return append(b, ']')
}

func appendInstrument(b []byte, one Instrument) []byte {
	b = appendString(append(b, `{"decision":`...), one.Decision)
	b = appendString(append(b, `,"id":`...), one.ID)
	b = appendString(append(b, `,"type":`...), one.Type)
	b = append(b, `,"payload":`...)
	if len(one.Payload) == 0 {
		b = append(b, "null"...)
	}
	return append(append(b, one.Payload...), '}')
}
