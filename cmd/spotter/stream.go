package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"spotter/capture"
	"spotter/httpapi"
	"spotter/timeline"
)

const (
	minRestart = time.Second
	maxRestart = 30 * time.Second
)

// source is where a stream's playlist is read.
type source struct {
	url       *url.URL
	getter    capture.Getter
	recording bool
}

// stream keeps one media's pipeline running, through faults and an operator's stops and starts.
type stream struct {
	pipeline *pipeline
	source   *source
	faults   *faultLog
	log      *slog.Logger
	started  time.Time

	mu       sync.Mutex
	follower *capture.Follower // of the running pipeline
	stop     context.CancelFunc
	stopped  bool
	resume   chan struct{} // closed by start while stopped
}

// run keeps the pipeline running until ctx is done.
func (s *stream) run(ctx context.Context) {
	wait := minRestart
	for ctx.Err() == nil {
		if !s.awaitStart(ctx) {
			return
		}
		began := time.Now()
		err := s.once(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
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
		if time.Since(began) > maxRestart {
			wait = minRestart
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, maxRestart)
	}
}

// once runs the pipeline until it fails or is stopped.
func (s *stream) once(ctx context.Context) error {
	follower, err := s.pipeline.newFollower(s.source)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.follower, s.stop = follower, cancel
	s.mu.Unlock()
	return s.pipeline.run(ctx, follower)
}

// awaitStart waits while the stream is stopped; it returns false when ctx is done.
func (s *stream) awaitStart(ctx context.Context) bool {
	s.mu.Lock()
	resume := s.resume
	s.mu.Unlock()
	if resume == nil {
		return true
	}
	select {
	case <-resume:
		return true
	case <-ctx.Done():
		return false
	}
}

// setStopped stops the pipeline, or lets it run again.
func (s *stream) setStopped(stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped == stopped {
		return
	}
	s.stopped = stopped
	if !stopped {
		close(s.resume)
		s.resume = nil
		return
	}
	s.resume = make(chan struct{})
	if s.stop != nil {
		s.stop()
	}
}

// liveEdge returns the end of the newest published segment; ok is false while it is unknown.
func (s *stream) liveEdge() (p timeline.Position, ok bool) {
	s.mu.Lock()
	follower := s.follower
	s.mu.Unlock()
	if follower == nil {
		return 0, false
	}
	now := follower.Status()
	return now.LiveEdge, now.Placed
}

// status tells how the stream is doing.
func (s *stream) status() httpapi.Status {
	s.mu.Lock()
	follower, stopped := s.follower, s.stopped
	s.mu.Unlock()
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
	if stopped {
		out.State = httpapi.StateStopped
	}
	if t, ok := s.pipeline.recorder.Timeline(s.pipeline.media.ID); ok {
		if until, ok := t.AnalyzedUntil(); ok {
			out.AnalyzedUntil = &until
		}
		if o := t.Last(); o != nil {
			out.Source = o.Source
		}
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
