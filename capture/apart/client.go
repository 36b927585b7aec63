package apart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"spotter/capture"
	"spotter/capture/apart/wire"
	"spotter/capture/container"
	"spotter/vision"
)

const (
	// tries is how many children may end over one segment.
	tries = 2
	// toSee is how long a look at one picture may take.
	toSee = 15 * time.Second
	// atLeast is how long a request may take however short the segment, and timesLive how many times its duration more.
	atLeast   = 10 * time.Second
	timesLive = 10
)

// ClientOptions say what a Client works with.
type ClientOptions struct {
	// Process says how children are started.
	Process Options
	// Setup is what each child is told to open; it means something to the child's program alone.
	Setup []byte
	// Aside keeps segments of which two children died; nil keeps none.
	Aside *Aside
	// OnEnd, where set, is told how each child ended and how long the next is waited for. It must not call the Client.
	OnEnd func(how error, pause time.Duration)
}

// Client has one stream's media taken apart, decoded and looked at by a child. Demux and Decode are for one goroutine at a
// time, See for several.
type Client struct {
	options ClientOptions
	get     func(context.Context) (child, error)
	close   func() error

	group sync.WaitGroup // what opens sessions

	mu       sync.Mutex
	session  *session // nil: there is none yet
	opening  *opening // nil: nobody waits for one
	greeting []byte

	shown atomic.Pointer[shown] // what the gate is being asked about

	// What was taken apart last. These belong to the goroutine of Demux and Decode.
	head, segment []byte
}

// keptProcess is a Process as a session needs it.
type keptProcess struct{ *Process }

func (p keptProcess) Conn() net.Conn { return p.Process.Conn() }

// NewClient starts the first child in the background, and has it open what it works with. The caller must Close it.
func NewClient(o ClientOptions) *Client {
	k := NewKeeper(o.Process, o.OnEnd)
	c := newClient(o, func(ctx context.Context) (child, error) {
		p, err := k.Get(ctx)
		if err != nil {
			return nil, err
		}
		return keptProcess{p}, nil
	}, k.Close)
	c.group.Go(c.keepOpen)
	return c
}

func newClient(o ClientOptions, get func(context.Context) (child, error), closing func() error) *Client {
	return &Client{options: o, get: get, close: closing}
}

// Close ends the child and waits for its end. Nobody may use the Client any more.
func (c *Client) Close() error {
	err := c.close()
	c.group.Wait()
	if c.session != nil {
		<-c.session.over
	}
	return err
}

// Greeting returns what the first child said of what it opened. It waits for it; the error is that of opening.
func (c *Client) Greeting(ctx context.Context) ([]byte, error) {
	if _, err := c.open(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeting, nil
}

// twice does something with a child, and once more with another where that ended over it. When both did, the segment is set
// aside and the error wraps capture.ErrDecoder. A child that ends while it starts has not ended over the segment: it is followed by
// another too, but only once, for where none starts none will.
func (c *Client) twice(ctx context.Context, do func(*session) error) error {
	var ends, starts []error
	for len(ends) < tries {
		s, err := c.open(ctx)
		var d *death
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if starts = append(starts, err); len(starts) < tries && errors.As(err, &d) {
				continue
			}
			return fmt.Errorf("%w: %w", capture.ErrDecoder, errors.Join(append(ends, starts...)...))
		}
		err = do(s)
		if !errors.As(err, &d) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		ends = append(ends, err)
	}
	return c.setAside(ends)
}

// setAside keeps the segment of which children died, and says so.
func (c *Client) setAside(ends []error) error {
	last := ends[len(ends)-1]
	err := fmt.Errorf("%w: %d processes in a row ended over this segment, the last so: %w", capture.ErrDecoder, len(ends), last)
	if c.options.Aside == nil {
		return err
	}
	path, failed := c.options.Aside.Keep(c.options.Process.Name, c.head, c.segment)
	switch {
	case failed != nil:
		return errors.Join(err, failed)
	case path != "":
		return fmt.Errorf("%w; it is kept as %s: send it to who maintains Spotter", err, path)
	}
	return err
}

// Demux implements capture.Demuxer. The video borrows segment.
func (c *Client) Demux(ctx context.Context, head []byte, tables *container.Init, segment []byte) (v *container.Video, err error) {
	c.head, c.segment = head, segment
	err = c.twice(ctx, func(s *session) error {
		q := s.begin(atLeast + time.Duration(len(segment)>>20)*time.Second)
		defer q.end()
		err := q.ask(kindDemux, func(b []byte) []byte {
			return container.AppendTables(wire.AppendUint(b, len(head)), tables)
		}, head, segment)
		if err != nil {
			return err
		}
		m, err := q.next(ctx)
		if err != nil {
			return err
		}
		defer s.recv.give(m)
		if m.kind != kindDone {
			return q.nonsense(fmt.Errorf("%w: no video", wire.ErrMalformed))
		}
		if v, err = container.ReadVideo(wire.NewReader(m.payload), segment); err != nil {
			return q.nonsense(err)
		}
		return nil
	})
	return v, err
}

// See implements vision.Looker. Of a picture that the gate is being asked about, it is known already.
func (c *Client) See(ctx context.Context, p vision.Picture) (vision.Sight, error) {
	if x := c.shown.Load(); x != nil && x.small == p.Small && (x.sight != nil || x.err != nil) {
		if x.err != nil {
			return vision.Sight{}, x.err
		}
		return *x.sight, nil
	}
	s, err := c.open(ctx)
	if err != nil {
		return vision.Sight{}, fmt.Errorf("look at a picture: %w", err)
	}
	q := s.begin(toSee)
	defer q.end()
	q.patient = true // the child may be busy with its stream's pictures
	var pix []byte
	if p.Small != nil {
		pix = tight(p.Small)
	}
	if err := q.ask(kindSee, func(b []byte) []byte { return appendPicture(b, &p, pix) }, pix, p.JPEG); err != nil {
		return vision.Sight{}, fmt.Errorf("look at a picture: %w", err)
	}
	m, err := q.next(ctx)
	if err != nil {
		return vision.Sight{}, err
	}
	defer s.recv.give(m)
	r := wire.NewReader(m.payload)
	sight := readSight(r)
	if err := r.End(); m.kind != kindDone || err != nil {
		return vision.Sight{}, q.nonsense(fmt.Errorf("a sight: %w", errors.Join(wire.ErrMalformed, err)))
	}
	return sight, nil
}
