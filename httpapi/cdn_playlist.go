package httpapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	contentTypePlaylist = "application/vnd.apple.mpegurl" // RFC 8216, section 4
	// metadataWindow is the length of a segment of the metadata playlist. Segment n is the window from n times that on.
	metadataWindow = 10 * second
	// tailSegments is how many segments a playlist goes back where the question does not say, and mostSegments how many at most:
	// an hour, and twelve.
	tailSegments, mostSegments = 360, 4320
	// tailRanges and mostRanges are the same for a playlist with date ranges, which are long: five minutes, and an hour.
	tailRanges, mostRanges = 30, 360
	// endTouches is how near the analysed end must have come to that of an ended stream for all to count as analysed.
	endTouches = second
	// maxTimestamp is where MPEG-2 timestamps wrap (ISO/IEC 13818-1, section 2.4.3.7).
	maxTimestamp  = 1 << 33
	ticksPerMilli = 90
)

// Timestamps is what a Media may be besides: one that knows its streams' own clocks. Without it the metadata playlist says that
// positions are the streams' PTS, as they are where a media's zero is pts.
type Timestamps interface {
	// Timestamps returns how the newest stretch of a stream counts: the PTS of position 0, unwrapped, in ticks of 90 kHz, and the
	// number of its discontinuity sequence (RFC 8216, section 4.3.3.3); false when that is not known.
	Timestamps(id string) (zero int64, discontinuity uint64, ok bool, err error)
}

// listing is a metadata playlist: segments of 10 s, counted by their place in the event, so that every copy of the box numbers
// them alike and a restart changes nothing.
type listing struct {
	media       string
	timeline    *timeline.Timeline
	first, next timeline.Position // the segments' numbers: [first, next)
	last        timeline.Position // the last segment's length; all others are metadataWindow long
	ended       bool
	wall        time.Time // of the first segment's begin; zero where the stream tells no time
	// timestamp is the MPEG-2 timestamp of position 0, and discontinuity the number of the sequence that counts by it.
	timestamp     int64
	discontinuity uint64
}

// span returns what the segments cover.
func (l *listing) span() timeline.Span {
	if l.next <= l.first {
		return nowhere
	}
	return timeline.Span{From: l.first * metadataWindow, Until: (l.next-1)*metadataWindow + l.last}
}

// metadataPlaylist answers GET /v1/media/{media}/metadata.m3u8: a media playlist of WebVTT segments, to be named as a rendition of
// TYPE=SUBTITLES beside the stream. Parameter from says where to begin.
func (v *viewer) metadataPlaylist(ctx *fasthttp.RequestCtx) error {
	l, err := v.listSegments(ctx, tailSegments, mostSegments)
	if err != nil {
		return err
	}
	return v.replyPlaylist(ctx, l, l.appendSegments(l.appendHead(nil)))
}

// replyPlaylist answers with a playlist, which holds until its next segment is complete.
func (v *viewer) replyPlaylist(ctx *fasthttp.RequestCtx, l *listing, body []byte) error {
	v.setHold(ctx, l.media, l.timeline, l.next*metadataWindow)
	sendTagged(ctx, contentTypePlaylist, body)
	return nil
}

// listSegments returns the segments that are complete, from where the question says or tail of them, and never more than most. A stretch that
// nobody looked at has segments too, for their numbers must have no holes (RFC 8216, section 4.3.3.2).
func (v *viewer) listSegments(ctx *fasthttp.RequestCtx, tail, most timeline.Position) (*listing, error) {
	id := pathID(ctx)
	q, err := parseTimelineQuery(ctx.QueryArgs())
	if err != nil {
		return nil, v.refuse(id, err)
	}
	l := &listing{media: id, last: metadataWindow}
	if l.timeline, err = v.media.Timeline(id, nowhere); err != nil {
		return nil, missing(id, err)
	}
	done, _ := l.timeline.AnalyzedUntil()
	done = max(0, done)
	l.next = done / metadataWindow
	if l.ended = v.over(id, done); l.ended && done%metadataWindow > 0 {
		l.next, l.last = l.next+1, done%metadataWindow
	}
	l.first = l.next - tail
	if q.hasFrom {
		l.first = max(floor(q.from, metadataWindow), l.next-most)
	}
	if spans := l.timeline.Analyzed(); len(spans) > 0 {
		l.first = max(l.first, floor(spans[0].From, metadataWindow))
	}
	l.first = max(0, min(l.first, l.next))
	return l, v.date(l)
}

// over reports whether an event has ended and all of it was analysed, until done.
func (v *viewer) over(id string, done timeline.Position) bool {
	status, err := v.media.Status(id)
	return err == nil && status.State == StateEnded && (status.LiveEdge == nil || done+endTouches >= *status.LiveEdge)
}

