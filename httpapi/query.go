package httpapi

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// Longest windows that may be asked for: a context is merged entity by entity, a timeline is only copied.
const (
	maxContextWindow  = timeline.Position(time.Hour / time.Millisecond)
	maxTimelineWindow = 12 * maxContextWindow
)

// maxMedia is of how many media the context may be asked for at once.
const maxMedia = 100

// contextQuery is the query of GET .../context. Exactly one of hasPosition and hasTime is true.
type contextQuery struct {
	position, backward, forward timeline.Position
	at                          time.Time
	hasPosition, hasTime        bool
	// instruments is true when the viewer is to be engaged: the one that profile names, or nobody in particular.
	instruments bool
	profile     string
	// decision is an earlier decision to be answered again, or of several media one for each, with commas between them.
	decision string
}

// contextParameters are the known ones; others are ignored, so that clients may add their own for their logs.
var contextParameters = [...]string{"position", "time", "backward", "forward", "profile", "engage", "decision"}

// parseContextQuery reads and checks a query; errors are problems that name the parameter.
func parseContextQuery(uri *fasthttp.URI) (contextQuery, error) {
	if query := uri.QueryString(); bytes.IndexByte(query, '%') < 0 && bytes.IndexByte(query, '+') < 0 {
		return parsePlainQuery(query)
	}
	var q contextQuery
	var seen contextSeen
	for key, value := range uri.QueryArgs().All() {
		if err := q.add(&seen, key, value); err != nil {
			return q, err
		}
	}
	return q, q.check()
}

// parsePlainQuery reads and checks a query that has nothing escaped, as most have: what stands there is what is meant.
func parsePlainQuery(query []byte) (contextQuery, error) {
	var q contextQuery
	var seen contextSeen
	for len(query) > 0 {
		var one []byte
		one, query, _ = bytes.Cut(query, []byte{'&'})
		key, value, _ := bytes.Cut(one, []byte{'='})
		if err := q.add(&seen, key, value); err != nil {
			return q, err
		}
	}
	return q, q.check()
}

// contextSeen is which of contextParameters were given.
type contextSeen [len(contextParameters)]bool

// add reads a parameter if it is known.
func (q *contextQuery) add(seen *contextSeen, key, value []byte) error {
	for i, name := range contextParameters {
		if string(key) != name {
			continue
		}
		if seen[i] {
			return badParameter(name, "%s is given twice", name)
		}
		seen[i] = true
		return q.set(name, value)
	}
	return nil
}

func (q *contextQuery) set(name string, value []byte) (err error) {
	switch name {
	case "position":
		q.hasPosition = true
		q.position, err = parsePosition(name, value)
	case "time":
		q.hasTime = true
		q.at, err = parseTime(name, value)
	case "backward":
		q.backward, err = parseOffset(name, value)
	case "forward":
		q.forward, err = parseOffset(name, value)
	case "profile":
		// An app whose viewer has not logged in sends an empty one.
		if len(value) == 0 {
			return nil
		}
		q.instruments, q.profile = true, string(value)
		if fault := checkProfile(q.profile); fault != "" {
			return badParameter(name, "profile %s", fault)
		}
	case "decision":
		q.decision = string(value)
	case "engage":
		if string(value) != "0" && string(value) != "1" {
			return badParameter(name, "engage must be 0 or 1")
		}
		q.instruments = q.instruments || value[0] == '1'
	}
	return err
}

func (q *contextQuery) check() error {
	switch {
	case !q.hasPosition && !q.hasTime:
		return badParameter("position", "give a position in seconds, or a time as RFC 3339 has it")
	case q.hasPosition && q.hasTime:
		return badParameter("time", "give either position or time, not both")
	case q.backward+q.forward > maxContextWindow:
		name := "backward"
		if q.forward > q.backward {
			name = "forward"
		}
		return badParameter(name, "backward and forward together may be at most %v seconds", maxContextWindow)
	}
	return nil
}

