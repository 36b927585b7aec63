package store

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// pruneBatch bounds a transaction of Prune, so that Record never waits long for it.
const pruneBatch = 2000

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
	for {
		dropped, last, more, err := s.pruneSome(media, after, before)
		n += dropped
		if err != nil {
			return n, fmt.Errorf("prune %s: %w", media, err)
		}
		if !more {
			return n, nil
		}
		after = last
	}
}

// InUse returns how many bytes of the file hold something. The file itself may be larger.
func (s *Store) InUse() (bytes int64, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		free := s.db.Stats()
		bytes = tx.Size() - int64(free.FreePageN+free.PendingPageN)*int64(s.db.Info().PageSize)
		return nil
	})
	return bytes, err
}

// pruneSome is Prune for the first pruneBatch observations that begin after a position. It returns where the last of
// them begins, and whether there may be more.
func (s *Store) pruneSome(media string, after, before timeline.Position) (n int, last timeline.Position, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.medium(media)
	if m == nil {
		return 0, 0, false, nil
	}
	current := m.timeline.Load()
	expired := expired(current, after, before)
	more = len(expired) == pruneBatch
	var gone map[timeline.Position]bool
	analyzed, breaks := current.Analyzed(), current.Breaks(allPositions)
	err = s.update(func(tx *bolt.Tx) (err error) {
		if gone, err = s.deleteUnsent(tx, media, expired); err != nil || more {
			return err
		}
		rest := current.Without(before)
		analyzed, breaks = rest.Analyzed(), rest.Breaks(allPositions)
		if err := keepBreaks(tx, media, breaks); err != nil {
			return err
		}
		b, err := child(tx, bucketMedia, []byte(media), bucketAnalyzed)
		if err != nil {
			return err
		}
		return putAnalyzed(b, current.Analyzed(), analyzed)
	})
	if err != nil {
		return 0, 0, false, err
	}
	kept := current.Within(allPositions)
	kept = slices.DeleteFunc(kept, func(o *timeline.Observation) bool { return gone[o.From] })
	s.publish(media, timeline.New(kept, analyzed).WithBreaks(breaks), nil)
	if more {
		last = expired[len(expired)-1]
	}
	return len(gone), last, more, nil
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
func (s *Store) deleteUnsent(tx *bolt.Tx, media string, list []timeline.Position) (map[timeline.Position]bool, error) {
	b, err := child(tx, bucketMedia, []byte(media), bucketObservations)
	if err != nil {
		return nil, err
	}
	gone := make(map[timeline.Position]bool)
	for _, from := range list {
		waits, err := s.waits(tx, media, from)
		if err != nil {
			return nil, err
		}
		if waits {
			continue
		}
		if err := b.Delete(positionKey(from)); err != nil {
			return nil, err
		}
		gone[from] = true
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
