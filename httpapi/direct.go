package httpapi

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// routeLookUp is the look-up's pattern.
const routeLookUp = prefixMedia + "{media}" + suffixContext

// direct answers plain look-ups on their connection, past fasthttp: to read any request and to write any answer takes twice as
// long as to look up. A request is plain if it is a GET of a media known from the start, came whole and alone in one read, has
// nothing escaped, engages nobody and has no header but harmless ones. All others, and those that are wrong in any way, are left
// to fasthttp; docs/adr/0010 says why this is safe.
type direct struct {
	viewer   *viewer
	ok       prometheus.Counter
	duration prometheus.Observer
	inFlight prometheus.Gauge
	answers  sync.Pool // of *[]byte
	date     atomic.Pointer[datedHead]
}

// datedHead is how answers of one second begin.
type datedHead struct {
	second int64 // of the Unix epoch
	text   []byte
}

// headRoom is for the head of an answer, which is written when its body's length is known.
const headRoom = 512

// Of the head: what stands around its length.
const (
	headBefore   = "\r\nContent-Type: " + contentTypeJSON + "\r\nContent-Length: "
	headCache    = "\r\n" + fasthttp.HeaderCacheControl + ": " + cacheLive
	headEncoding = "\r\n" + fasthttp.HeaderVary + ": " + fasthttp.HeaderAcceptEncoding
	headOrigins  = "\r\n" + fasthttp.HeaderAccessControlAllowOrigin + ": *\r\n" +
		fasthttp.HeaderAccessControlExposeHeaders + ": " + exposeHeaders + "\r\n\r\n"
)

// newDirect returns nil where a look-up depends on who asks.
func newDirect(v *viewer, a *Access, m *metrics) *direct {
	if a != nil && (a.who != nil || a.limits != nil || !a.origins.any) {
		return nil
	}
	d := &direct{
		viewer: v, inFlight: m.inFlight,
		ok: m.requests.WithLabelValues(routeLookUp, "200"), duration: m.duration.WithLabelValues(routeLookUp),
	}
	d.answers.New = func() any { b := make([]byte, headRoom, writeBuffer); return &b }
	return d
}

// answer answers request on conn and reports true, or does nothing.
func (d *direct) answer(conn *lazyConn, request []byte) (answered bool, err error) {
	if d == nil {
		return false, nil
	}
	id, q, ok := d.read(request)
	if !ok {
		return false, nil
	}
	began := time.Now()
	buffer := d.answers.Get().(*[]byte)
	text, ok := d.write(buffer, id, q, began)
	if !ok {
		return false, nil
	}
	conn.SetWriteDeadline(began.Add(writeTimeout))
	_, err = conn.Write(text)
	conn.SetReadDeadline(began.Add(idleTimeout))
	if cap(*buffer) <= longAnswer {
		d.answers.Put(buffer)
	}
	return true, err
}

// write writes the answer into buffer, behind room for its head, and returns it from its first byte on. A panic is left to be told
// when fasthttp answers the same again.
func (d *direct) write(buffer *[]byte, id string, q contextQuery, began time.Time) (text []byte, ok bool) {
	d.inFlight.Inc()
	defer func() {
		d.inFlight.Dec()
		if recover() != nil {
			ok = false
		}
	}()
	b, err := d.viewer.appendContext((*buffer)[:headRoom], id, q, engaged{})
	if err != nil {
		return nil, false
	}
	*buffer = b
	var room [headRoom]byte
	head := d.appendHead(room[:0], len(b)-headRoom, began)
	text = b[headRoom-len(head):]
	copy(text, head)
	d.duration.Observe(time.Since(began).Seconds())
	d.ok.Inc()
	return text, true
}

// appendHead appends what fasthttp would write before a body of n bytes.
func (d *direct) appendHead(b []byte, n int, now time.Time) []byte {
	first := d.date.Load()
	if second := now.Unix(); first == nil || first.second != second {
		first = &datedHead{second, fasthttp.AppendHTTPDate([]byte("HTTP/1.1 200 OK\r\nServer: "+serverName+"\r\nDate: "), now)}
		d.date.Store(first)
	}
	b = append(append(b, first.text...), headBefore...)
	b = append(strconv.AppendInt(b, int64(n), 10), headCache...)
	if n >= minCompressed {
		b = append(b, headEncoding...)
	}
	return append(b, headOrigins...)
}

// read reads a plain look-up.
func (d *direct) read(request []byte) (id string, q contextQuery, ok bool) {
	target, ok := plainTarget(request)
	if !ok {
		return "", q, false
	}
	path, query, _ := bytes.Cut(target, []byte{'?'})
	segment, ok := contextID(path)
	if !ok {
		return "", q, false
	}
	if id, ok = d.viewer.ids[string(segment)]; !ok {
		return "", q, false
	}
	q, err := parsePlainQuery(query)
	return id, q, err == nil && !q.instruments && q.decision == ""
}

// plainTarget returns the target of a request that is a whole GET with harmless headers and nothing behind it (RFC 9112, section 3).
func plainTarget(request []byte) ([]byte, bool) {
	const method, version = "GET ", " HTTP/1.1"
	line, rest, ok := cutLine(request)
	if !ok || len(line) < len(method)+len(version) || string(line[:len(method)]) != method || string(line[len(line)-len(version):]) != version {
		return nil, false
	}
	target := line[len(method) : len(line)-len(version)]
	for _, c := range target {
		if c <= ' ' || c >= 0x7f || c == '%' || c == '+' || c == '#' {
			return nil, false
		}
	}
	for host := false; ; {
		line, rest, ok = cutLine(rest)
		if !ok || len(line) == 0 {
			return target, ok && host && len(rest) == 0
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !harmless(line[:colon]) || !visible(line[colon+1:]) {
			return nil, false
		}
		if colon == len(fasthttp.HeaderHost) {
			if host = plainHost(line[colon+1:]); !host {
				return nil, false
			}
		}
	}
}

// cutLine cuts a text behind the first CR LF, which must hold its first CR.
func cutLine(text []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(text, '\r')
	if i < 0 || i+1 == len(text) || text[i+1] != '\n' {
		return nil, nil, false
	}
	return text[:i], text[i+2:], true
}

// harmless reports whether a header changes nothing in the answer to a look-up, whatever it says. No other may be let in here that
// tells of a body, of the connection or of a coding.
func harmless(name []byte) bool {
	var known string
	switch len(name) {
	case len(fasthttp.HeaderHost):
		known = fasthttp.HeaderHost
	case len(fasthttp.HeaderAccept):
		known = fasthttp.HeaderAccept
	case len(fasthttp.HeaderUserAgent):
		known = fasthttp.HeaderUserAgent
	}
	return known != "" && bytes.EqualFold(name, []byte(known))
}

// plainHost reports whether a value is a host's name or its IPv4 address, maybe with a port.
func plainHost(value []byte) bool {
	name, port, hasPort := bytes.Cut(bytes.TrimPrefix(value, []byte{' '}), []byte{':'})
	for _, c := range name {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(name) > 0 && hasPort == (len(port) > 0)
}

// visible reports whether a header's value has only printable characters of ASCII.
func visible(value []byte) bool {
	for _, c := range value {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
