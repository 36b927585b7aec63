package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// Revise replaces what is known of the scene that begins at from: change is given a copy of the observation and alters its
// Source, Celebrities, Objects and At, as timeline.Revise has it. When change returns true, the next revision is on disk, in
// the snapshot and in every sink's outbox when Revise returns. found tells whether there is an observation at from. change
// must not call the store.
func (s *Store) Revise(media string, from timeline.Position, change func(o *timeline.Observation) bool) (found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.snapshot(media).At(from)
	if old == nil {
		return false, nil
	}
	now := timeline.Revise(old, change)
	if now == nil {
		return true, nil
	}
	if err := s.replace(now, nil, nil); err != nil {
		return true, fmt.Errorf("revise %s at %v: %w", media, from, err)
	}
	return true, nil
}

// replace writes now, and what was analysed with it, tells the sinks of it and publishes it, all in one transaction with
// also, which may be nil. The caller holds s.mu.
func (s *Store) replace(now *timeline.Observation, analyzed []timeline.Span, also func(tx *bolt.Tx) error) error {
	current := s.snapshot(now.Media)
	next := current.With([]*timeline.Observation{now}, analyzed)
	var queued outbox
	err := s.update(func(tx *bolt.Tx) error {
		bucket, err := mediumBucket(tx, now.Media)
		if err != nil {
			return err
		}
		if err := putObservations(bucket, []*timeline.Observation{now}); err != nil {
			return err
		}
		if err := putAnalyzed(bucket, current.Analyzed(), next.Analyzed()); err != nil {
			return err
		}
		if err := bucket.close(); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		queued, err = s.enqueue(tx, news{media: now.Media, observations: []timeline.Position{now.From}})
		return err
	})
	if err != nil {
		return err
	}
	s.publish(now.Media, next, nil)
	s.tell(queued)
	return nil
}
