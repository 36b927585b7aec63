package httpapi

import (
	"sync"

	"spotter/timeline"
)

// AppendAnswer returns a function that appends the answer to a look-up: the timeline's part and the JSON, without HTTP.
func AppendAnswer() func(b []byte, id string, t *timeline.Timeline, w timeline.Span) []byte {
	v := &viewer{glances: sync.Pool{New: func() any { return new(glance) }}}
	return func(b []byte, id string, t *timeline.Timeline, w timeline.Span) []byte {
		return v.appendWindow(b, id, t, w)
	}
}
