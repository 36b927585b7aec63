package intruder

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
)

// message is what is sent at once.
type message struct {
	kind string
	text []byte
	// methods are those of the well-formed requests in text, each of which is to be answered.
	methods []string
	sound   bool
	// slow is sent byte by byte; abandoned is hung up on without waiting for an answer.
	slow, abandoned bool
}

// message makes the next one.
func (w *worker) message() message {
	switch n := w.r.IntN(1000); {
	case n < 700:
		return w.requests("request", 1)
	case n < 770:
		return w.requests("pipeline", 2+w.r.IntN(6))
	case n < 800:
		return message{kind: "noise", text: w.bytes(1 + w.r.IntN(200))}
	case n < 860:
		return w.torn()
	case n < 900:
		return message{kind: "framing", text: w.framing()}
	case n < 920:
		return message{kind: "huge header", text: w.hugeHeader()}
	case n < 925:
		return message{kind: "endless body", text: w.endless()}
	case n < 930:
		return w.sluggish()
	case n < 960:
		return message{kind: "raw header", text: w.rawHeader()}
	default:
		return message{kind: "raw path", text: fmt.Appendf(nil, "%s /%s HTTP/1.1\r\nHost: spotter\r\n\r\n", w.pick(methods), w.bytes(w.r.IntN(60)))}
	}
}

// requests makes well-formed ones, whatever they ask for.
func (w *worker) requests(kind string, n int) message {
	m := message{kind: kind, sound: true}
	var b bytes.Buffer
	for range n {
		if w.r.IntN(12) == 0 {
			m.methods = append(m.methods, "POST")
			w.event(&b)
			continue
		}
		method := "GET"
		if w.r.IntN(8) == 0 {
			method = w.pick(methods)
		}
		m.methods = append(m.methods, method)
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: spotter\r\n", method, w.target())
		for range w.r.IntN(4) {
			fmt.Fprintf(&b, "%s: %s\r\n", w.pick(headers), w.headerValue())
		}
		switch {
		case w.r.IntN(6) != 0:
			b.WriteString("\r\n")
		case w.r.IntN(2) == 0:
			body := w.bytes(w.r.IntN(2000))
			fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
		default:
			b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
			for range w.r.IntN(4) {
				chunk := w.bytes(1 + w.r.IntN(300))
				fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
			}
			b.WriteString("0\r\n\r\n")
		}
	}
	m.text = b.Bytes()
	return m
}

// event is what may be one, for a decision that may be one.
func (w *worker) event(b *bytes.Buffer) {
	body := w.pick(events)
	kind := w.pick([]string{"application/json", "text/plain;charset=UTF-8", "application/json; charset", "a/b", ""})
	fmt.Fprintf(b, "POST /v1/decisions/%s/events HTTP/1.1\r\nHost: spotter\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		url.PathEscape(w.value()), kind, len(body), body)
}

// target makes a path with a query; both are valid in a request line.
func (w *worker) target() string {
	path := w.pick(paths)
	if strings.Contains(path, "{media}") {
		path = strings.ReplaceAll(path, "{media}", w.mediaName())
	}
	if strings.Contains(path, "{value}") {
		path = strings.ReplaceAll(path, "{value}", url.PathEscape(w.value()))
	}
	if w.r.IntN(20) == 0 {
		path += "/" + url.PathEscape(string(w.bytes(w.r.IntN(30))))
	}
	var b strings.Builder
	b.WriteString(path)
	for i := range w.r.IntN(6) {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(w.pick(parameters))
		if w.r.IntN(20) != 0 {
			b.WriteByte('=')
			value := url.QueryEscape(w.value())
			if w.r.IntN(30) == 0 {
				value += w.pick([]string{"%", "%zz", "%0", "%u0041", ";", "&&", "#"})
			}
			b.WriteString(value)
		}
	}
	return b.String()
}

func (w *worker) mediaName() string {
	if w.r.IntN(4) != 0 {
		return w.pick(w.media)
	}
	return url.PathEscape(w.value())
}

// value makes one that a parameter may or may not have.
func (w *worker) value() string {
	switch w.r.IntN(6) {
	case 0, 1:
		return fmt.Sprintf("%.*f", w.r.IntN(5), w.r.Float64()*50_000-1000)
	case 2:
		return fmt.Sprint(w.r.IntN(3600))
	case 3:
		return string(w.bytes(w.r.IntN(40)))
	default:
		return w.pick(values)
	}
}

func (w *worker) headerValue() string {
	if w.r.IntN(3) == 0 {
		b := w.bytes(w.r.IntN(60))
		for i, c := range b { // a field value has no control characters (RFC 9110, section 5.5)
			if c < ' ' || c == 0x7f {
				b[i] = '_'
			}
		}
		return string(b)
	}
	return w.pick(headerValues)
}

func (w *worker) pick(list []string) string { return list[w.r.IntN(len(list))] }

// bytes makes n of any kind.
func (w *worker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.r.Uint32())
	}
	return b
}
