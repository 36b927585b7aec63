package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	// cacheForever is for windows that cannot change any more (RFC 8246).
	cacheForever = "public, max-age=31536000, immutable"
	// cacheBriefly lets a CDN answer a crowd with one question a second.
	cacheBriefly = "public, max-age=1"
)

// timeline answers GET /v1/media/{media}/timeline: the observations and breaks that meet a window, uncut.
func (v *viewer) timeline(ctx *fasthttp.RequestCtx) error {
	id := pathID(ctx)
	q, err := parseTimelineQuery(ctx.QueryArgs())
	if err != nil {
		return v.refuse(id, err)
	}
	// Before the snapshot, which may be the last that lacks a revision otherwise.
	before, some, err := v.media.Settled(id)
	if err != nil {
		return missing(id, err)
	}
	w, err := v.window(id, q)
	if err != nil {
		return err
	}
	t, err := v.media.Timeline(id, w)
	if err != nil {
		return missing(id, err)
	}

	var list []*timeline.Observation
	var breaks []timeline.Break
	if w.Len() >= 0 {
		list, breaks = t.Within(w), t.Breaks(w)
	}
	body := []byte(`{"observations":[`)
	for i, o := range list {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendObservation(body, o)
	}
	body = append(appendBreaks(append(body, `],"breaks":`...), breaks), '}')

	ctx.SetContentType(contentTypeJSON)
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheBriefly)
	if t.Complete(w) {
		tag(ctx, body)
		if some && q.settled(before, list, breaks) {
			ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheForever)
		}
	}
	if ctx.Response.StatusCode() == fasthttp.StatusOK {
		// Raw, so that one long answer is not kept as the buffer of all the short ones after it.
		ctx.Response.SetBodyRaw(body)
	}
	return nil
}

// window returns the window that is asked for: where nothing else was said, from where the analysis began to where it ends.
func (v *viewer) window(id string, q timelineQuery) (timeline.Span, error) {
	w := timeline.Span{From: q.from, Until: q.until}
	if !q.hasFrom || !q.hasUntil {
		t, err := v.media.Timeline(id, nowhere)
		if err != nil {
			return w, missing(id, err)
		}
		analyzed := t.Analyzed()
		if !q.hasUntil {
			w.Until = w.From
			if len(analyzed) > 0 {
				w.Until = analyzed[len(analyzed)-1].Until
			}
		}
		if !q.hasFrom {
			w.From = w.Until
			if len(analyzed) > 0 {
				w.From = min(w.Until, analyzed[0].From)
			}
		}
	}
	if w.Len() > maxTimelineWindow {
		return w, badParameter("from", "a window may be at most %v seconds; give from and until", maxTimelineWindow)
	}
	return w, nil
}

// settled reports whether the answer to a window that was analysed is the same for ever: both ends were asked for, nothing
// in it will be revised, as nothing before a position will, and no scene or break in it is still to end.
func (q timelineQuery) settled(before timeline.Position, list []*timeline.Observation, breaks []timeline.Break) bool {
	return q.hasFrom && q.hasUntil && q.until < before &&
		!slices.ContainsFunc(list, func(o *timeline.Observation) bool { return o.Open }) &&
		!slices.ContainsFunc(breaks, func(b timeline.Break) bool { return b.Open })
}

// tag names body, or answers 304 when the client has it (RFC 9110, section 13.1.2).
func tag(ctx *fasthttp.RequestCtx, body []byte) {
	sum := sha256.Sum256(body)
	tag := make([]byte, 0, 2+32)
	tag = append(tag, '"')
	tag = hex.AppendEncode(tag, sum[:16])
	tag = append(tag, '"')
	h := &ctx.Response.Header
	h.SetBytesV(fasthttp.HeaderETag, tag)
	h.Set(fasthttp.HeaderAccessControlExposeHeaders, fasthttp.HeaderETag)
	if noneMatch(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), tag) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
	}
}

// noneMatch reports whether an If-None-Match field names tag, by the weak comparison that it asks for.
func noneMatch(field, tag []byte) bool {
	for one := range bytes.SplitSeq(field, []byte(",")) {
		one = bytes.TrimPrefix(bytes.TrimSpace(one), []byte("W/"))
		if string(one) == "*" || bytes.Equal(one, tag) {
			return true
		}
	}
	return false
}
