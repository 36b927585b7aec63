package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// ticket is an outbox entry as it is written: what to send, and since when it waits. A frame's picture lies apart.
type ticket struct {
	Media    string            `json:"media"`
	From     timeline.Position `json:"from"`
	Queued   time.Time         `json:"queued"`
	URL      string            `json:"url,omitempty"`      // of a segment
	Duration time.Duration     `json:"duration,omitempty"` // of a segment, in nanoseconds
	Picture  int64             `json:"picture,omitempty"`  // how many bytes a frame's has
}

func decodeTicket(b []byte) (t ticket, err error) {
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("%w: outbox entry: %v", ErrCorrupt, err)
	}
	if t.Picture < 0 {
		return t, fmt.Errorf("%w: outbox entry with a picture of %d bytes", ErrCorrupt, t.Picture)
	}
	return t, nil
}

// sequenceSize is how many bytes a sequence has as a key.
const sequenceSize = 8

func sequenceKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func parseSequence(k []byte) (uint64, error) {
	if len(k) != sequenceSize {
		return 0, fmt.Errorf("%w: an outbox sequence of %d bytes", ErrCorrupt, len(k))
	}
	return binary.BigEndian.Uint64(k), nil
}

// pendingKey names an entry among the keys of a sink. The position's length is fixed, so no two media collide.
func pendingKey(media string, from timeline.Position) []byte {
	return append([]byte(media), positionKey(from)...)
}

// bytes is what an entry counts for: its keys and values in all buckets. v is the ticket as it is written.
func (t ticket) bytes(v []byte) int64 {
	n := int64(sequenceSize+len(v)) + int64(len(pendingKey(t.Media, t.From))+sequenceSize)
	if t.Picture > 0 {
		n += sequenceSize + t.Picture
	}
	return n
}

// name is a kind as it is written; Observations are not.
func (k Kind) name() []byte {
	switch k {
	case Segments:
		return []byte("segments")
	case Frames:
		return []byte("frames")
	}
	return nil
}

// sinkBuckets are a sink's outbox in the file.
type sinkBuckets struct {
	entries  *bolt.Bucket // in order
	keys     *bolt.Bucket // by media and position: there is at most one entry of each
	pictures *bolt.Bucket // of frames: apart, so that to look through the entries reads no picture; else nil
}

func bucketsOf(tx *bolt.Tx, sink Sink) (b sinkBuckets, err error) {
	if b.entries, err = child(tx, bucketOutbox, []byte(sink.Name), bucketEntries); err != nil {
		return b, err
	}
	if b.keys, err = child(tx, bucketOutbox, []byte(sink.Name), bucketKeys); err != nil {
		return b, err
	}
	if sink.Kind == Frames {
		b.pictures, err = child(tx, bucketOutbox, []byte(sink.Name), bucketPictures)
	}
	return b, err
}

// first returns the oldest entry; k is nil where there is none.
func (b sinkBuckets) first() (k []byte, t ticket, err error) {
	k, v := b.entries.Cursor().First() // a new one each time: deleting moves what a cursor points at
	if k != nil {
		t, err = decodeTicket(v)
	}
	return k, t, err
}

// count counts what waits, and compares entries with keys.
func (b sinkBuckets) count() (a account, err error) {
	err = b.entries.ForEach(func(k, v []byte) error {
		a.waiting++
		a.bytes += int64(len(k) + len(v))
		if _, err := parseSequence(k); err != nil || b.pictures == nil {
			return err
		}
		t, err := decodeTicket(v)
		a.bytes += sequenceSize + t.Picture
		return err
	})
	if err != nil {
		return a, err
	}
	keys := 0
	err = b.keys.ForEach(func(k, v []byte) error {
		keys++
		a.bytes += int64(len(k) + len(v))
		t, err := decodeTicket(b.entries.Get(v))
		if err == nil && !bytes.Equal(k, pendingKey(t.Media, t.From)) {
			err = fmt.Errorf("%w: the outbox has %v of %q under %x", ErrCorrupt, t.From, t.Media, k)
		}
		return err
	})
	if err != nil {
		return a, err
	}
	if keys != a.waiting {
		return a, fmt.Errorf("%w: %d outbox entries under %d keys", ErrCorrupt, a.waiting, keys)
	}
	_, t, err := b.first()
	a.oldest = t.Queued
	return a, err
}

