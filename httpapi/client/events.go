package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// maxEvent bounds an event, in bytes.
const maxEvent = 1 << 20

var errLongEvent = fmt.Errorf("%w: it has more than %d bytes", errBadEvent, maxEvent)

// rawEvent is a server-sent event; one of no kind sets an id or a retry alone.
type rawEvent struct {
	kind, id string
	data     []byte
	retry    time.Duration
}

// eventReader reads server-sent events (WHATWG HTML, section 9.2.6) with lines that end in LF or CRLF, as Spotter and the proxies
// before it write them.
type eventReader struct {
	lines *bufio.Reader
	alive func() // called for each line
}

func newEventReader(r io.Reader, alive func()) *eventReader {
	return &eventReader{bufio.NewReader(r), alive}
}

// next returns an event that says something. What is left unfinished when the stream ends is no event.
func (r *eventReader) next() (rawEvent, error) {
	var e rawEvent
	size := 0
	for {
		line, err := r.line(maxEvent - size)
		if err != nil {
			return rawEvent{}, err
		}
		r.alive()
		size += len(line)
		if len(line) > 0 {
			e.field(line)
			continue
		}
		if e.data == nil {
			e.kind = ""
		} else {
			e.data = bytes.TrimSuffix(e.data, []byte("\n"))
		}
		if e.data != nil || e.id != "" || e.retry > 0 {
			return e, nil
		}
		e, size = rawEvent{}, 0
	}
}

// line returns the next line without its end.
func (r *eventReader) line(most int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, errLongEvent
		}
		line = append(line, part...)
		if err == nil {
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

func (e *rawEvent) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		e.kind = string(value)
	case "data":
		e.data = append(append(e.data, value...), '\n')
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			e.id = string(value)
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			e.retry = time.Duration(ms) * time.Millisecond
		}
	}
}
