package apart

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// toStart is how long a child may take to start and to open what it works with: models on a cold disk.
const toStart = 30 * time.Second

// ErrChanged is returned when a new child opened other things than the one before it.
var ErrChanged = errors.New("the decoder found other models or libraries than at the start: put them back, or restart Spotter")

// opening is one attempt to begin the talk with a child, for all who wait for it.
type opening struct {
	done    chan struct{} // closed when it is over; then one of these is set
	session *session
	err     error
}

// keepOpen has each child open what it works with as soon as it is there, so that no segment has to wait for that. It
// returns when the Client is closed.
func (c *Client) keepOpen() {
	for {
		s, err := c.join(context.Background())
		switch {
		case errors.Is(err, ErrClosed):
			return
		case err == nil:
			<-s.over
		}
	}
}

// open returns the talk with the living child, which is of use from then on.
func (c *Client) open(ctx context.Context) (*session, error) {
	s, err := c.join(ctx)
	if err == nil {
		s.child.Served()
	}
	return s, err
}

// join returns the talk with the living child, which is begun where there is none: once, for all who ask meanwhile.
func (c *Client) join(ctx context.Context) (*session, error) {
	c.mu.Lock()
	if s := c.session; s != nil {
		select {
		case <-s.over:
			c.session = nil
		default:
			c.mu.Unlock()
			return s, nil
		}
	}
	o := c.opening
	if o == nil {
		o = &opening{done: make(chan struct{})}
		c.opening = o
		c.group.Go(func() { c.begin(context.WithoutCancel(ctx), o) })
	}
	c.mu.Unlock()
	select {
	case <-o.done:
		return o.session, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin waits for a child and has it open what it works with. Close ends that.
func (c *Client) begin(ctx context.Context, o *opening) {
	ctx, cancel := context.WithTimeout(ctx, toStart)
	defer cancel()
	p, err := c.get(ctx)
	if err == nil {
		s := newSession(p)
		if err = c.setup(ctx, s); err == nil {
			o.session = s
		} else {
			p.Kill(err)
			<-s.over
		}
	}
	o.err = err
	c.mu.Lock()
	c.session, c.opening = o.session, nil
	c.mu.Unlock()
	close(o.done)
}

// setup has a child open what it works with.
func (c *Client) setup(ctx context.Context, s *session) error {
	q := s.begin(toStart)
	defer q.end()
	q.patient = true
	if err := q.ask(kindSetup, nil, c.options.Setup); err != nil {
		return err
	}
	m, err := q.next(ctx)
	if err != nil {
		return err
	}
	greeting := bytes.Clone(m.payload)
	s.recv.give(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.greeting != nil && !bytes.Equal(c.greeting, greeting) {
		return ErrChanged
	}
	c.greeting = append([]byte{}, greeting...)
	return nil
}
