package apart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"spotter/capture"
	"spotter/capture/apart/wire"
	"spotter/capture/container"
	"spotter/timeline"
	"spotter/vision"
)

// Work is what a child works with.
type Work struct {
	// Decode decodes a job, shows its pictures to the gate in order, and emits a sample for each, as capture/opencv does. It
	// calls beat for every picture that it decodes. It is called by one goroutine at a time.
	Decode func(ctx context.Context, job capture.Job, gate Gate, beat func(), emit func(Sample) error) error
	// See looks at a picture; nil where nothing can. It may be called from several goroutines.
	See func(ctx context.Context, p vision.Picture) (vision.Sight, error)
	// SeeAll has every sampled picture looked at before the gate is asked.
	SeeAll bool
	// Greeting is what the parent is told of all this.
	Greeting []byte
	// Close frees it; may be nil.
	Close func() error
}

// errCanceled ends a request that nobody waits for.
var errCanceled = errors.New("nobody waits for it")

// host serves one parent.
type host struct {
	send sender
	recv *receiver
	work *Work

	mu       sync.Mutex
	requests map[uint32]*request
	group    sync.WaitGroup

	decoding sync.Mutex // held by who uses work.Decode

	heads sync.Mutex // guards:
	head  []byte
	init  *container.Init
}

// request is one that is being answered.
type request struct {
	cancel   context.CancelFunc
	verdicts chan bool
}

// Serve answers a parent until it closes the connection, which is no error. open is given what the parent wants opened; its
// error is told to the parent.
func Serve(ctx context.Context, conn io.ReadWriter, open func(setup []byte) (*Work, error)) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	h := &host{send: sender{w: conn}, recv: newReceiver(conn, mostFromParent), requests: map[uint32]*request{}}
	defer func() {
		cancel()
		h.group.Wait()
		if h.work != nil && h.work.Close != nil {
			err = errors.Join(err, h.work.Close())
		}
	}()
	if err := h.setup(open); err != nil {
		return err
	}
	for {
		m, err := h.recv.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		h.take(ctx, m)
	}
}

// setup does the first request, which opens everything.
func (h *host) setup(open func(setup []byte) (*Work, error)) error {
	m, err := h.recv.next()
	if err != nil || m.kind != kindSetup {
		return errors.Join(errors.New("the parent did not say what to open"), err)
	}
	if h.work, err = open(m.payload); err != nil {
		return errors.Join(err, h.fail(m.id, err))
	}
	return h.send.write(kindDone, m.id, nil, h.work.Greeting)
}

// take begins to answer a request, or hands on what belongs to one that is being answered.
func (h *host) take(ctx context.Context, m message) {
	switch m.kind {
	case kindVerdict, kindCancel:
		h.mu.Lock()
		defer h.mu.Unlock()
		q := h.requests[m.id]
		if q == nil { // answered meanwhile
			return
		}
		if m.kind == kindCancel {
			q.cancel()
		} else {
			q.verdicts <- len(m.payload) > 0
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	q := &request{cancel: cancel, verdicts: make(chan bool, 1)}
	h.mu.Lock()
	h.requests[m.id] = q
	h.mu.Unlock()
	h.group.Go(func() {
		defer func() {
			cancel()
			h.mu.Lock()
			delete(h.requests, m.id)
			h.mu.Unlock()
			h.recv.give(m)
		}()
		if err := h.contain(func() error { return h.answer(ctx, q, m) }); err != nil {
			// Where the parent is gone, the next read says so too.
			_ = h.fail(m.id, err)
		}
	})
}

// contain makes a panic of our own code an error of this request: a new process would do no better.
func (h *host) contain(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the decoder's code failed: %v: %s", v, debug.Stack())
		}
	}()
	return do()
}

func (h *host) fail(id uint32, err error) error {
	return h.send.write(kindFailed, id, func(b []byte) []byte { return appendFailure(b, err) })
}

