package httpapi

import (
	"errors"
	"net"
	"time"

	"spotter/timeline"
)

const (
	// writeSize is how many bytes of several events are written at once.
	writeSize = 32 << 10
	// backlogStep is how much of a snapshot is looked at at once, for what is there already.
	backlogStep = timeline.Position(10 * time.Minute / time.Millisecond)
)

// liveClient is one client of a stream. Its goroutine writes and waits, and holds no buffer while it waits.
type liveClient struct {
	hub  *hub
	feed *feed
	conn net.Conn
	// who is let in. That what lets them in still does is looked at with each event and heartbeat.
	who  *Identity
	next uint64 // number of the event to write
	beat uint64
}

// joining is where a stream begins.
type joining struct {
	from  liveID
	state *feedState
	// snapshot is newer than state, and right where state.known ends; nil where nothing that is there already is sent.
	snapshot *timeline.Timeline
}

// join returns how a stream begins that is asked for from an id on.
func (f *feed) join(from liveID) (*joining, error) {
	j := &joining{from: from, state: f.state.Load()}
	if !from.some || j.exact(f) {
		return j, nil
	}
	var err error
	if j.snapshot, err = f.hub.media.Timeline(f.id, nowhere); err != nil {
		return nil, err
	}
	j.from.position = max(j.from.position, oldest(j.snapshot), j.state.reach-maxTimelineWindow)
	j.snapshot, err = f.hub.media.Timeline(f.id, timeline.Span{From: j.from.position, Until: max(j.from.position, j.state.reach)})
	return j, err
}

// exact reports whether all events that follow the id are still there.
func (j *joining) exact(f *feed) bool {
	n := j.from.number + 1
	return j.from.feed == f.name && n >= j.state.first() && n <= j.state.next
}

// run writes the stream until its client goes or has to.
func (c *liveClient) run(head []byte, j *joining) {
	err := c.begin(head, j)
	head, j = nil, nil // a stream lasts for hours
	for err == nil {
		err = c.step()
	}
	c.end(err)
	c.conn.Close()
	c.hub.leave(c)
}

// begin writes the answer's head and what the client missed or asked for.
func (c *liveClient) begin(head []byte, j *joining) error {
	s := j.state
	c.next, c.beat = s.next, s.beat
	w := c.buffered()
	defer w.free()
	w.b = appendRetry(append(w.b, head...))
	if j.from.some && j.exact(c.feed) {
		c.next = j.from.number + 1
		w.b = append(w.b, '\n')
		return w.flush()
	}
	if j.from.some {
		w.b = append(w.b, '\n')
		if err := c.backlog(w, j); err != nil {
			return err
		}
	}
	w.b = appendID(w.b, c.feed.newest(s, s.next-1))
	if s.media != "" {
		w.b = appendStateEvent(w.b, liveID{}, c.feed.id, s.media)
	}
	return w.flush()
}

// backlog writes what is there from j.from on: of what is settled as the snapshot has it, of the rest what the feed knows,
// so that its next event is the first that the client has not seen. An id says from where on to send all again.
func (c *liveClient) backlog(w *liveWriter, j *joining) error {
	s, from := j.state, j.from.position
	for _, b := range s.breaks {
		if b.Meets(onward(from)) {
			w.b = appendBreakEvent(w.b, liveID{}, b)
		}
	}
	for step := (timeline.Span{From: from, Until: from}); step.From <= s.reach; step.From = step.Until + 1 {
		step.Until = min(step.From+backlogStep, s.reach)
		for _, o := range j.snapshot.Within(step) {
			begun := step.From > from && o.From < step.From // the step before had it
			if begun || o.Until > s.reach || o.Open {
				continue
			}
			if err := w.observation(liveID{position: o.From}, o); err != nil {
				return err
			}
		}
	}
	for _, o := range s.known {
		if o.Until <= from && !o.Open {
			continue
		}
		if err := w.observation(liveID{position: min(o.From, s.reach)}, o); err != nil {
			return err
		}
	}
	return nil
}

// step writes what is new, or waits until something is.
func (c *liveClient) step() error {
	s := c.feed.state.Load()
	switch {
	case !c.who.Holds(c.feed.id, time.Now()):
		return errExpired
	case c.next < s.first():
		return errBehind
	case c.next < s.next:
		return c.events(s)
	case s.over != nil:
		return s.over
	case c.beat != s.beat:
		c.beat = s.beat
		if err := c.probe(); err != nil {
			return err
		}
		return c.write([]byte(": still here\n\n"))
	}
	select {
	case <-s.wake:
		return nil
	case <-c.hub.done:
		return errClosing
	}
}

// events writes the events of s that the client has not seen.
func (c *liveClient) events(s *feedState) error {
	list := s.events[c.next-s.first():]
	c.next = s.next
	if len(list) == 1 {
		return c.write(list[0]) // from where all clients have it
	}
	w := c.buffered()
	defer w.free()
	for _, text := range list {
		w.b = append(w.b, text...)
		if err := w.full(); err != nil {
			return err
		}
	}
	return w.flush()
}

func (c *liveClient) write(p []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.hub.limits.write))
	select {
	case <-c.hub.done: // close may have set a shorter deadline before the one above, or will do so
		return errClosing
	default:
	}
	_, err := c.conn.Write(p)
	if timedOut(err) {
		return errSlow
	}
	return err
}

func timedOut(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// probe returns an error when the client has closed its side: nobody reads a stream and has ended its own. What it
// says is thrown away.
func (c *liveClient) probe() error {
	// Go tries to read before it looks at a deadline that is still to come.
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.conn.Read(make([]byte, 64))
	if timedOut(err) {
		return nil
	}
	return err
}

// end says why the stream ends, where the client can still read it.
func (c *liveClient) end(why error) {
	var last []byte
	switch {
	case errors.Is(why, errSlow):
		// It may be in the middle of an event, and what it has not read is of no use.
		if tcp := tcpOf(c.conn); tcp != nil {
			_ = tcp.SetLinger(0)
		}
	case errors.Is(why, errBehind), errors.Is(why, errMediaGone), errors.Is(why, errExpired):
		last = append(appendRetry(nil), "event: error\ndata: {\"reason\":\""+why.Error()+"\"}\n\n"...)
	case errors.Is(why, errClosing):
		last = append(appendRetry(nil), ": the server is closing\n\n"...)
	default:
		return // the client went
	}
	if last != nil {
		_ = c.conn.SetWriteDeadline(time.Now().Add(c.hub.limits.farewell))
		_, _ = c.conn.Write(last)
	}
	if !errors.Is(why, errClosing) {
		c.hub.metrics.dropped.WithLabelValues(why.Error()).Inc()
	}
}

// liveWriter gathers several events in a buffer that all clients share in turn.
type liveWriter struct {
	c    *liveClient
	b    []byte
	pool *[]byte
}

func (c *liveClient) buffered() *liveWriter {
	p := c.hub.buffers.Get().(*[]byte)
	return &liveWriter{c: c, b: (*p)[:0], pool: p}
}

func (w *liveWriter) free() {
	*w.pool = w.b
	w.c.hub.buffers.Put(w.pool)
}

func (w *liveWriter) observation(id liveID, o *timeline.Observation) error {
	w.b = appendObservationEvent(w.b, id, o)
	return w.full()
}

// full writes what was gathered when that is enough.
func (w *liveWriter) full() error {
	if len(w.b) < writeSize {
		return nil
	}
	return w.flush()
}

func (w *liveWriter) flush() error {
	if len(w.b) == 0 {
		return nil
	}
	err := w.c.write(w.b)
	w.b = w.b[:0]
	return err
}
