package httpapi

import (
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// contentTypeVTT is always UTF-8 (WebVTT, section 9).
const contentTypeVTT = "text/vtt"

// timelineVTT answers GET /v1/media/{media}/timeline.vtt: the observations that meet a window, uncut, as WebVTT metadata cues. Cue
// times are positions; those before zero are left out.
func (v *viewer) timelineVTT(ctx *fasthttp.RequestCtx) error {
	e, err := v.askedExtract(ctx)
	if err != nil {
		return err
	}
	if err := v.room.takeFor(ctx, e.observations); err != nil {
		return err
	}
	body := []byte("WEBVTT\n\n")
	for _, o := range e.observations {
		body = AppendCue(body, o)
	}
	return v.reply(ctx, e, contentTypeVTT, body)
}

// AppendCue appends an observation as a WebVTT metadata cue and the empty line behind it (W3C WebVTT, sections 3.1 and 4.1). The
// payload is the observation's JSON in one line, the cue's times are its span; what lies before position 0, of which WebVTT has no
// times, is left out, and so is a span of no length. The cue's id is made of the span in milliseconds and the revision: players keep
// one cue of each id, and a scene that grew or was revised is another one.
func AppendCue(b []byte, o *timeline.Observation) []byte {
	from := max(0, o.From)
	if o.Until <= from {
		return b
	}
	b = strconv.AppendInt(b, int64(o.From), 10)
	b = strconv.AppendInt(append(b, '-'), int64(o.Until), 10)
	b = strconv.AppendInt(append(b, '-'), int64(o.Revision), 10)
	b = appendCueTime(append(b, '\n'), from)
	b = appendCueTime(append(b, " --> "...), o.Until)
	return append(appendUnmarked(append(b, '\n'), appendObservation(nil, o)), "\n\n"...)
}

// appendUnmarked appends JSON with <, > and & escaped, as encoding/json does: no "-->" may stand in a cue, and nothing in it is
// markup to a player that takes the cue for a subtitle. Outside strings JSON has none of the three.
func appendUnmarked(b, text []byte) []byte {
	for _, c := range text {
		switch c {
		case '<', '>', '&':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// appendCueTime appends a position that is not negative as a WebVTT timestamp.
func appendCueTime(b []byte, p timeline.Position) []byte {
	s := p / second
	return fmt.Appendf(b, "%02d:%02d:%02d.%03d", s/3600, s/60%60, s%60, p%second)
}
