package httpapi

import (
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// liveLimits bound what the live streams take. Their defaults are those of defaultLive; tests shorten them.
type liveLimits struct {
	clients   int           // streams at once
	events    int           // kept of each media, for clients that come back
	bytes     int           // of the kept events of a media, the newest always aside
	heartbeat time.Duration // after how long without an event a stream gets a comment
	write     time.Duration // for which a client may take no byte of what it is sent
	farewell  time.Duration // for which a client may take no byte of the last words
	look      time.Duration // between two looks at a media's snapshot
	retry     time.Duration // after a look that failed; and between two looks at a media's state
	slowLook  time.Duration // the most between two looks where each takes long
	idle      time.Duration // for which a media without clients is still looked at
}

// defaultLive returns the limits of a box. Proxies close what is silent for 30 s to 60 s, so a heartbeat comes twice in the
// shorter; the kept events are those of about an hour of a busy event.
func defaultLive() liveLimits {
	return liveLimits{
		clients: 20_000, events: 4096, bytes: 1 << 20,
		heartbeat: 15 * time.Second, write: 10 * time.Second, farewell: time.Second,
		look: 50 * time.Millisecond, retry: time.Second, slowLook: 5 * time.Second, idle: time.Minute,
	}
}

// A stream costs some 6 KB of the process's memory, TLS aside: its goroutine, which sleeps in a select and holds no buffer,
// and the connection.
const (
	contentTypeEvents = "text/event-stream"
	headerLastEventID = "Last-Event-ID"
	paramLastEventID  = "last_event_id"

	// A client's buffers in the kernel. Without a bound it would keep megabytes for each that does not read.
	sendBuffer    = 32 << 10
	receiveBuffer = 4 << 10
)

// liveRoutes registers GET /v1/media/{media}/live and gives s the hub behind it.
func (v *viewer) liveRoutes(s *Server, reg prometheus.Registerer) {
	s.live = newHub(v.media, defaultLive(), reg, s.log)
	// A stream outlives the request: the hub owns its connection, and fasthttp has its buffers back.
	s.fast.KeepHijackedConns = true
	s.get("/v1/media/{media}/live", func(ctx *fasthttp.RequestCtx) error { return v.follow(ctx, s.live) })
}

// follow answers GET /v1/media/{media}/live: a stream of server-sent events (WHATWG HTML, section 9.2) with an event
// "observation" for each new or revised observation, as the timeline shows it, "break" for each new or changed break and
// "state" whenever the media's state changes. That the scene of an observation goes on is no event.
//
// Without more a client gets what comes from now on. With from, a position, it first gets what is there from that position
// on; with a Last-Event-ID, what it missed. The header goes before the parameter last_event_id, and both before from: an
// EventSource that connects again sends the address that it began with. How far back is sent is bounded by
// maxTimelineWindow, the longest window of the timeline.
func (v *viewer) follow(ctx *fasthttp.RequestCtx, h *hub) error {
	id := pathID(ctx)
	from, err := parseLiveQuery(ctx)
	if err != nil {
		return v.refuse(id, err)
	}
	f, err := h.feed(id)
	if err != nil {
		return missing(id, err)
	}
	join, err := f.join(from)
	if err != nil {
		return missing(id, err)
	}
	if h.full() {
		return newProblem(fasthttp.StatusServiceUnavailable, "as many clients as are allowed follow already; ask for context instead, or again later")
	}
	who := IdentityOf(ctx)
	streamEvents(ctx, func(conn net.Conn, head []byte) { h.take(conn, who, f, join, head) })
	return nil
}

// streamEvents answers with a stream of events, whose connection take gets with the answer's head, which is not written yet. HEAD has
// the head alone.
func streamEvents(ctx *fasthttp.RequestCtx, take func(conn net.Conn, head []byte)) {
	header := &ctx.Response.Header
	ctx.SetContentType(contentTypeEvents)
	header.Set(fasthttp.HeaderCacheControl, cacheNever+", no-transform")
	header.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if ctx.IsHead() {
		return
	}
	// The body ends with the connection (RFC 9112, section 6.3), which clients of HTTP/1.0 understand too.
	header.SetContentLength(-2)
	// fasthttp calls no hijacker behind a proxy that says "Connection: close", unless that writes the answer itself.
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		// ctx is fasthttp's again once this returns. The header is read only now: who may read the answer is set last.
		take(unwrap(conn), append([]byte(nil), header.Header()...))
	})
}

// unwrap returns the connection without fasthttp's buffered reader, which holds nothing that matters: a client of a stream
// has nothing more to say.
func unwrap(conn net.Conn) net.Conn {
	if c, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		conn = c.UnsafeConn()
	}
	if tcp := tcpOf(conn); tcp != nil {
		// A kernel that refuses has bounds of its own.
		_ = tcp.SetWriteBuffer(sendBuffer)
		_ = tcp.SetReadBuffer(receiveBuffer)
	}
	return conn
}

// tcpOf returns the TCP connection under conn, which may be one of TLS; nil where there is none.
func tcpOf(conn net.Conn) *net.TCPConn {
	for {
		c, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			tcp, _ := conn.(*net.TCPConn)
			return tcp
		}
		conn = c.NetConn()
	}
}

// parseLiveQuery returns where a stream is to begin; errors are problems that name the parameter.
func parseLiveQuery(ctx *fasthttp.RequestCtx) (liveID, error) {
	var from, last liveID
	var hasFrom, hasLast bool
	for key, value := range ctx.QueryArgs().All() {
		var err error
		switch string(key) {
		case "from":
			if hasFrom {
				return from, badParameter("from", "from is given twice")
			}
			hasFrom, from.some = true, true
			from.position, err = parsePosition("from", value)
		case paramLastEventID:
			if hasLast {
				return from, badParameter(paramLastEventID, "%s is given twice", paramLastEventID)
			}
			hasLast = true
			last, err = parseLiveID(paramLastEventID, value)
		}
		if err != nil {
			return from, err
		}
	}
	header, err := parseLiveID(headerLastEventID, ctx.Request.Header.Peek(headerLastEventID))
	switch {
	case err != nil || header.some:
		return header, err
	case last.some:
		return last, nil
	}
	return from, nil
}

// appendRetry tells after how many milliseconds to connect again, not the same for all: they would all come at once.
func appendRetry(b []byte) []byte {
	const least, spread = 1000, 3000
	b = strconv.AppendInt(append(b, "retry: "...), int64(least+rand.IntN(spread)), 10)
	return append(b, '\n')
}
