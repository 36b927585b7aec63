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
	q, err := parseContextQuery(ctx.QueryArgs())
	if err != nil {
		return v.refuse(id, err)
	}
	if q.hasTime {
		var told bool
		if q.position, told, err = v.media.PositionAt(id, q.at); err != nil {
			return missing(id, err)
		}
		if !told {
			return badParameter("time", "this media's stream tells no wall-clock time; ask by position")
		}
	}
	w := timeline.Span{From: q.position - q.backward, Until: q.position + q.forward}
	t, err := v.media.Timeline(id, w)
	if err != nil {
		return missing(id, err)
	}

	found := v.contexts.Get().(*timeline.Context)
	defer v.contexts.Put(found)
	t.Context(found, w)

	// The answer is built in the response's own buffer, which fasthttp keeps for the next one.
	body := ctx.Response.SwapBody(nil)[:0]
	ctx.Response.SwapBody(appendContext(body, id, t, w, found, q.instruments))
	ctx.SetContentType(contentTypeJSON)
	cache := cacheBriefly
	if q.instruments {
		cache = cacheNever // chosen for one viewer
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cache)
	return nil
}

func appendContext(b []byte, id string, t *timeline.Timeline, w timeline.Span, c *timeline.Context, instruments bool) []byte {
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
	b = appendSeen(append(b, `,"celebrities":`...), c.Celebrities)
	b = appendSeen(append(b, `,"objects":`...), c.Objects)
	if len(c.Breaks) > 0 {
		b = appendBreaks(append(b, `,"breaks":`...), c.Breaks)
	}
	if instruments {
		b = append(b, `,"instruments":[]`...)
	}
	return append(b, '}')
}
