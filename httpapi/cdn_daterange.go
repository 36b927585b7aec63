package httpapi

import (
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// Who reads EXT-X-DATERANGE, and from where: hls.js makes a cue of each client attribute on its "id3" track when a level is updated
// (src/controller/id3-track-controller.ts, onLevelUpdated), and only where that level has EXT-X-PROGRAM-DATE-TIME; of a playlist of
// subtitles an app gets no more than details.dateRanges in the event SUBTITLE_TRACK_LOADED. AVFoundation, and Safari over it, gives an
// AVPlayerItemMetadataCollector those of the media playlist that it plays. So these tags are a playlist of their own, for a packager
// or an edge function to copy into the variants, and what a player loads as a rendition is the metadata playlist without them.

// dateRangeClass is the CLASS of the date ranges; the attributes of their own begin with the same name (RFC 8216, section 4.3.2.7).
const dateRangeClass = "com.spotter.observation"

// dateRangePlaylist answers GET /v1/media/{media}/dateranges.m3u8: the metadata playlist with an EXT-X-DATERANGE for each scene in
// which somebody or something is named. A stream that tells no time has no date ranges.
func (v *viewer) dateRangePlaylist(ctx *fasthttp.RequestCtx) error {
	l, err := v.listSegments(ctx, tailRanges, mostRanges)
	if err != nil {
		return err
	}
	w := l.span()
	t, err := v.media.Timeline(l.media, w)
	if err != nil {
		return missing(l.media, err)
	}
	body := l.appendHead(nil)
	if w.Len() >= 0 && !l.wall.IsZero() {
		for _, o := range t.Within(w) {
			if o.From < w.Until && len(o.Celebrities)+len(o.Objects) > 0 {
				body = l.appendDateRange(body, o)
			}
		}
	}
	return v.replyPlaylist(ctx, l, l.appendSegments(body))
}

// appendDateRange appends a tag (rfc8216bis, section 4.4.5.1). Two tags of one ID may not contradict each other, so a revised scene
// has another ID; one that is still on screen has no DURATION.
func (l *listing) appendDateRange(b []byte, o *timeline.Observation) []byte {
	b = appendQuoted(append(b, `#EXT-X-DATERANGE:ID="`...), l.media)
	b = o.From.Append(append(b, ':'))
	b = strconv.AppendInt(append(b, ':'), int64(o.Revision), 10)
	b = append(b, `",CLASS="`+dateRangeClass+`",START-DATE="`...)
	b = l.wall.Add((o.From - l.first*metadataWindow).Duration()).AppendFormat(b, dateFormat)
	b = append(b, '"')
	if !o.Open {
		b = o.Len().Append(append(b, ",DURATION="...))
	}
	b = o.From.Append(append(b, ",X-COM-SPOTTER-POSITION="...))
	b = appendQuoted(append(b, `,X-COM-SPOTTER-SOURCE="`...), o.Source)
	b = appendNames(append(b, '"'), ",X-COM-SPOTTER-CELEBRITIES=", o.Celebrities)
	return append(appendNames(b, ",X-COM-SPOTTER-OBJECTS=", o.Objects), '\n')
}

// appendNames appends an attribute that lists the entities' names with a semicolon between them, unless there are none. A reader
// splits at the semicolons, and then undoes percent-encoding.
func appendNames(b []byte, attribute string, list []timeline.Entity) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(append(b, attribute...), '"')
	for i := range list {
		if i > 0 {
			b = append(b, ';')
		}
		b = appendQuoted(b, list[i].Name)
	}
	return append(b, '"')
}

// appendQuoted appends s as it may stand in a quoted string (RFC 8216, sections 4.1 and 4.2): quotation marks, semicolons and
// control characters are percent-encoded (RFC 3986, section 2.1), and so are braces, which name variables (rfc8216bis, section 4.3).
func appendQuoted(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == '"', r == ';', r == '%', r == '{', r == '}':
			var buf [utf8.UTFMax]byte
			for _, c := range utf8.AppendRune(buf[:0], r) {
				b = append(b, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			}
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