func (h *host) answer(ctx context.Context, q *request, m message) error {
	switch m.kind {
	case kindDemux:
		return h.demux(m)
	case kindDecode:
		return h.decode(ctx, q, m)
	case kindSee:
		return h.see(ctx, m)
	}
	return fmt.Errorf("%w: a request of kind %d", wire.ErrMalformed, m.kind)
}

func (h *host) demux(m message) error {
	r, parts := m.open()
	n := r.Size(len(parts))
	init := container.ReadTables(r)
	if err := r.End(); err != nil {
		return err
	}
	head, segment := parts[:n], parts[n:]
	if n > 0 {
		var err error
		if init, err = h.parsed(head); err != nil {
			return err
		}
	}
	v, err := container.Demux(init, segment)
	if err != nil {
		return err
	}
	b, err := container.AppendVideo(nil, v, segment)
	if err != nil {
		return err
	}
	return h.send.write(kindDone, m.id, nil, b)
}

// parsed returns an initialisation section, most often that of the segment before.
func (h *host) parsed(head []byte) (*container.Init, error) {
	h.heads.Lock()
	defer h.heads.Unlock()
	if h.init == nil || !bytes.Equal(h.head, head) {
		init, err := container.ParseInit(head)
		if err != nil {
			return nil, err
		}
		h.head, h.init = bytes.Clone(head), init
	}
	return h.init, nil
}

func (h *host) see(ctx context.Context, m message) error {
	p, err := readPicture(m)
	if err != nil {
		return err
	}
	if h.work.See == nil {
		return fmt.Errorf("no local recogniser: %w", vision.ErrPermanent)
	}
	s, err := h.work.See(ctx, p)
	if err != nil {
		return err
	}
	return h.send.write(kindDone, m.id, nil, appendSight(nil, &s))
}

func (h *host) decode(ctx context.Context, q *request, m message) error {
	r, data := m.open()
	job, err := capture.ReadJob(r, data)
	if err != nil {
		return err
	}
	h.decoding.Lock()
	defer h.decoding.Unlock()
	g := &remoteGate{host: h, request: q, id: m.id}
	err = h.work.Decode(ctx, job, g, g.beat, func(s Sample) error {
		if g.err != nil || s.Frame == nil {
			return g.err
		}
		return h.send.write(kindFrame, m.id, func(b []byte) []byte { return appendFrame(b, s.Frame) }, s.Frame.JPEG)
	})
	if err = errors.Join(g.err, err); err != nil {
		return err
	}
	return h.send.write(kindDone, m.id, nil)
}

// beatEvery is how often at most a decoder says that it goes on.
const beatEvery = 200 * time.Millisecond

// remoteGate is the parent's gate as the child sees it. It is for one goroutine.
type remoteGate struct {
	*host
	*request
	id   uint32
	said time.Time // when the parent last heard of this
	err  error     // why the parent cannot be asked
}

func (g *remoteGate) beat() {
	if now := time.Now(); now.Sub(g.said) >= beatEvery {
		g.said = now
		// Where the parent is gone, the next read says so too.
		_ = g.send.write(kindBeat, g.id, nil)
	}
}

// Admit implements Gate: what models see goes with the picture, so that the parent's gate has both.
func (g *remoteGate) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	var s sighted
	if g.work.SeeAll {
		size := small.Rect.Size()
		sight, err := g.work.See(ctx, vision.Picture{At: at, Small: small, Width: size.X, Height: size.Y})
		if s.sight = &sight; err != nil {
			s = sighted{err: err}
		}
	}
	g.said = time.Now()
	g.err = g.send.write(kindLook, g.id, func(b []byte) []byte { return appendLook(b, at, small, s) }, tight(small))
	if g.err != nil {
		return false
	}
	select {
	case admitted := <-g.verdicts:
		return admitted
	case <-ctx.Done():
		g.err = errCanceled
		return false
	}
}