// decisions returns the earlier decision of each of n media.
func (q *contextQuery) decisions(n int) ([]string, error) {
	const name = "decision"
	list := make([]string, n)
	if q.decision != "" {
		list = strings.SplitN(q.decision, ",", n+1)
	}
	if len(list) != n {
		return nil, badParameter(name, "give a decision for each media, with commas between them; an empty one stands for none")
	}
	for _, id := range list {
		if len(id) > maxDecision {
			return nil, badParameter(name, "a decision's id has at most %d bytes", maxDecision)
		}
	}
	return list, nil
}

// parseMedia returns the media that are asked for at once, as they are named.
func parseMedia(args *fasthttp.Args) ([]string, error) {
	const name = "media"
	var list []string
	for key, value := range args.All() {
		if string(key) != name {
			continue
		}
		if list != nil {
			return nil, badParameter(name, "%s is given twice; put commas between them", name)
		}
		// A comma more than fits is kept in the last one's name, which is one too many anyway.
		list = strings.SplitN(string(value), ",", maxMedia+1)
	}
	switch {
	case len(list) == 0:
		return nil, badParameter(name, "say which media, such as media=a,b")
	case slices.Contains(list, ""):
		return nil, badParameter(name, "a media's name is missing")
	case len(list) > maxMedia:
		return nil, badParameter(name, "ask for at most %d media at once", maxMedia)
	}
	return list, nil
}

// timelineQuery is the query of GET .../timeline; what was not given has a default that moves with the event.
type timelineQuery struct {
	from, until       timeline.Position
	hasFrom, hasUntil bool
}

func parseTimelineQuery(args *fasthttp.Args) (timelineQuery, error) {
	var q timelineQuery
	for key, value := range args.All() {
		var name string
		var given *bool
		var p *timeline.Position
		switch string(key) {
		case "from":
			name, given, p = "from", &q.hasFrom, &q.from
		case "until":
			name, given, p = "until", &q.hasUntil, &q.until
		default:
			continue
		}
		if *given {
			return q, badParameter(name, "%s is given twice", name)
		}
		*given = true
		var err error
		if *p, err = parsePosition(name, value); err != nil {
			return q, err
		}
	}
	if q.hasFrom && q.hasUntil && q.until < q.from {
		return q, badParameter("until", "until must not be before from")
	}
	return q, nil
}

func parsePosition(name string, value []byte) (timeline.Position, error) {
	if p, ok := plainPosition(value); ok {
		return p, nil
	}
	// The string lives no longer than value: ParsePosition keeps none of it, and its error has its own copy.
	p, err := timeline.ParsePosition(unsafe.String(unsafe.SliceData(value), len(value)))
	if err != nil {
		return 0, badParameter(name, "%s must be a number of seconds such as 50 or 50.25: %v", name, err)
	}
	return p, nil
}

// plainPosition reads what most ask with, at a fraction of what ParsePosition takes: at most nine digits, and three after a point.
func plainPosition(value []byte) (timeline.Position, bool) {
	const digits = 9
	var n timeline.Position
	i := 0
	for ; i < len(value) && value[i] != '.'; i++ {
		if value[i] < '0' || value[i] > '9' || i == digits {
			return 0, false
		}
		n = 10*n + timeline.Position(value[i]-'0')
	}
	n *= second
	if i == len(value) {
		return n, i > 0
	}
	scale := second
	for _, c := range value[i+1:] {
		if scale /= 10; c < '0' || c > '9' || scale == 0 {
			return 0, false
		}
		n += scale * timeline.Position(c-'0')
	}
	return n, i > 0 && scale < second
}

func parseOffset(name string, value []byte) (timeline.Position, error) {
	p, err := parsePosition(name, value)
	if err == nil && p < 0 {
		err = badParameter(name, "%s must not be negative", name)
	}
	return p, err
}

func parseTime(name string, value []byte) (time.Time, error) {
	// A + that was not escaped arrives as a space; RFC 3339 has a space nowhere else that this could be.
	const zone = len("+02:00")
	if i := len(value) - zone; i >= 0 && value[i] == ' ' {
		value[i] = '+'
	}
	var t time.Time
	if err := t.UnmarshalText(value); err != nil {
		return t, badParameter(name, "%q is not a time such as 2026-11-23T14:00:00Z (RFC 3339)", clip(string(value)))
	}
	return t, nil
}