// date fills in what the stream's clocks say.
func (v *viewer) date(l *listing) error {
	from := l.first * metadataWindow
	// A media knows the position of a time, and positions go as fast as time: so the other way is one step from any time.
	wall := time.Unix(0, 0).UTC()
	at, told, err := v.media.PositionAt(l.media, wall)
	if err != nil {
		return missing(l.media, err)
	}
	if told {
		l.wall = wall.Add((from - at).Duration())
	}
	if m, ok := v.media.(Timestamps); ok {
		zero, discontinuity, known, err := m.Timestamps(l.media)
		if err != nil {
			return missing(l.media, err)
		}
		if known {
			l.timestamp, l.discontinuity = wrap(zero), discontinuity
		}
	}
	return nil
}

// wrap returns a PTS as the 33 bits of MPEG-2 have it.
func wrap(pts int64) int64 { return pts & (maxTimestamp - 1) }

// dateFormat is ISO 8601 with milliseconds, as RFC 8216 section 4.3.2.6 asks for.
const dateFormat = "2006-01-02T15:04:05.000Z"

// appendHead appends the tags of the playlist. The date stands for all segments: they have no discontinuity.
func (l *listing) appendHead(b []byte) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, int64(metadataWindow/second), 10)
	b = strconv.AppendInt(append(b, "\n#EXT-X-MEDIA-SEQUENCE:"...), int64(l.first), 10)
	if l.discontinuity > 0 {
		b = strconv.AppendUint(append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...), l.discontinuity, 10)
	}
	if !l.wall.IsZero() && l.next > l.first {
		b = l.wall.AppendFormat(append(b, "\n#EXT-X-PROGRAM-DATE-TIME:"...), dateFormat)
	}
	return append(b, '\n')
}

// appendSegments appends the segments. How the stream counts is part of their addresses, so that each is immutable.
func (l *listing) appendSegments(b []byte) []byte {
	for n := l.first; n < l.next; n++ {
		length := metadataWindow
		if n == l.next-1 {
			length = l.last
		}
		b = length.Append(append(b, "#EXTINF:"...))
		b = strconv.AppendInt(append(b, ",\nmetadata/"...), int64(n), 10)
		b = append(b, ".vtt"...)
		if l.timestamp != 0 {
			b = strconv.AppendInt(append(b, "?mpegts="...), l.timestamp, 10)
		}
		b = append(b, '\n')
	}
	if l.ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}

// metadataSegment answers GET /v1/media/{media}/metadata/{n}.vtt: the cues that are shown in window n, with their whole times
// (RFC 8216, section 3.5). mpegts is the MPEG-2 timestamp of position 0.
func (v *viewer) metadataSegment(ctx *fasthttp.RequestCtx) error {
	id := pathID(ctx)
	timestamp, err := parseTimestamp(ctx.QueryArgs())
	if err != nil {
		return v.refuse(id, err)
	}
	name, _ := ctx.UserValue("segment").(string)
	w, ok := metadataSpan(name)
	if !ok {
		return v.refuse(id, noSegment(name))
	}
	e, err := v.extract(id, timelineQuery{from: w.From, until: w.Until, hasFrom: true, hasUntil: true})
	if err != nil {
		return err
	}
	if done, _ := e.timeline.AnalyzedUntil(); w.Until > done && (w.From >= done || !v.over(id, done)) {
		return noSegment(name)
	}
	body := appendCueTime([]byte("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:"), w.From)
	body = strconv.AppendInt(append(body, ",MPEGTS:"...), wrap(timestamp+wrap(int64(w.From)*ticksPerMilli)), 10)
	body = append(body, "\n\n"...)
	for _, o := range e.observations {
		if o.From < w.Until {
			body = AppendCue(body, o)
		}
	}
	return v.reply(ctx, e, contentTypeVTT, body)
}

func noSegment(name string) error {
	return newProblem(fasthttp.StatusNotFound, "there is no segment "+strconv.Quote(clip(name))+" yet, or ever")
}

// metadataSpan returns the window of a segment's name, such as 12.vtt.
func metadataSpan(name string) (w timeline.Span, ok bool) {
	number, ok := strings.CutSuffix(name, ".vtt")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 0 || n >= int64(timeline.MaxPosition/metadataWindow) || strconv.FormatInt(n, 10) != number {
		return w, false
	}
	from := timeline.Position(n) * metadataWindow
	return timeline.Span{From: from, Until: from + metadataWindow}, true
}

// parseTimestamp reads the parameter mpegts; 0 where there is none.
func parseTimestamp(args *fasthttp.Args) (int64, error) {
	const name = "mpegts"
	values := args.PeekMulti(name)
	switch len(values) {
	case 0:
		return 0, nil
	case 1:
	default:
		return 0, badParameter(name, "%s is given twice", name)
	}
	n, err := strconv.ParseInt(string(values[0]), 10, 64)
	if err != nil || n < 0 || n >= maxTimestamp {
		return 0, badParameter(name, "%s must be an MPEG-2 timestamp from 0 to %d", name, maxTimestamp-1)
	}
	return n, nil
}