// openQueues makes the buckets of the sinks, counts what waits in them and makes it fit the room. With no sink, and none of
// an earlier run, it writes nothing.
func (s *Store) openQueues(sinks []Sink, room int64) error {
	s.room = room
	s.queues = make(map[string]*queue)
	for _, sink := range sinks {
		if s.queues[sink.Name] != nil || sink.Name == "" || sink.Kind < Observations || sink.Kind > Frames {
			return fmt.Errorf("sink %q of kind %d is named twice, has no name or no kind", sink.Name, sink.Kind)
		}
		s.queues[sink.Name] = &queue{sink: sink, changed: make(chan struct{}, 1)}
	}
	if sinks == nil {
		return nil
	}
	var stale []string
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		stale, err = s.staleSinks(tx)
		return err
	})
	if err != nil || len(sinks)+len(stale) == 0 {
		return err
	}
	var changes outbox
	err = s.db.Update(func(tx *bolt.Tx) error {
		if err := s.dropSinks(tx, stale); err != nil {
			return err
		}
		if err := s.makeSinks(tx); err != nil {
			return err
		}
		changes, err = s.outbox(tx)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.account, err = c.count(); err != nil {
				return fmt.Errorf("count what waits for sink %q: %w", c.queue.sink.Name, err)
			}
		}
		return changes.makeRoom(room)
	})
	if err == nil {
		s.tell(changes)
	}
	return err
}

// staleSinks returns the sinks in the file whose entries cannot be used: segments and frames of those that are no longer
// named, and all of those that are of another kind now.
func (s *Store) staleSinks(tx *bolt.Tx) (stale []string, err error) {
	all, err := child(tx, bucketOutbox)
	if err != nil {
		return nil, err
	}
	err = all.ForEachBucket(func(name []byte) error {
		if v := all.Bucket(name).Get(keySeal); v != nil && !sealed(name, v) { // earlier versions wrote none
			return fmt.Errorf("%w: sink %q has the seal %x", ErrCorrupt, name, v)
		}
		kind, q := string(all.Bucket(name).Get(keyKind)), s.queues[string(name)]
		if q == nil && kind != "" || q != nil && kind != string(q.sink.Kind.name()) {
			stale = append(stale, string(name))
		}
		return nil
	})
	return stale, err
}

// dropSinks deletes the outboxes of sinks.
func (s *Store) dropSinks(tx *bolt.Tx, stale []string) error {
	for _, name := range stale {
		entries, err := child(tx, bucketOutbox, []byte(name), bucketEntries)
		if err != nil {
			return err
		}
		n := entries.Stats().KeyN
		if err := tx.Bucket(bucketOutbox).DeleteBucket([]byte(name)); err != nil {
			return fmt.Errorf("delete outbox of sink %q: %w", name, err)
		}
		s.log.Warn("outbox of a sink that is no longer configured deleted", "sink", name, "entries", n)
	}
	return nil
}

func (s *Store) makeSinks(tx *bolt.Tx) error {
	for name, q := range s.queues {
		b, err := tx.Bucket(bucketOutbox).CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return fmt.Errorf("make outbox of sink %q: %w", name, err)
		}
		parts := [][]byte{bucketEntries, bucketKeys}
		if q.sink.Kind == Frames {
			parts = append(parts, bucketPictures)
		}
		for _, part := range parts {
			if _, err := b.CreateBucketIfNotExists(part); err != nil {
				return fmt.Errorf("make outbox of sink %q: %w", name, err)
			}
		}
		if b.Get(keySeal) == nil {
			if err := b.Put(keySeal, seal([]byte(name))); err != nil {
				return err
			}
		}
		if kind := q.sink.Kind.name(); kind != nil && b.Get(keyKind) == nil {
			if err := b.Put(keyKind, kind); err != nil {
				return err
			}
		}
	}
	return nil
}
