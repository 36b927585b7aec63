package httpapi

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// maxOverviewClients is how many may follow the overview at once: it is for those who look after a box, not for its viewers.
	maxOverviewClients = 1000
	// overviewLooks is how often one looks for what clients are to be told at once, between two events that come anyway.
	overviewLooks = 4
	// overviewPatience is how many events may be left out in a row before the streams are ended.
	overviewPatience = 5
)

// lastUnavailable is told before a stream ends because there is nothing to tell.
const lastUnavailable = "event: error\ndata: {\"reason\":\"unavailable\"}\n\n"

// overviewLive tells all who follow the overview of each new one. It makes one as often as liveLimits.retry says, however
// many they are, and sooner where something vital has changed. The hub has the clients' connections.
type overviewLive struct {
	*overviews
	hub *hub
	// state is replaced by run alone, and by the first client while run does not run.
	state atomic.Pointer[overviewState]

	// Under the hub's lock:
	clients int
	running bool
}

// overviewState is an immutable view of what clients are told.
type overviewState struct {
	text *overviewText // nil where it cannot be had
	over bool          // it could not for long
	// wake is closed when there is a next state.
	wake chan struct{}
}

// follow answers GET /v1/overview/live: a stream of server-sent events "overview" (WHATWG HTML, section 9.2), each whole, so
// that no id is needed to go on. While none can be made a comment is sent, and after a while the stream ends.
func (l *overviewLive) follow(ctx *fasthttp.RequestCtx) error {
	text, err := l.current()
	if err != nil {
		return err
	}
	if l.full() {
		return newProblem(fasthttp.StatusServiceUnavailable, "as many clients as are allowed follow already; ask for /v1/overview instead, or again later")
	}
	who := IdentityOf(ctx)
	streamEvents(ctx, func(conn net.Conn, head []byte) { l.take(conn, who, text, head) })
	return nil
}

// full reports whether no client may join. A few more do when many ask at the same moment.
func (l *overviewLive) full() bool {
	if l.hub.full() {
		return true
	}
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	return l.clients >= maxOverviewClients
}

// take writes the answer's head and then the stream to conn, which is the hub's from now on. It returns at once.
func (l *overviewLive) take(conn net.Conn, who *Identity, text *overviewText, head []byte) {
	h := l.hub
	c := &overviewClient{liveClient{hub: h, conn: conn, who: who}, l}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		conn.Close()
		return
	}
	h.clients[&c.liveClient] = struct{}{}
	l.clients++
	h.metrics.clients.Inc()
	if !l.running {
		l.running = true
		l.state.Store(&overviewState{text: text, wake: make(chan struct{})})
		h.wg.Go(l.run)
	}
	first := &overviewState{text: text, wake: l.state.Load().wake}
	h.wg.Go(func() { c.run(head, first) })
}

func (l *overviewLive) leave(c *overviewClient) {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, &c.liveClient)
	l.clients--
	h.metrics.clients.Dec()
}

// rest reports whether nobody follows; run must then return, and the next client starts it again.
func (l *overviewLive) rest() bool {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.running = l.clients > 0
	return !l.running
}

// run publishes overviews until the hub closes or nobody follows.
func (l *overviewLive) run() {
	every := l.hub.limits.retry
	timer := time.NewTimer(every / overviewLooks)
	defer timer.Stop()
	told, missed := time.Now(), 0
	for {
		select {
		case <-l.hub.done:
			return
		case <-timer.C:
		}
		if l.rest() {
			return
		}
		began, old := time.Now(), l.state.Load()
		text, err := l.renewed()
		due := time.Since(told) >= every-every/(2*overviewLooks)
		if err == nil && (due || old.text == nil || old.text.vital != text.vital) || err != nil && due {
			if missed++; err == nil {
				missed = 0
			}
			told = time.Now()
			l.publish(old, &overviewState{text: text, over: missed > overviewPatience, wake: make(chan struct{})})
		}
		// Where making one takes long, most of the time goes into something else.
		timer.Reset(min(max(every/overviewLooks, 4*time.Since(began)), every/2))
	}
}

func (l *overviewLive) publish(old, s *overviewState) {
	if s.text != nil {
		l.hub.metrics.events.Inc()
	}
	l.state.Store(s)
	close(old.wake)
}

// overviewClient is one client of the overview's stream. Of liveClient it has the connection, and no feed.
type overviewClient struct {
	liveClient
	live *overviewLive
}

// run writes the stream until its client goes or has to.
func (c *overviewClient) run(head []byte, s *overviewState) {
	err := c.tell(append(appendRetry(head), '\n'), s)
	head = nil // a stream lasts for hours
	for err == nil && !s.over {
		select {
		case <-s.wake:
			s = c.live.state.Load() // those in between are of no use any more
			err = c.tell(nil, s)
		case <-c.hub.done:
			err = errClosing
		}
	}
	c.end(err)
	c.conn.Close()
	c.live.leave(c)
}

// tell writes before and then what s has for the client.
func (c *overviewClient) tell(before []byte, s *overviewState) error {
	now := time.Now() // what lets the client in is looked at with each event
	if !c.who.holdsAny(now) {
		return errExpired
	}
	w := c.buffered()
	defer w.free()
	w.b = append(w.b, before...)
	switch {
	case s.over:
		w.b = append(appendRetry(w.b), lastUnavailable...)
	case s.text == nil:
		w.b = append(w.b, ": still here\n\n"...)
	default:
		w.b = append(w.b, "event: overview\ndata: "...)
		w.b = s.text.appendTo(w.b, c.who.mayAskAll(), func(id string) bool { return c.who.MayAsk(id) && c.who.Holds(id, now) })
		w.b = append(w.b, "\n\n"...)
	}
	return w.flush()
}

// holdsAny reports whether what let i in still does, to anything that it did.
func (i *Identity) holdsAny(now time.Time) bool {
	if i == nil || i.media == nil {
		return i.Holds("", now)
	}
	for id := range i.media {
		if i.Holds(id, now) {
			return true
		}
	}
	return len(i.media) == 0 && i.Holds("", now)
}
