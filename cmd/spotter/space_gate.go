package main

import (
	"context"

	"spotter/store"
)

// gate runs once while there is room on the disk: it waits for that, and ends once early where there is none any more. Nothing is
// asked of the cloud that could not be kept. What once returns for want of room is no fault of its own.
func (s *space) gate(once func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		running, cancel, ok := s.during(ctx)
		if !ok {
			return nil
		}
		defer cancel()
		err := once(running)
		if err != nil && store.Full(err) {
			s.pause(err)
			return nil
		}
		return err
	}
}

// during waits until there is room and returns a context that ends when there is none; ok is false when ctx is done before.
func (s *space) during(ctx context.Context) (running context.Context, cancel context.CancelFunc, ok bool) {
	for {
		s.mu.Lock()
		paused, changed := s.fault != nil, s.changed
		s.mu.Unlock()
		if paused {
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, nil, false
			}
			continue
		}
		running, end := context.WithCancel(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			select {
			case <-changed:
				end()
			case <-running.Done():
			}
		}()
		return running, func() { end(); <-watched }, true
	}
}

// whileRoom runs do while there is room, again and again, until ctx is done.
func (s *space) whileRoom(ctx context.Context, do func(context.Context)) {
	for ctx.Err() == nil {
		running, cancel, ok := s.during(ctx)
		if !ok {
			return
		}
		do(running)
		cancel()
	}
}

// mayTell returns when a sink is to be told: when next says so, which may be nil, and the outbox can be cleared.
func (s *space) mayTell(next func() bool) func() bool {
	return func() bool {
		s.mu.Lock()
		may := s.writes
		s.mu.Unlock()
		return may && (next == nil || next())
	}
}
