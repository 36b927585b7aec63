package store

import (
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// pruneBatch bounds a transaction of Prune, so that Record never waits long for it.
const pruneBatch = 500

// frameBatch bounds a transaction that drops frames, so that Record never waits long for it.
const frameBatch = 200

// allPositions is a window that everything meets.
var allPositions = timeline.Span{From: -timeline.MaxPosition - 1, Until: timeline.MaxPosition}

// Prune drops the observations of a media that end at or before a position, save those that a sink still waits for, and
// the breaks, what was analysed and the spooled frames of scenes before it. It returns how many observations it dropped,
// which with an error may be some. The file does not shrink: bbolt uses the room again.
func (s *Store) Prune(media string, before timeline.Position) (n int, err error) {
	if err := s.pruneFrames(media, before); err != nil {
		return 0, fmt.Errorf("prune %s: %w", media, err)
	}
	after := -timeline.MaxPosition - 1
	gone := make(map[timeline.Position]*timeline.Observation)
	for more := true; more && err == nil; {
		after, more, err = s.pruneSome(media, after, before, gone)
	}
	if err != nil {
		before = -timeline.MaxPosition - 1
	}
	n, ferr := s.forget(media, before, gone)
	if err = errors.Join(err, ferr); err != nil {
		return n, fmt.Errorf("prune %s: %w", media, err)
	}
	return n, nil
}

// InUse returns how many bytes of the file hold something. The file itself may be larger.
func (s *Store) InUse() (bytes int64, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		bytes = tx.Size() - s.Spare()
		return nil
	})
	return bytes, err
}

// pruneSome deletes the first pruneBatch observations that begin after a position from the file, and adds them to gone. It returns
// where the last of them begins, and whether there may be more.
func (s *Store) pruneSome(media string, after, before timeline.Position, gone map[timeline.Position]*timeline.Observation) (last timeline.Position, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.medium(media)
	if m == nil {
		return 0, false, nil
	}
	current := m.timeline.Load()
	expired := expired(current, after, before)
	if len(expired) == 0 {
		return 0, false, nil
	}
	var deleted []timeline.Position
	err = s.update(func(tx *bolt.Tx) error {
		b, err := mediumBucket(tx, media)
		if err != nil {
			return err
		}
		if deleted, err = s.deleteUnsent(tx, b, expired); err != nil {
			return err
		}
		return b.close()
	})
	if err != nil {
		return 0, false, err
	}
	for _, from := range deleted {
		gone[from] = current.At(from)
	}
	return expired[len(expired)-1], len(expired) == pruneBatch, nil
}

// snapshotTries is how often forget makes a snapshot that comes too late before it keeps writers waiting for one.
const snapshotTries = 5

// forget takes what was deleted from the file out of the snapshot, save what was recorded anew since, and drops the breaks and what
// was analysed before a position. It returns how many observations went. The snapshot of a long event takes a while to make, so
// others may record meanwhile, and then it is made again.
func (s *Store) forget(media string, before timeline.Position, gone map[timeline.Position]*timeline.Observation) (n int, err error) {
	if s.medium(media) == nil {
		return 0, nil
	}
	for range snapshotTries {
		current := s.snapshot(media)
		next, n := without(current, before, gone)
		s.mu.Lock()
		if s.snapshot(media) == current {
			defer s.mu.Unlock()
			return n, s.forgetSpans(media, current, next)
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.snapshot(media)
	next, n := without(current, before, gone)
	return n, s.forgetSpans(media, current, next)
}

// without returns a snapshot without what is gone, and how much that was.
func without(current *timeline.Timeline, before timeline.Position, gone map[timeline.Position]*timeline.Observation) (next *timeline.Timeline, n int) {
	all := current.Within(allPositions)
	n = len(all)
	kept := slices.DeleteFunc(all, func(o *timeline.Observation) bool { return gone[o.From] == o })
	rest := timeline.New(nil, current.Analyzed()).WithBreaks(current.Breaks(allPositions)).Without(before)
	return timeline.New(kept, rest.Analyzed()).WithBreaks(rest.Breaks(allPositions)), n - len(kept)
}

// forgetSpans writes next's breaks and what was analysed in the place of current's, and publishes next, which lacks what the file lacks
// already; where the write fails, with current's. The caller holds s.mu.
func (s *Store) forgetSpans(media string, current, next *timeline.Timeline) error {
	err := s.update(func(tx *bolt.Tx) error {
		b, err := mediumBucket(tx, media)
		if err != nil {
			return err
		}
		return errors.Join(keepBreaks(b, next.Breaks(allPositions)), putAnalyzed(b, current.Analyzed(), next.Analyzed()), b.close())
	})
	if err != nil {
		next = timeline.New(next.Within(allPositions), current.Analyzed()).WithBreaks(current.Breaks(allPositions))
	}
	s.publish(media, next, nil)
	return err
}

// expired returns where the first pruneBatch observations begin that begin after a position and end at or before
// another.
func expired(t *timeline.Timeline, after, before timeline.Position) (list []timeline.Position) {
	for _, o := range t.Within(timeline.Span{From: after, Until: before}) {
		if o.From > after && o.Until <= before {
			if list = append(list, o.From); len(list) == pruneBatch {
				break
			}
		}
	}
	return list
}

// deleteUnsent deletes the observations at the given positions that no sink waits for, and returns which those were.
func (s *Store) deleteUnsent(tx *bolt.Tx, media *ledgered, list []timeline.Position) (gone []timeline.Position, err error) {
	for _, from := range list {
		waits, err := s.waits(tx, media.name, from)
		if err != nil {
			return nil, err
		}
		if waits {
			continue
		}
		if err := media.delete(bucketObservations, positionKey(from)); err != nil {
			return nil, err
		}
		gone = append(gone, from)
	}
	return gone, nil
}

// pruneFrames drops the frames of scenes that end at or before a position. A frame without an end lies where it begins.
func (s *Store) pruneFrames(media string, before timeline.Position) error {
	for more := true; more; {
		var err error
		if more, err = s.pruneSomeFrames(media, before); err != nil {
			return err
		}
	}
	return nil
}

// pruneSomeFrames is pruneFrames for the first frameBatch of them. It returns whether there may be more.
func (s *Store) pruneSomeFrames(media string, before timeline.Position) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.spool.before(media, before)
	if len(list) == 0 {
		return false, nil
	}
	current := s.snapshot(media)
	var gone []spooled
	err = s.update(func(tx *bolt.Tx) error {
		gone = nil
		b := spoolOf(tx)
		for _, from := range list {
			if o := current.At(from); o != nil && o.Until > before {
				continue
			}
			if v, err := b.frame(media, from); err != nil || v == nil || v.Until > before {
				if err != nil {
					return err
				}
				continue
			}
			x, err := b.takeOut(media, from)
			if err != nil {
				return err
			}
			if gone = append(gone, x...); len(gone) == frameBatch {
				break
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	s.spool.remove(gone)
	return len(gone) == frameBatch, nil
}
