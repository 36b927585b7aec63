package httpapi

import (
	"bytes"
	"math/rand/v2"
	"strconv"

	"spotter/timeline"
)

// liveID is the id of an event, or where a stream is to begin. It is written as a position in milliseconds, and where an
// event has one also as the feed that it came from and its number there: "41250" or "41250.9x3k1c.17".
//
// Within a feed the number makes a resumption exact, as long as the feed has the events that follow. Where it has not, or is
// another one, as after a restart or behind a balancer, all that ends after the position is sent again: nothing that the
// client has not seen lies before it, as it was settled when the event came. So nothing is lost, some things come
// twice (the same observation with the same revision), and how much does not grow with how long the event lasts.
type liveID struct {
	some     bool // false: from now on
	position timeline.Position
	feed     string // empty for a position alone
	number   uint64
}

// newFeedName returns a name that no other feed has, in this process or another.
func newFeedName() string { return strconv.FormatUint(rand.Uint64()>>8, 36) }

func (id liveID) append(b []byte) []byte {
	b = strconv.AppendInt(b, int64(id.position), 10)
	if id.feed != "" {
		b = append(append(append(b, '.'), id.feed...), '.')
		b = strconv.AppendUint(b, id.number, 10)
	}
	return b
}

// parseLiveID reads an id that append wrote; an empty text is no id. The error names the parameter.
func parseLiveID(name string, text []byte) (liveID, error) {
	if len(text) == 0 {
		return liveID{}, nil
	}
	position, rest, exact := bytes.Cut(text, []byte("."))
	ms, err := strconv.ParseInt(string(position), 10, 64)
	id := liveID{some: true, position: timeline.Position(ms)}
	bad := err != nil || id.position < -timeline.MaxPosition || id.position > timeline.MaxPosition
	if exact && !bad {
		feed, number, ok := bytes.Cut(rest, []byte("."))
		id.feed = string(feed)
		id.number, err = strconv.ParseUint(string(number), 10, 64)
		bad = !ok || err != nil || len(feed) == 0
	}
	if bad {
		return liveID{}, badParameter(name, "%q is not the id of an event of this stream", clip(string(text)))
	}
	return id, nil
}

// appendObservationEvent appends an observation as a server-sent event.
func appendObservationEvent(b []byte, id liveID, o *timeline.Observation) []byte {
	b = append(id.append(append(b, "event: observation\nid: "...)), "\ndata: "...)
	return append(appendObservation(b, o), "\n\n"...)
}

// appendBreakEvent appends a break as a server-sent event; it has no id where that is not some.
func appendBreakEvent(b []byte, id liveID, x timeline.Break) []byte {
	b = append(b, "event: break\n"...)
	if id.some {
		b = append(id.append(append(b, "id: "...)), '\n')
	}
	list := appendBreaks(nil, []timeline.Break{x})
	return append(append(append(b, "data: "...), list[1:len(list)-1]...), "\n\n"...)
}

// appendStateEvent appends a media's state as a server-sent event; it has no id where that is not some.
func appendStateEvent(b []byte, id liveID, media, state string) []byte {
	b = append(b, "event: state\n"...)
	if id.some {
		b = append(id.append(append(b, "id: "...)), '\n')
	}
	b = appendString(append(b, `data: {"media":`...), media)
	return append(appendString(append(b, `,"state":`...), state), "}\n\n"...)
}

// appendID appends an id without an event: a client takes it for the last that it saw, and hears of nothing.
func appendID(b []byte, id liveID) []byte {
	return append(id.append(append(b, "id: "...)), "\n\n"...)
}
