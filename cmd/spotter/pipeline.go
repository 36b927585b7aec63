package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"spotter/capture"
	"spotter/capture/opencv"
	"spotter/store"
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
	faultCrash     = "crash"
)

// recorder keeps what a pipeline finds out.
type recorder interface {
	Record(store.Batch) error
	Timeline(media string) (*timeline.Timeline, bool)
	Clock(media string) []byte
}

// pipeline is the way of one stream's pictures: followed, decoded, gated, recognised, observed, recorded.
type pipeline struct {
	media      mediaConfig
	zero       capture.Zero
	maxScene   time.Duration
	recognizer vision.Recognizer
	recorder   recorder
	metrics    *streamMetrics
	faults     *faultLog
	log        *slog.Logger
}

// step is what the decoding side tells the observing side, in the stream's order.
type step struct {
	sample  *opencv.Sample   // a picture that was looked at
	begin   *capture.Segment // a segment begins
	breaks  []timeline.Break // new or changed
	skipped timeline.Span    // of a break, whose pictures nobody looks at; empty if none
	end     *capture.Segment // all of a segment's pictures were looked at
	lost    bool             // with end: what the segment shows is not known
	over    bool             // the stream has ended
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
func (p *pipeline) run(ctx context.Context, follower *capture.Follower) error {
	decoder, err := opencv.New()
	if err != nil {
		return err
	}
	defer decoder.Close()
	d := &decoding{
		pipeline: p,
		decoder:  decoder,
		planner:  capture.NewPlanner(p.media.SampleInterval),
		gate:     vision.NewGate(p.maxScene),
		steps:    make(chan step, 8),
	}
	follower.OnEnd = func(ctx context.Context) error { return d.send(ctx, step{over: true}) }
	o := &observing{pipeline: p, gate: d.gate}

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
			err = &crash{value: v, stack: stack()}
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
	decoder *opencv.Decoder
	planner *capture.Planner
	gate    *vision.Gate
	steps   chan step
}

// segment looks at one segment's pictures. Only ctx ends it early.
func (d *decoding) segment(ctx context.Context, s *capture.Segment) error {
	skip := d.media.Breaks == breaksSkip
	told := slices.Clone(s.Breaks)
	for i := range told {
		told[i].Skipped = skip
	}
	if t, ok := d.recorder.Timeline(d.media.ID); ok && t.Complete(s.Span) { // analysed before a restart
		return d.send(ctx, step{breaks: told})
	}
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
		looked, failed = looked+n, errors.Join(failed, err)
	}
	if failed != nil {
		d.faults.add(faultDecode, fmt.Errorf("%s: %w", s.URL, failed))
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
	err = d.decoder.Decode(ctx, job, d.gate, func(x opencv.Sample) error {
		looked++
		d.metrics.sampled.Inc()
		if x.Frame != nil {
			d.metrics.admitted.Inc()
		}
		return d.send(ctx, step{sample: &x})
	})
	return looked, err
}

func (d *decoding) send(ctx context.Context, x step) error {
	select {
	case d.steps <- x:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// observing is the side of a pipeline behind the gate.
type observing struct {
	*pipeline
	gate     *vision.Gate
	observer *vision.Observer // nil before the first segment
	// resumed is where the last break ended, until the first look behind it.
	resumed *timeline.Position
}

func (o *observing) run(ctx context.Context, steps <-chan step) error {
	for x := range steps {
		var seen vision.Seen
		batch := store.Batch{Breaks: x.breaks}
		switch {
		case x.begin != nil:
			seen, batch.Clock = o.begin(x.begin)
		case x.over:
			seen = o.over()
		case x.skipped.Len() > 0:
			seen = o.skip(x.skipped)
			batch.Analyzed = append(batch.Analyzed, x.skipped)
		case x.end != nil && x.lost:
			seen = o.cut()
		case x.sample != nil && x.sample.Frame != nil:
			seen = o.recognize(ctx, x.sample.Frame)
			batch.Analyzed = o.resume(x.sample.Frame.Position, len(seen.Observations) > 0)
		case x.end != nil:
			seen = o.observer.Through(x.end.Until)
		}
		if x.end != nil {
			batch.Clock = x.end.After
		}
		if err := o.record(seen, batch); err != nil {
			return err
		}
		if x.end != nil {
			o.metrics.queryable(x.end)
		}
	}
	return nil
}

// over ends the scene on screen, which may be one of an earlier run.
func (o *observing) over() vision.Seen {
	if o.observer == nil {
		o.observer = vision.NewObserver(o.media.ID, o.newest(timeline.MaxPosition))
	}
	return o.observer.Break()
}

// begin takes up a segment. Of the very first one the clock is kept before any of its observations: a restart must not
// move them.
func (o *observing) begin(s *capture.Segment) (seen vision.Seen, clock []byte) {
	if o.observer == nil {
		o.observer = vision.NewObserver(o.media.ID, o.newest(s.From))
		if o.recorder.Clock(o.media.ID) == nil {
			clock = s.Before
		}
	}
	if s.Jump {
		seen = o.cut()
	}
	return seen, clock
}

// newest returns the newest observation of an earlier run where its scene is over at position at. One that begins there
// or later will be seen again, and ending it here would leave its second sight the older revision.
func (o *observing) newest(at timeline.Position) *timeline.Observation {
	t, ok := o.recorder.Timeline(o.media.ID)
	if !ok {
		return nil
	}
	if newest := t.Last(); newest != nil && newest.From < at {
		return newest
	}
	return nil
}

// cut ends the scene where it was last seen. The gate was told when the cut was met, ahead of what is observed.
func (o *observing) cut() vision.Seen {
	o.resumed = nil
	return o.observer.Break()
}

func (o *observing) recognize(ctx context.Context, f *capture.Frame) vision.Seen {
	began := time.Now()
	answer, err := o.recognizer.Recognize(ctx, vision.Picture{Small: f.Small, JPEG: f.JPEG, Width: f.Width, Height: f.Height})
	if err != nil {
		if ctx.Err() == nil {
			o.metrics.failed.Inc()
			o.faults.add(faultRecognize, fmt.Errorf("at %s: %w", f.Position, err))
		}
		o.gate.Reset() // ask again at the next picture
		return o.observer.Unanswered(f.Position)
	}
	o.metrics.recognized(answer.Source, time.Since(began))
	return o.observer.Answer(f.Position, answer, time.Now())
}

// record records what was seen, with what else there is of its batch.
func (o *observing) record(seen vision.Seen, batch store.Batch) error {
	batch.Media, batch.Observations = o.media.ID, seen.Observations
	if seen.Analyzed.Len() > 0 {
		batch.Analyzed = append(batch.Analyzed, seen.Analyzed)
	}
	if len(batch.Observations) == 0 && len(batch.Analyzed) == 0 && len(batch.Breaks) == 0 && batch.Clock == nil {
		return nil
	}
	if err := o.recorder.Record(batch); err != nil {
		return fmt.Errorf("%s: %w", faultStore, err)
	}
	return nil
}
