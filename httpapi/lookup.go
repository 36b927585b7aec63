package httpapi

import (
	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// context answers GET /v1/media/{media}/context: who and what is on screen in a window, and which breaks meet it. Beyond what
// the Media does it takes no lock, no disk and, for media known at the start, no memory.
func (v *viewer) context(ctx *fasthttp.RequestCtx) error {
	segment, _ := contextID(ctx.Request.URI().PathOriginal())
	id := v.id(segment)
	q, err := parseContextQuery(ctx.URI())
	if err != nil {
		return v.refuse(id, err)
	}
	who, err := q.engage(ctx)
	if err != nil {
		return err
	}
	if len(who.keep) > maxDecision {
		return badParameter("decision", "a decision's id has at most %d bytes", maxDecision)
	}
	// The answer is built in the response's own buffer, which fasthttp keeps for the next one.
	body, err := v.appendContext(ctx.Response.SwapBody(nil)[:0], id, q, who)
	if err != nil {
		return err
	}
	ctx.Response.SwapBody(body)
	ctx.SetContentType(contentTypeJSON)
	setHeader(&ctx.Response.Header, fasthttp.HeaderCacheControl, q.cache())
	return nil
}

// cache returns for how long an answer may be kept.
func (q *contextQuery) cache() string {
	if q.instruments {
		return cacheNever // chosen for one viewer
	}
	return cacheLive
}

// appendContext appends what is on screen of a media, or returns why that cannot be told.
func (v *viewer) appendContext(b []byte, id string, q contextQuery, who engaged) ([]byte, error) {
	if q.hasTime {
		var told bool
		var err error
		if q.position, told, err = v.media.PositionAt(id, q.at); err != nil {
			return nil, missing(id, err)
		}
		if !told {
			return nil, badParameter("time", "this media's stream tells no wall-clock time; ask by position")
		}
	}
	w := timeline.Span{From: q.position - q.backward, Until: q.position + q.forward}
	t, err := v.media.Timeline(id, w)
	if err != nil {
		return nil, missing(id, err)
	}
	g := v.glances.Get().(*glance)
	b = g.appendLook(b, id, t, w)
	if who.wanted {
		b = v.appendInstruments(append(b, `,"instruments":`...), id, q.position, w, g, who)
	}
	v.glances.Put(g)
	return append(b, '}'), nil
}

// appendWindow appends what t tells of the window w of a media, to whoever asks.
func (v *viewer) appendWindow(b []byte, id string, t *timeline.Timeline, w timeline.Span) []byte {
	g := v.glances.Get().(*glance)
	b = append(g.appendLook(b, id, t, w), '}')
	v.glances.Put(g)
	return b
}

// appendLook appends the answer but for its last brace.
func (g *glance) appendLook(b []byte, id string, t *timeline.Timeline, w timeline.Span) []byte {
	t.Look(&g.look, w)
	l := &g.look
	b = appendString(append(b, `{"media":`...), id)
	b = appendSpan(append(b, ','), w)
	b = append(b, `,"analyzed_until":`...)
	if p, ok := t.AnalyzedUntil(); ok {
		b = p.Append(b)
	} else {
		b = append(b, "null"...)
	}
	if t.Complete(w) {
		b = append(b, `,"complete":true`...)
	} else {
		b = append(b, `,"complete":false`...)
	}
	texts := t.Texts(appendText)
	b = appendSightings(append(b, `,"celebrities":`...), l.Celebrities, texts, &g.sightings)
	b = appendSightings(append(b, `,"objects":`...), l.Objects, texts, &g.sightings)
	if len(l.Breaks) > 0 {
		b = appendBreaks(append(b, `,"breaks":`...), l.Breaks)
	}
	return b
}
