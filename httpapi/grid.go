package httpapi

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// gridLengths are the lengths of the windows that all viewers share; each begins at a multiple of its length.
var gridLengths = [...]timeline.Position{1 * second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second, 60 * second}

// gridWindow answers GET /v1/media/{media}/windows/{from}-{until}: the context of a window that lies on a grid. Once the window is
// complete and settled its answer is the same for ever, byte by byte: analyzed_until is the window's own end.
func (v *viewer) gridWindow(ctx *fasthttp.RequestCtx) error {
	id := pathID(ctx)
	name, _ := ctx.UserValue("window").(string)
	w, err := parseGridWindow(name)
	if err != nil {
		return v.refuse(id, err)
	}
	e, err := v.extract(id, timelineQuery{from: w.From, until: w.Until, hasFrom: true, hasUntil: true})
	if err != nil {
		return err
	}
	body := v.appendWindow(nil, id, e.timeline, w)
	if e.complete {
		// How far the analysis is by now would make each answer another one.
		body = replaceAnalyzed(body, w.Until)
	}
	return v.reply(ctx, e, contentTypeJSON, body)
}

// replaceAnalyzed puts p in the place of an answer's analyzed_until. Before that stands the media's id, whose quotation marks are
// escaped, so what is found first is the member's name.
func replaceAnalyzed(body []byte, p timeline.Position) []byte {
	const name = `,"analyzed_until":`
	head, rest, _ := bytes.Cut(body, []byte(name))
	i := bytes.IndexByte(rest, ',')
	out := make([]byte, 0, len(body)+len(name))
	return append(p.Append(append(append(out, head...), name...)), rest[i:]...)
}

// parseGridWindow reads a window such as 45-60. The errors are problems that say the nearest one. Each window has one name, so
// that it has one address.
func parseGridWindow(name string) (timeline.Span, error) {
	const parameter = "window"
	i := strings.IndexByte(name[min(1, len(name)):], '-') + 1 // a position may be negative
	if i == 0 {
		return timeline.Span{}, badParameter(parameter, "%q is not a window such as 45-60, in seconds", clip(name))
	}
	var w timeline.Span
	var err error
	if w.From, err = parsePosition(parameter, []byte(name[:i])); err != nil {
		return w, err
	}
	if w.Until, err = parsePosition(parameter, []byte(name[i+1:])); err != nil {
		return w, err
	}
	near := nearestGridWindow(w)
	if near != w || gridName(near) != name {
		return w, badParameter(parameter, "a window is 1, 2, 5, 10, 15, 30 or 60 seconds long, begins at a multiple of its length and has no "+
			"decimals; the nearest is %s", gridName(near))
	}
	return w, nil
}

// nearestGridWindow returns the grid's window of the most similar length that has the middle of w in it.
func nearestGridWindow(w timeline.Span) timeline.Span {
	length := gridLengths[0]
	for _, l := range gridLengths {
		if distance(l, w.Len()) < distance(length, w.Len()) {
			length = l
		}
	}
	from := floor((w.From+w.Until)/2, length) * length
	return timeline.Span{From: from, Until: from + length}
}

func distance(a, b timeline.Position) timeline.Position { return max(a-b, b-a) }

// floor returns how often length, which is positive, goes into p, rounded down.
func floor(p, length timeline.Position) timeline.Position {
	n := p / length
	if p%length < 0 {
		n--
	}
	return n
}

// gridName returns a window as its address has it.
func gridName(w timeline.Span) string {
	return strconv.FormatInt(int64(w.From/second), 10) + "-" + strconv.FormatInt(int64(w.Until/second), 10)
}
