package store

import (
	"bytes"
	"fmt"
)

// makeRoom drops entries until no more than room bytes wait, 0 for any number: the oldest frames first, then segments, last
// observations, which stay in the timeline.
func (all outbox) makeRoom(room int64) error {
	excess := -room
	for _, c := range all {
		excess += c.bytes
	}
	for _, kind := range []Kind{Frames, Segments, Observations} {
		for room > 0 && excess > 0 {
			c := all.longest(kind)
			if c == nil {
				break
			}
			excess -= c.bytes
			if err := c.dropOldest(); err != nil {
				return err
			}
			excess += c.bytes
		}
	}
	return nil
}

// longest returns the sink of a kind whose oldest entry waits longest, or nil where none waits.
func (all outbox) longest(kind Kind) (found *change) {
	for _, c := range all {
		if c.queue.sink.Kind == kind && c.waiting > 0 && (found == nil || c.oldest.Before(found.oldest)) {
			found = c
		}
	}
	return found
}

func (c *change) dropOldest() error {
	k, _, err := c.first()
	if err != nil {
		return err
	}
	found, err := c.remove(bytes.Clone(k))
	if err == nil && !found {
		err = fmt.Errorf("%w: outbox of sink %s has fewer entries than counted", ErrCorrupt, c.queue.sink.Name)
	}
	if err != nil {
		return err
	}
	c.dropped++
	return c.settle()
}
