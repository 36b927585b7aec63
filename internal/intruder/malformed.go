package intruder

import (
	"bytes"
	"fmt"
	"strings"
)

// torn is a request that ends in the middle, or has bytes changed, lost or doubled.
func (w *worker) torn() message {
	text := w.requests("", 1).text
	switch at := w.r.IntN(len(text)); w.r.IntN(5) {
	case 0:
		return message{kind: "abandoned", text: text[:at], abandoned: true}
	case 1:
		text = text[:at]
	case 2:
		text[at] = byte(w.r.Uint32())
	case 3:
		text = append(text[:at:at], text[min(len(text), at+1+w.r.IntN(8)):]...)
	default:
		text = append(text[:at:at], text[at/2:]...)
	}
	return message{kind: "torn", text: text}
}

// framing says two things about where a body ends, or something that cannot be (RFC 9112, section 6.3).
func (w *worker) framing() []byte {
	return fmt.Appendf(nil, "%s %s %s\r\n%s\r\n\r\n%s", w.pick(methods), w.target(), w.pick(versions), w.pick(framings), w.pick(bodies))
}

// hugeHeader is around and beyond what the server reads of a head.
func (w *worker) hugeHeader() []byte {
	n := 4000 + w.r.IntN(20_000)
	switch w.r.IntN(4) {
	case 0:
		return fmt.Appendf(nil, "GET /%s HTTP/1.1\r\nHost: spotter\r\n\r\n", strings.Repeat("a", n))
	case 1:
		return fmt.Appendf(nil, "GET /v1/media HTTP/1.1\r\nHost: spotter\r\nCookie: %s\r\n\r\n", strings.Repeat("a", n))
	case 2:
		return fmt.Appendf(nil, "GET /v1/media HTTP/1.1\r\nHost: spotter\r\n%s\r\n", strings.Repeat("A: b\r\n", n/6))
	default:
		return fmt.Appendf(nil, "GET %s%s HTTP/1.1\r\nHost: spotter\r\n\r\n", w.target(), strings.Repeat("&position=1", n/11))
	}
}

// endless is a body without an end: more than the server takes, and cut off there.
func (w *worker) endless() []byte {
	chunk := append(fmt.Appendf(nil, "1000\r\n%s", bytes.Repeat([]byte{'x'}, 0x1000)), "\r\n"...)
	if w.r.IntN(2) == 0 {
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: spotter\r\nTransfer-Encoding: chunked\r\n\r\n%s", w.target(), bytes.Repeat(chunk, 20))
	}
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: spotter\r\nContent-Length: %d\r\n\r\n%s",
		w.target(), []int{65_537, 1 << 31, 1 << 40}[w.r.IntN(3)], bytes.Repeat(chunk, 10))
}

// sluggish comes byte by byte, whole or not.
func (w *worker) sluggish() message {
	text := w.requests("", 1).text
	text = text[:min(len(text), 200)]
	return message{kind: "slow", text: text, slow: true, abandoned: w.r.IntN(2) == 0}
}

// rawHeader has any bytes in its fields.
func (w *worker) rawHeader() []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n\r\n", w.target(), w.bytes(w.r.IntN(12)), w.bytes(w.r.IntN(12)), w.bytes(w.r.IntN(80)))
}
