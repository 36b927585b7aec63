package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/store"
	"spotter/store/thumbnail"
	"spotter/systemd"
	"spotter/timeline"
	"spotter/vision"
)

// drainTime is how long a stopped pipeline may still take to recognise and record what it has decoded.
const drainTime = 5 * time.Second

// Kinds of faults beside those of package capture.
const (
	faultDecode    = "decode"
	faultRecognize = "recognize"
	faultCloud     = "cloud"           // no answer, or a broken one
	faultThrottled = "cloud-throttled" // for pace or budget
	faultRefused   = "cloud-refused"   // until a person mends it
	faultStore     = "store"
	faultTable     = "table"
	faultCrash     = "crash"
)

// recorder keeps what a pipeline finds out.
type recorder interface {
	Record(store.Batch) error
	Revise(media string, from timeline.Position, change func(*timeline.Observation) bool) (found bool, err error)
	Spool(store.SpooledFrame) (dropped int, err error)
	Timeline(media string) (*timeline.Timeline, bool)
	Clock(media string) []byte
}

// pipeline is the way of one stream's pictures: followed, decoded, gated, recognised, observed, recorded.
type pipeline struct {
	media    mediaConfig
	zero     capture.Zero
	maxScene time.Duration
	*recognizers
	looker   vision.Looker // looks at every sampled picture while the pipeline runs; nil without models
	recorder recorder
	frames   bool // some sink takes the pictures that are asked about
	segments bool // some sink takes the segments that are published
	// thumbnails keeps small pictures of what is asked about; nil where none are kept.
	thumbnails *thumbnail.Store
	upgrades   *upgrades
	binding    *lateBinding      // nil where unknown faces are not kept
	watchdog   *systemd.Watchdog // nil where nobody watches
	metrics    *streamMetrics
	faults     *faultLog
	log        *slog.Logger
}

// step is what the decoding side tells the observing side, in the stream's order.
type step struct {
	look    *look            // at a picture
	begin   *capture.Segment // a segment begins
	breaks  []timeline.Break // new or changed
	skipped timeline.Span    // of a break, whose pictures nobody looks at; empty if none
	end     *capture.Segment // all of a segment's pictures were looked at
	lost    bool             // with end: what the segment shows is not known
	over    bool             // the stream has ended
}

// look is what the gate says of a picture, which is nil where it is not worth asking about.
type look struct {
	verdict vision.Verdict
	picture *vision.Picture
}

// newFollower returns the follower of the pipeline's stream, on the clock that is stored.
func (p *pipeline) newFollower(address *source) (*capture.Follower, error) {
	clock, err := capture.NewClock(p.zero, p.recorder.Clock(p.media.ID))
	if err != nil {
		return nil, err
	}
	return &capture.Follower{
		Sources:   address.urls,
		Getter:    address.getter,
		Clock:     clock,
		Interval:  p.media.SampleInterval,
		Recording: address.recording,
		OnFault: func(f capture.Fault) {
			p.metrics.lost(f)
			p.faults.add(f.Kind, describe(f))
		},
		Logger: p.log,
	}, nil
}

func describe(f capture.Fault) error {
	err := f.Err
	if f.Lost > 0 {
		err = fmt.Errorf("%w (%d not analysed)", err, f.Lost)
	}
	return fmt.Errorf("%s: %w", f.URL, err)
}

// run analyses what follower reads until ctx is done or, of a recording, to its end. What was decoded by then is still
// recognised and recorded, within drainTime.
func (p *pipeline) run(ctx context.Context, follower *capture.Follower) (err error) {
	decoder := p.decoders.open(p.media.ID, func(how error) { p.metrics.decoderReplaced(causeOf(how)) })
	defer func() { err = errors.Join(err, p.decoders.release(p.media.ID, decoder)) }()
	if p.looks {
		p.looker = decoder
	}
	follower.Demuxer = decoder
	faces := p.newIdentities()
	d := &decoding{
		pipeline: p,
		decoder:  decoder,
		planner:  capture.NewPlanner(p.media.SampleInterval),
		gate:     vision.NewGate(vision.GateOptions{MaxScene: p.maxScene, Looker: p.newLooker(), Identities: faces}),
		steps:    make(chan step, 8),
	}
	follower.OnEnd = d.over
	d.part = p.watchdog.Watch("media "+p.media.ID+": decoding", streamSilence)
	defer d.part.Leave()
	d.part.Rest()
	o := &observing{pipeline: p, gate: d.gate, asking: newAsking(p, faces)}

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(d.steps)
		return contain(func() error { return follower.Run(groupCtx, d.segment) })
	})
	group.Go(func() error {
		drain, cancel := afterGrace(groupCtx, drainTime)
		defer cancel()
		return contain(func() error { return o.run(drain, d.steps) })
	})
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// contain turns a panic into an error, so that one stream's crash leaves the others alone.
func contain(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &crash{value: v, stack: debug.Stack()}
		}
	}()
	return fn()
}

