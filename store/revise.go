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
	if err := s.replace([]*timeline.Observation{now}, nil, nil); err != nil {
		return true, fmt.Errorf("revise %s at %v: %w", media, from, err)
	}
	return true, nil
}

// Edit lets change make the next revisions of the observations of a media that begin at the given positions, all in one
// transaction: they are on disk, in the snapshot and in every sink's outbox when Edit returns nil. change is given each, must not
// alter it, and returns what timeline.Edited or timeline.Undone made of it, or the very same where nothing is to change; when it
// returns an error nothing changes at all and Edit returns that. now are the observations as they stand then, in the order of from,
// which names each position once; positions at which none begins are passed over. change must not call the store.
func (s *Store) Edit(media string, from []timeline.Position, change func(o *timeline.Observation) (*timeline.Observation, error)) (now []*timeline.Observation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.snapshot(media)
	var changed []*timeline.Observation
	for _, p := range from {
		old := current.At(p)
		if old == nil {
			continue
		}
		next, err := change(old)
		if err != nil {
			return nil, err
		}
		if now = append(now, next); next != old {
			changed = append(changed, next)
		}
	}
	if len(changed) == 0 {
		return now, nil
	}
	if err := s.replace(changed, nil, nil); err != nil {
		return nil, fmt.Errorf("edit %s: %w", media, err)
	}
	return now, nil
}

// replace writes now, which are one or more of one media, and what was analysed with them, tells the sinks of them and publishes them,
// all in one transaction with also, which may be nil. The caller holds s.mu.
func (s *Store) replace(now []*timeline.Observation, analyzed []timeline.Span, also func(tx *bolt.Tx) error) error {
	media := now[0].Media
	told := make([]timeline.Position, len(now))
	for i, o := range now {
		told[i] = o.From
	}
	current := s.snapshot(media)
	next := current.With(now, analyzed)
	var queued outbox
	err := s.update(func(tx *bolt.Tx) error {
		bucket, err := mediumBucket(tx, media)
		if err != nil {
			return err
		}
		if err := putObservations(bucket, now); err != nil {
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
		queued, err = s.enqueue(tx, news{media: media, observations: told})
		return err
	})
	if err != nil {
		return err
	}
	s.publish(media, next, nil)
	s.tell(queued)
	return nil
}
