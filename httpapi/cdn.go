package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	// cacheForever is for windows that cannot change any more (RFC 8246).
	cacheForever = "public, max-age=31536000, immutable"
	// cacheSettled is for them where a person may edit what was observed.
	cacheSettled = "public, max-age=60, stale-while-revalidate=60, stale-if-error=3600"
	// cacheBriefly lets a CDN answer a crowd with one question a second.
	cacheBriefly = "public, max-age=1"
	// cacheLive is for what may change at any moment; setHold says the same of it.
	cacheLive = "public, max-age=1, stale-while-revalidate=1, stale-if-error=60"
)

// How long an answer that may still change holds, in seconds.
const (
	// holdLive is the shortest that Cache-Control can say: a segment or a correction may come at any moment.
	holdLive = 1
	// holdEnded is for an event that is over: only late corrections come.
	holdEnded = 10
	// holdMost bounds how long nothing is asked about what is still to come, should the stream's clock be set.
	holdMost = 60
)

// cdnRoutes registers what a CDN can carry for a crowd.
func (v *viewer) cdnRoutes(s *Server) {
	s.get("/v1/media/{media}/timeline.vtt", v.timelineVTT)
	s.get("/v1/media/{media}/windows/{window}", v.gridWindow)
	s.get("/v1/media/{media}/metadata.m3u8", v.metadataPlaylist)
	s.get("/v1/media/{media}/metadata/{segment}", v.metadataSegment)
	s.get("/v1/media/{media}/dateranges.m3u8", v.dateRangePlaylist)
}

// extract is what the newest snapshot of a media has of a window.
type extract struct {
	media        string
	timeline     *timeline.Timeline
	window       timeline.Span
	observations []*timeline.Observation
	breaks       []timeline.Break
	complete     bool // all of the window was analysed
	settled      bool // it is the same for ever
}

// extract reads the window that q asks for.
func (v *viewer) extract(id string, q timelineQuery) (*extract, error) {
	// Before the snapshot, which may be the last that lacks a revision otherwise.
	before, some, err := v.media.Settled(id)
	if err != nil {
		return nil, missing(id, err)
	}
	w, err := v.window(id, q)
	if err != nil {
		return nil, err
	}
	t, err := v.media.Timeline(id, w)
	if err != nil {
		return nil, missing(id, err)
	}
	e := &extract{media: id, timeline: t, window: w}
	if w.Len() >= 0 {
		e.observations, e.breaks = t.Within(w), t.Breaks(w)
	}
	e.complete = t.Complete(w)
	e.settled = e.complete && some && q.settled(before, e.observations, e.breaks)
	return e, nil
}

// settled reports whether the answer to a window that was analysed is the same for ever: both ends were asked for, nothing
// in it will be revised, as nothing before a position will, and no scene or break in it is still to end.
func (q timelineQuery) settled(before timeline.Position, list []*timeline.Observation, breaks []timeline.Break) bool {
	return q.hasFrom && q.hasUntil && q.until < before &&
		!slices.ContainsFunc(list, func(o *timeline.Observation) bool { return o.Open }) &&
		!slices.ContainsFunc(breaks, func(b timeline.Break) bool { return b.Open })
}

// reply answers with what was made of an extract, which holds for ever or for as long as the extract does.
func (v *viewer) reply(ctx *fasthttp.RequestCtx, e *extract, contentType string, body []byte) error {
	if e.settled {
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, v.settled)
	} else {
		v.setHold(ctx, e.media, e.timeline, e.window.From)
	}
	sendTagged(ctx, contentType, body)
	return nil
}

// sendTagged answers with body and its tag, or with 304 when the client has it.
func sendTagged(ctx *fasthttp.RequestCtx, contentType string, body []byte) {
	ctx.SetContentType(contentType)
	tag(ctx, body)
	if ctx.Response.StatusCode() == fasthttp.StatusOK {
		// Raw, so that one long answer is not kept as the buffer of all the short ones after it.
		ctx.Response.SetBodyRaw(body)
	}
}

// setHold says for how long an answer holds that changes when something new is known from p on. It may serve as long again while a
// CDN asks for the next one, and for a minute when the box cannot be asked (RFC 5861).
func (v *viewer) setHold(ctx *fasthttp.RequestCtx, id string, t *timeline.Timeline, p timeline.Position) {
	n := v.hold(id, t, p, ctx.Time())
	b := strconv.AppendInt([]byte("public, max-age="), n, 10)
	b = strconv.AppendInt(append(b, ", stale-while-revalidate="...), n, 10)
	ctx.Response.Header.SetBytesV(fasthttp.HeaderCacheControl, append(b, ", stale-if-error=60"...))
}

// hold returns for how many seconds nothing new can be known from p on. A segment is published when its last picture was taken,
// so what lies behind the analysed end cannot come before the event gets there; all else may change at any moment.
func (v *viewer) hold(id string, t *timeline.Timeline, p timeline.Position, now time.Time) int64 {
	if status, err := v.media.Status(id); err == nil && status.State == StateEnded {
		return holdEnded
	}
	if done, some := t.AnalyzedUntil(); some && p < done {
		return holdLive
	}
	live, told, err := v.media.PositionAt(id, now)
	if err != nil || !told {
		return holdLive
	}
	return int64(min(max((p-live)/second, holdLive), holdMost))
}

// second is a second on a media's clock.
const second = timeline.Position(1000)

// tag names body as it will be sent, or answers 304 when the client has it (RFC 9110, section 13.1.2). Each content coding of a
// body is another representation, with a strong validator of its own (section 8.8.3.3).
func tag(ctx *fasthttp.RequestCtx, body []byte) {
	sum := sha256.Sum256(body)
	tag := make([]byte, 0, 2+32+len("-gzip"))
	tag = append(tag, '"')
	tag = hex.AppendEncode(tag, sum[:16])
	coding := chooseCoding(ctx, len(body))
	if coding != identity {
		tag = append(append(tag, '-'), coding...)
	}
	tag = append(tag, '"')
	h := &ctx.Response.Header
	h.SetBytesV(fasthttp.HeaderETag, tag)
	if noneMatch(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), tag) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		if len(body) >= minCompressed {
			h.Add(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding) // as the 200 would (RFC 9110, section 15.4.5)
		}
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
