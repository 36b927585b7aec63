package apart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"spotter/capture/apart/wire"
)

const (
	// hungAfter is how long a child may say nothing of a request before it is replaced.
	hungAfter = 3500 * time.Millisecond
	// leave is how long a child that closed its socket may take to end.
	leave = time.Second
	// mostBeats bounds how often a child says that it goes on, for one request.
	mostBeats = 1 << 13
	// mostLate bounds what a child says to a request that nobody waits for.
	mostLate = 64
	// mostAbandoned bounds requests that nobody waits for and that a child has not ended.
	mostAbandoned = 16
)

// Reasons for which a child is replaced.
var (
	ErrHung = errors.New("hung")
	ErrSlow = errors.New("too slow")
)

// child is one process, as a session needs it.
type child interface {
	Conn() net.Conn
	Served()
	Kill(why error)
	Done() <-chan struct{}
	Err() error
}

// death is the error of requests whose child has ended.
type death struct{ how error }

func (d *death) Error() string { return d.how.Error() }
func (d *death) Unwrap() error { return d.how }

// session is the talk with one child. It ends when the child does.
type session struct {
	child child
	send  sender
	recv  *receiver
	over  chan struct{} // closed when the child has ended; then death is set
	death *death

	mu     sync.Mutex
	calls  map[uint32]*call
	last   uint32
	silent int // abandoned calls
}

// newSession begins to read what the child says; the goroutine ends with the child.
func newSession(c child) *session {
	s := &session{
		child: c, send: sender{w: c.Conn(), patience: hungAfter}, recv: newReceiver(c.Conn(), mostFromChild),
		over: make(chan struct{}), calls: map[uint32]*call{},
	}
	go s.run()
	return s
}

func (s *session) run() {
	defer close(s.over)
	err := s.read()
	if errors.Is(err, wire.ErrMalformed) {
		s.child.Kill(fmt.Errorf("talked nonsense: %w", err))
	}
	gone := time.NewTimer(leave) // a child that ends by itself is not killed, so that it can be told how
	defer gone.Stop()
	select {
	case <-s.child.Done():
	case <-gone.C:
		s.child.Kill(fmt.Errorf("closed its socket: %w", err))
		<-s.child.Done()
	}
	s.death = &death{how: s.child.Err()}
}

// read hands on what the child says until it says no more.
func (s *session) read() error {
	for {
		m, err := s.recv.next()
		if err != nil {
			return err
		}
		if err := s.deliver(m); err != nil {
			return err
		}
	}
}

// deliver never waits: a child speaks only as often as it may.
func (s *session) deliver(m message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[m.id]
	if c == nil {
		return fmt.Errorf("%w: an answer that nobody asked for", wire.ErrMalformed)
	}
	last := m.kind == kindDone || m.kind == kindFailed
	if last {
		delete(s.calls, m.id)
	}
	switch {
	case c.abandoned:
		s.recv.give(m)
		if c.beats++; c.beats > mostLate {
			return fmt.Errorf("%w: goes on with what nobody waits for", wire.ErrMalformed)
		}
		if last {
			s.silent--
		}
		return nil
	case m.kind == kindBeat:
		if c.beats++; c.beats > mostBeats {
			return fmt.Errorf("%w: too many beats", wire.ErrMalformed)
		}
		c.heard = time.Now()
		return nil
	}
	select {
	case c.messages <- m:
		c.heard = time.Now()
		return nil
	default:
		return fmt.Errorf("%w: speaks out of turn", wire.ErrMalformed)
	}
}

// call is one request. It is for one goroutine.
type call struct {
	*session
	id       uint32
	messages chan message
	left     time.Duration // how long the child may still take, all waits together
	patient  bool          // the child need not say meanwhile that it goes on

	// The session's mu guards these.
	heard     time.Time
	beats     int
	abandoned bool
}

// outstanding is how many messages a child may send before it must wait for a verdict: a frame and the next look, or the
// end.
const outstanding = 3

// begin returns a new request that may take the child so long in all.
func (s *session) begin(limit time.Duration) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	c := &call{session: s, id: s.last, messages: make(chan message, outstanding), left: limit}
	s.calls[c.id] = c
	return c
}

// ask sends what belongs to the request.
func (c *call) ask(k kind, meta func([]byte) []byte, parts ...[]byte) error {
	err := c.send.write(k, c.id, meta, parts...)
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) { // it is ending by itself, which is waited for, so that it can be told how
		select {
		case <-c.over:
			return c.death
		case <-time.After(leave):
		}
	}
	c.child.Kill(fmt.Errorf("%w: did not take a request: %w", ErrHung, err))
	<-c.over
	return c.death
}

// next returns what the child says next. Its error is a *death where the child has ended, also because of this wait, what
// the child says failed, or the context's.
func (c *call) next(ctx context.Context) (message, error) {
	began := time.Now()
	defer func() { c.left -= time.Since(began) }()
	tick := time.NewTicker(hungAfter / 10)
	defer tick.Stop()
	for {
		select {
		case m := <-c.messages:
			return c.opened(m)
		case <-c.over:
			select {
			case m := <-c.messages: // its last word
				return c.opened(m)
			default:
				return message{}, c.death
			}
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-tick.C:
			if why := c.overdue(began); why != nil {
				c.child.Kill(why)
			}
		}
	}
}

// opened returns a message, or the error that it brings.
func (c *call) opened(m message) (message, error) {
	if m.kind != kindFailed {
		return m, nil
	}
	r, _ := m.open()
	err := readFailure(r)
	if bad := r.End(); bad != nil {
		return m, c.nonsense(bad)
	}
	return m, err
}

// overdue says why the child is to be replaced that has been waited for since began; nil if it is not.
func (c *call) overdue(began time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := began
	if c.heard.After(began) {
		heard = c.heard
	}
	switch {
	case !c.patient && time.Since(heard) >= hungAfter:
		return fmt.Errorf("%w for %s", ErrHung, hungAfter)
	case time.Since(began) >= c.left:
		return fmt.Errorf("%w: at it for longer than %s", ErrSlow, time.Since(began).Round(time.Second))
	}
	return nil
}

// nonsense ends a child that said what it cannot mean, and returns how it ended.
func (c *call) nonsense(err error) error {
	c.child.Kill(fmt.Errorf("talked nonsense: %w", err))
	<-c.over
	return c.death
}

// end is called when nobody waits for the request any more, answered or not.
func (c *call) end() {
	c.mu.Lock()
	waiting := c.calls[c.id] == c
	tooMany := false
	if waiting {
		c.abandoned, c.beats = true, 0
		c.silent++
		tooMany = c.silent > mostAbandoned
	}
	c.mu.Unlock()
	if tooMany {
		c.child.Kill(fmt.Errorf("%w: goes on with what nobody waits for", ErrHung))
	} else if waiting {
		// Where it cannot be sent, the child ends, which is noted by who reads.
		_ = c.send.write(kindCancel, c.id, nil)
	}
}
