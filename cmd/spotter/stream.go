package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/httpapi"
	"spotter/timeline"
)

const (
	minRestart = time.Second
	maxRestart = 30 * time.Second
)

// source is where a stream's playlist is read.
type source struct {
	urls      []*url.URL // its address, and then its backups
	getter    fetch.Getter
	recording bool
}

// stream keeps one media's pipeline running while its schedule and its operator want that, and through faults.
type stream struct {
	pipeline *pipeline
	source   *source
	times    *timetable // nil: always
	permit   *permit
	faults   *faultLog
	log      *slog.Logger
	started  time.Time
	// gate has once wait, and end, for a reason that all streams share; nil for none.
	gate func(once func(context.Context) error) func(context.Context) error

	mu       sync.Mutex
	follower *capture.Follower // of the running pipeline, or the last
}

// newStream returns a stream that is not running yet; times may be nil.
func newStream(p *pipeline, from *source, times *timetable) *stream {
	return &stream{
		pipeline: p, source: from, times: times, permit: newPermit(times == nil),
		faults: p.faults, log: p.log, started: time.Now().UTC().Truncate(time.Second),
	}
}

// close ends what its schedule is read with. Its run must have returned.
func (s *stream) close() {
	if s.times != nil {
		s.times.close()
	}
}

// run keeps the pipeline running until ctx is done.
func (s *stream) run(ctx context.Context) {
	once := s.once
	if s.gate != nil {
		once = s.gate(once)
	}
	keepRunning(ctx, s.times, s.permit, once, s.failed)
}

// keepRunning runs once whenever the permit is given, by times where there are any, again and again until ctx is done.
// After a failure it waits a while, the longer the more often it failed.
func keepRunning(ctx context.Context, times *timetable, p *permit, once func(context.Context) error, failed func(error)) {
	var schedule sync.WaitGroup
	defer schedule.Wait()
	if times != nil {
		schedule.Go(func() { times.run(ctx, p.schedule) })
	}
	wait := minRestart
	for p.await(ctx) {
		began := time.Now()
		running, cancel := p.during(ctx)
		err := once(running)
		cancel()
		if err == nil || ctx.Err() != nil {
			continue
		}
		failed(err)
		if time.Since(began) > maxRestart {
			wait = minRestart
		}
		sleep(ctx, wait)
		wait = min(2*wait, maxRestart)
	}
}

// failed notes why the pipeline ended.
func (s *stream) failed(err error) {
	kind := faultStore
	var c *crash
	switch {
	case errors.As(err, &c):
		kind = faultCrash
		s.log.Error("stream crashed", "error", c, "stack", string(c.stack))
	case errors.Is(err, capture.ErrClock):
		kind = capture.FaultClock
	}
	s.faults.add(kind, err)
}

// once runs the pipeline until it fails or ctx is done.
func (s *stream) once(ctx context.Context) error {
	follower, err := s.pipeline.newFollower(s.source)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.follower = follower
	s.mu.Unlock()
	return s.pipeline.run(ctx, follower)
}

// status tells how the stream is doing.
func (s *stream) status() httpapi.Status {
	s.mu.Lock()
	follower := s.follower
	s.mu.Unlock()
	refused, said := s.permit.refusal()
	out := httpapi.Status{
		Media:     s.pipeline.media.ID,
		State:     httpapi.StateWaiting,
		StartedAt: &s.started,
		Faults:    s.faults.list(),
	}
	if follower != nil {
		now := follower.Status()
		out.State = string(now.State)
		if now.Placed {
			out.LiveEdge = &now.LiveEdge
		}
	}
	switch {
	case said:
		out.State = httpapi.StateStopped
	case refused: // for its schedule
		out.State = httpapi.StateWaiting
	}
	if t, ok := s.pipeline.recorder.Timeline(s.pipeline.media.ID); ok {
		tellAnalyzed(&out, t)
	}
	return out
}

// positionAt returns the position that was live at t.
func (s *stream) positionAt(t time.Time) (timeline.Position, bool) {
	s.mu.Lock()
	follower := s.follower
	s.mu.Unlock()
	if follower == nil {
		return 0, false
	}
	return follower.PositionAt(t)
}

// timestamps returns how the stream itself counts; ok is false where it has not been read yet.
func (s *stream) timestamps() (zero int64, discontinuity uint64, ok bool) {
	s.mu.Lock()
	follower := s.follower
	s.mu.Unlock()
	if follower == nil {
		return 0, 0, false
	}
	return follower.Timestamps()
}
