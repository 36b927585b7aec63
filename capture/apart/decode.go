package apart

import (
	"context"
	"fmt"
	"image"
	"time"

	"spotter/capture"
	"spotter/capture/apart/wire"
	"spotter/timeline"
)

// Decode has a job decoded, shows its pictures to the gate in order and emits a sample for each. It stops at the first
// error of emit and when ctx is done. The error wraps ErrDecode where pictures cannot be decoded, after all others were
// emitted, and capture.ErrDecoder where two children ended over them.
func (c *Client) Decode(ctx context.Context, job capture.Job, gate Gate, emit func(Sample) error) error {
	if len(job.Runs) == 0 {
		return nil
	}
	d := newDecoding(job, gate, emit)
	return c.twice(ctx, func(s *session) error { return d.with(ctx, c, s) })
}

// decoding is one job, however many children work on it: the gate sees each picture once.
type decoding struct {
	job   capture.Job
	gate  Gate
	emit  func(Sample) error
	limit time.Duration

	due      map[timeline.Position]bool // pictures that are to be looked at; true: it was emitted
	admitted *timeline.Position         // the gate wants it, and its frame has not come yet
}

func newDecoding(job capture.Job, gate Gate, emit func(Sample) error) *decoding {
	d := &decoding{job: job, gate: gate, emit: emit, due: map[timeline.Position]bool{}}
	first, last := timeline.Position(-1), timeline.Position(0)
	for _, r := range job.Runs {
		for _, p := range r.Pictures {
			d.due[p.At] = false
			if last = max(last, p.At); first < 0 || p.At < first {
				first = p.At
			}
		}
	}
	d.limit = atLeast + timesLive*max(time.Second, time.Duration(last-first)*time.Millisecond)
	return d
}

// with has the job decoded by one child.
func (d *decoding) with(ctx context.Context, c *Client, s *session) error {
	q := s.begin(d.limit)
	defer q.end()
	var raws [][]byte
	meta, raws := capture.AppendJob(nil, raws, d.job)
	if err := q.ask(kindDecode, func(b []byte) []byte { return append(b, meta...) }, raws...); err != nil {
		return err
	}
	var wanted *image.RGBA // of the frame that is to come
	var at timeline.Position
	for {
		m, err := q.next(ctx)
		if err != nil {
			return err
		}
		switch {
		case m.kind == kindLook && wanted == nil:
			x, err := readLook(m)
			if err != nil {
				return q.nonsense(err)
			}
			if wanted, err = d.look(ctx, c, q, x); err != nil {
				return err
			}
			at = x.at
			s.recv.give(m)
		case m.kind == kindFrame && wanted != nil:
			f, err := readFrame(m, at, wanted)
			if err != nil {
				return q.nonsense(err)
			}
			wanted, d.admitted, d.due[at] = nil, nil, true
			if err := d.emit(Sample{Position: at, Frame: f}); err != nil {
				return err
			}
		case m.kind == kindDone && wanted == nil:
			return nil
		default:
			return q.nonsense(fmt.Errorf("%w: message of kind %d out of turn", wire.ErrMalformed, m.kind))
		}
	}
}

// look shows a picture to the gate and tells the child what it says. It returns the small picture where the frame is
// wanted. What an earlier child has shown is not shown again.
func (d *decoding) look(ctx context.Context, c *Client, q *call, x *shown) (wanted *image.RGBA, err error) {
	emitted, due := d.due[x.at]
	if !due {
		return nil, q.nonsense(fmt.Errorf("%w: a picture that nobody wants", wire.ErrMalformed))
	}
	again := d.admitted != nil && *d.admitted == x.at // its frame was lost with the child
	admit := again
	if !emitted && !again {
		c.shown.Store(x)
		admit = d.gate.Admit(ctx, x.at, x.small)
		c.shown.Store(nil)
	}
	if !admit {
		if err := q.ask(kindVerdict, nil); err != nil {
			return nil, d.skip(x.at, emitted, err)
		}
		return nil, d.skip(x.at, emitted, nil)
	}
	d.admitted, wanted = &x.at, keep(x.small)
	return wanted, q.ask(kindVerdict, nil, []byte{1})
}

// skip emits a picture that the gate does not want, unless it was; failed is why the child cannot go on.
func (d *decoding) skip(at timeline.Position, emitted bool, failed error) error {
	if !emitted {
		d.due[at] = true
		if err := d.emit(Sample{Position: at}); err != nil {
			return err
		}
	}
	return failed
}