// afterGrace returns a context that outlives ctx by grace.
func afterGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, cancel)
		context.AfterFunc(out, func() { t.Stop() })
	})
	return out, func() { stop(); cancel() }
}

// decoding is the side of a pipeline up to the gate.
type decoding struct {
	*pipeline
	decoder *apart.Client
	planner *capture.Planner
	gate    *vision.Gate
	steps   chan step
	hole    bool // the segment before was not looked at
	part    *systemd.Part
}

// over tells that the stream has ended, though it may go on: by mistake, or with another event.
func (d *decoding) over(ctx context.Context) error {
	defer d.part.Rest()
	d.gate.Reset()
	return d.send(ctx, step{over: true})
}

// segment looks at one segment's pictures. Only ctx ends it early.
func (d *decoding) segment(ctx context.Context, s *capture.Segment) error {
	d.part.Progress()
	defer d.part.Rest()
	skip := d.media.Breaks == breaksSkip
	told := slices.Clone(s.Breaks)
	for i := range told {
		told[i].Skipped = skip
	}
	if t, ok := d.recorder.Timeline(d.media.ID); ok && t.Complete(s.Span) { // analysed before a restart
		d.hole = true
		return d.send(ctx, step{breaks: told})
	}
	s.Jump = s.Jump || d.hole // what was on screen before need not have been since
	d.hole = false
	if err := d.send(ctx, step{begin: s, breaks: told}); err != nil {
		return err
	}
	parts := []part{{Span: s.Span}}
	if skip {
		parts = cutAtBreaks(s)
		d.planner.Skip = s.InBreak
	}
	if s.Jump {
		d.gate.Reset() // what follows is a new scene, though it may look like the one before
	}
	looked := 0
	job := d.planner.Plan(s)
	var failed error
	for i, p := range parts {
		if p.inBreak {
			d.gate.Reset()
			if err := d.send(ctx, step{skipped: p.Span}); err != nil {
				return err
			}
			continue
		}
		n, err := d.decode(ctx, partOf(job, parts, i))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, apart.ErrDecode) {
			d.gate.Reset() // it may have admitted a picture that nobody got
		}
		looked, failed = looked+n, errors.Join(failed, err)
	}
	if failed != nil {
		kind := faultDecode
		if errors.Is(failed, capture.ErrDecoder) {
			kind = capture.FaultDecoder
		}
		d.faults.add(kind, fmt.Errorf("%s: %w", s.URL, failed))
	}
	d.metrics.segments.Inc()
	lost := looked == 0 && (failed != nil || job.Blind)
	if lost {
		d.gate.Reset()
	}
	return d.send(ctx, step{end: s, lost: lost})
}

// decode looks at the pictures of a job and returns how many there were.
func (d *decoding) decode(ctx context.Context, job capture.Job) (looked int, err error) {
	err = d.decoder.Decode(ctx, job, d.gate, func(x apart.Sample) error {
		looked++
		d.part.Progress()
		d.metrics.looked()
		l := &look{verdict: d.gate.Verdict()}
		if l.verdict.Err != nil {
			d.faults.add(faultRecognize, fmt.Errorf("at %s: %w", x.Position, l.verdict.Err))
		}
		if f := x.Frame; f != nil {
			d.metrics.admitted.Inc()
			l.picture = &vision.Picture{At: f.Position, Small: f.Small, JPEG: f.JPEG, Width: f.Width, Height: f.Height}
		}
		return d.send(ctx, step{look: l})
	})
	return looked, err
}

// send waits for the observing side, which is watched by itself.
func (d *decoding) send(ctx context.Context, x step) error {
	d.part.Rest()
	defer d.part.Progress()
	select {
	case d.steps <- x:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
