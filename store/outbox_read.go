package store

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// pendingPictures is how many bytes of pictures Pending and PendingSince return at most, save for a single larger one.
const pendingPictures = 8 << 20

// Pending returns the entries of a sink's outbox that come after a sequence, 0 for all, oldest first: up to limit of them,
// and of frames no more than 8 MiB of pictures, but one at least. A key, which is a media and position, is in it once.
func (s *Store) Pending(sink string, after uint64, limit int) ([]Entry, error) {
	if after == math.MaxUint64 {
		limit = 0
	}
	return s.readOutbox(sink, func(r *reader) error {
		c := r.entries.Cursor()
		for k, v := c.Seek(sequenceKey(after + 1)); k != nil && len(r.list) < limit; k, v = c.Next() {
			t, err := decodeTicket(v)
			if err != nil {
				return err
			}
			if more, err := r.read(k, t); err != nil || !more {
				return err
			}
		}
		return nil
	})
}

// PendingSince returns the newest entries of a sink's outbox that were queued at or after a moment, the oldest of them
// first: as many as Pending would.
func (s *Store) PendingSince(sink string, since time.Time, limit int) ([]Entry, error) {
	list, err := s.readOutbox(sink, func(r *reader) error {
		c := r.entries.Cursor()
		for k, v := c.Last(); k != nil && len(r.list) < limit; k, v = c.Prev() {
			t, err := decodeTicket(v)
			if err != nil || t.Queued.Before(since) {
				return err
			}
			if more, err := r.read(k, t); err != nil || !more {
				return err
			}
		}
		return nil
	})
	slices.Reverse(list)
	return list, err
}

// reader reads entries in one transaction.
type reader struct {
	sinkBuckets
	tx      *bolt.Tx
	kind    Kind
	list    []Entry
	size    int64    // of the pictures
	orphans []uint64 // of observations that were pruned while the sink was not named in Options
}

// readOutbox lets read choose entries of a sink and returns them. Orphans that it meets are dropped.
func (s *Store) readOutbox(sink string, read func(r *reader) error) ([]Entry, error) {
	q, err := s.known(sink)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	var r *reader
	err = s.settled(func(tx *bolt.Tx) error {
		b, err := bucketsOf(tx, q.sink)
		if err != nil {
			return err
		}
		r = &reader{sinkBuckets: b, tx: tx, kind: q.sink.Kind}
		return read(r)
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox of %s: %w", sink, err)
	}
	if len(r.orphans) > 0 {
		s.log.Warn("outbox entries of pruned observations dropped", "sink", sink, "entries", len(r.orphans))
	}
	return r.list, s.Done(sink, r.orphans...)
}

// read reads one entry; more is false when it was left out because the pictures would be too many.
func (r *reader) read(k []byte, t ticket) (more bool, err error) {
	e := Entry{Queued: t.Queued}
	if e.Seq, err = parseSequence(k); err != nil {
		return false, err
	}
	switch r.kind {
	case Observations:
		if e.Observation, err = readObservation(r.tx, t.Media, t.From); err != nil {
			return false, err
		}
		if e.Observation == nil {
			r.orphans = append(r.orphans, e.Seq)
			return true, nil
		}
	case Segments:
		if t.URL == "" {
			return false, fmt.Errorf("%w: segment of %q at %v without its URL", ErrCorrupt, t.Media, t.From)
		}
		e.Segment = &Segment{Media: t.Media, URL: t.URL, From: t.From, Duration: t.Duration}
	case Frames:
		if r.size += t.Picture; r.size > pendingPictures && len(r.list) > 0 {
			return false, nil
		}
		picture := r.pictures.Get(k)
		if int64(len(picture)) != t.Picture || t.Picture == 0 {
			return false, fmt.Errorf("%w: picture of %q at %v has %d bytes, not %d", ErrCorrupt, t.Media, t.From, len(picture), t.Picture)
		}
		e.Frame = &Frame{Media: t.Media, At: t.From, JPEG: bytes.Clone(picture)}
	}
	r.list = append(r.list, e)
	return true, nil
}

// readObservation returns the observation at a position, or nil when it is not there.
func readObservation(tx *bolt.Tx, media string, from timeline.Position) (*timeline.Observation, error) {
	b, err := child(tx, bucketMedia, []byte(media), bucketObservations)
	if err != nil {
		return nil, err
	}
	key := positionKey(from)
	v := b.Get(key)
	if v == nil {
		return nil, nil
	}
	return decodeObservation(media, key, v)
}

// PendingSpans returns where the observations of a media lie that wait for an Observations sink, in order; what overlaps or
// touches is one span.
func (s *Store) PendingSpans(sink, media string) (list []timeline.Span, err error) {
	q, err := s.known(sink)
	if err == nil && q.sink.Kind != Observations {
		err = fmt.Errorf("sink %q takes no observations", sink)
	}
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	err = s.settled(func(tx *bolt.Tx) error {
		b, err := bucketsOf(tx, q.sink)
		if err != nil {
			return err
		}
		current := s.snapshot(media)
		// Between these lies no key of another media: its name would go on with bytes that no text has.
		last := pendingKey(media, timeline.MaxPosition)
		c := b.keys.Cursor()
		for k, _ := c.Seek(pendingKey(media, -timeline.MaxPosition)); k != nil && bytes.Compare(k, last) <= 0; k, _ = c.Next() {
			from, err := parsePosition(k[len(media):])
			if err != nil {
				return err
			}
			o := current.At(from)
			if o == nil { // on disk, but not in the snapshot yet; or pruned
				if o, err = readObservation(tx, media, from); err != nil {
					return err
				}
			}
			if o != nil {
				list = appendSpan(list, o.Span)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read outbox of %s: %w", sink, err)
	}
	return list, nil
}

// appendSpan adds a span that begins at or after the last one.
func appendSpan(list []timeline.Span, x timeline.Span) []timeline.Span {
	if n := len(list); n > 0 && x.From <= list[n-1].Until {
		list[n-1].Until = max(list[n-1].Until, x.Until)
		return list
	}
	return append(list, x)
}
