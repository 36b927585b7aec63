package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// Entry is an observation that a sink has not yet confirmed.
type Entry struct {
	// Seq orders the entries of a sink and names this one for Done.
	Seq uint64
	// Queued is when the observation, or its newest revision, was recorded.
	Queued time.Time
	// Observation is as it now stands; its span may be longer than when it was queued. It belongs to the caller.
	Observation *timeline.Observation
}

// queue is the part of a sink's outbox that is kept in memory.
type queue struct {
	n       atomic.Int64
	changed chan struct{}
}

func (q *queue) grew(n int) {
	q.n.Add(int64(n))
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// signal tells the sinks by how many entries their outboxes grew.
func (s *Store) signal(added map[string]int) {
	for sink, n := range added {
		s.queues[sink].grew(n)
	}
}

// openQueues makes the buckets of the sinks and counts what waits in them. Entries of sinks that are no longer
// named stay, but hold nothing back.
func (s *Store) openQueues(sinks []string) error {
	s.queues = make(map[string]*queue)
	if len(sinks) == 0 {
		return nil
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		outbox, err := child(tx, bucketOutbox)
		if err != nil {
			return err
		}
		for _, sink := range sinks {
			b, err := outbox.CreateBucketIfNotExists([]byte(sink))
			if err != nil {
				return fmt.Errorf("make outbox of sink %q: %w", sink, err)
			}
			for _, name := range [][]byte{bucketEntries, bucketKeys} {
				if _, err := b.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			q := &queue{changed: make(chan struct{}, 1)}
			q.n.Store(int64(b.Bucket(bucketEntries).Stats().KeyN))
			s.queues[sink] = q
		}
		return nil
	})
}

// enqueue puts the observations of a media at the end of every sink's outbox. An older entry of the same
// observation is taken out, so an outbox never holds two. It returns by how many entries each sink's outbox grew.
func (s *Store) enqueue(tx *bolt.Tx, media string, fresh []timeline.Position, now time.Time) (map[string]int, error) {
	added := make(map[string]int)
	if len(fresh) == 0 {
		return added, nil
	}
	for sink := range s.queues {
		added[sink] = 0
		entries, keys, err := sinkBuckets(tx, sink)
		if err != nil {
			return nil, err
		}
		for _, from := range fresh {
			n, err := enqueueOne(entries, keys, ticket{media, from, now.UTC()})
			if err != nil {
				return nil, err
			}
			added[sink] += n
		}
	}
	return added, nil
}

func enqueueOne(entries, keys *bolt.Bucket, t ticket) (n int, err error) {
	key := pendingKey(t.Media, t.From)
	n = 1
	if old := bytes.Clone(keys.Get(key)); old != nil {
		if err := entries.Delete(old); err != nil {
			return 0, err
		}
		n = 0
	}
	seq, err := entries.NextSequence()
	if err != nil {
		return 0, err
	}
	v, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	if err := entries.Put(sequenceKey(seq), v); err != nil {
		return 0, err
	}
	return n, keys.Put(key, sequenceKey(seq))
}

func sinkBuckets(tx *bolt.Tx, sink string) (entries, keys *bolt.Bucket, err error) {
	if entries, err = child(tx, bucketOutbox, []byte(sink), bucketEntries); err != nil {
		return nil, nil, err
	}
	keys, err = child(tx, bucketOutbox, []byte(sink), bucketKeys)
	return entries, keys, err
}

// pending reports whether any sink waits for an observation.
func (s *Store) pending(tx *bolt.Tx, media string, from timeline.Position) (bool, error) {
	for sink := range s.queues {
		_, keys, err := sinkBuckets(tx, sink)
		if err != nil {
			return false, err
		}
		if keys.Get(pendingKey(media, from)) != nil {
			return true, nil
		}
	}
	return false, nil
}

// Pending returns up to limit entries of a sink's outbox, oldest first; each observation is in it once.
func (s *Store) Pending(sink string, limit int) ([]Entry, error) {
	var list []Entry
	var orphans []uint64 // of observations that were pruned while the sink was not named in Options
	err := s.known(sink)
	if err == nil {
		err = s.view(func(tx *bolt.Tx) error {
			entries, _, err := sinkBuckets(tx, sink)
			if err != nil {
				return err
			}
			c := entries.Cursor()
			for k, v := c.First(); k != nil && len(list) < limit; k, v = c.Next() {
				e, err := readEntry(tx, k, v)
				if err != nil {
					return err
				}
				if e.Observation == nil {
					orphans = append(orphans, e.Seq)
				} else {
					list = append(list, e)
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	if len(orphans) > 0 {
		s.log.Warn("outbox entries of pruned observations dropped", "sink", sink, "entries", len(orphans))
	}
	return list, s.Done(sink, orphans...)
}

// readEntry reads one entry; its observation is nil when it is no longer there.
func readEntry(tx *bolt.Tx, k, v []byte) (e Entry, err error) {
	if len(k) != 8 {
		return e, fmt.Errorf("%w: an outbox sequence of %d bytes", ErrCorrupt, len(k))
	}
	t, err := decodeTicket(v)
	if err != nil {
		return e, err
	}
	e = Entry{Seq: binary.BigEndian.Uint64(k), Queued: t.Queued}
	b, err := child(tx, bucketMedia, []byte(t.Media), bucketObservations)
	if err != nil {
		return e, err
	}
	key := positionKey(t.From)
	if v := b.Get(key); v != nil {
		e.Observation, err = decodeObservation(t.Media, key, v)
	}
	return e, err
}

// Done takes entries that the sink has confirmed out of its outbox. A sequence that is not there, because the
// observation has been revised and queued anew or because Done was told before, is passed over.
func (s *Store) Done(sink string, seqs ...uint64) error {
	if err := s.known(sink); err != nil {
		return fmt.Errorf("clear outbox: %w", err)
	}
	if len(seqs) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := 0
	err := s.update(func(tx *bolt.Tx) error {
		entries, keys, err := sinkBuckets(tx, sink)
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			v := entries.Get(sequenceKey(seq))
			if v == nil {
				continue
			}
			t, err := decodeTicket(v)
			if err != nil {
				return err
			}
			if err := keys.Delete(pendingKey(t.Media, t.From)); err != nil {
				return err
			}
			if err := entries.Delete(sequenceKey(seq)); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clear outbox of %s: %w", sink, err)
	}
	s.queues[sink].n.Add(int64(-removed))
	return nil
}

// Backlog returns how many entries wait for a sink, and since when the first of them does: the zero time when none.
func (s *Store) Backlog(sink string) (n int, oldest time.Time) {
	q := s.queues[sink]
	if q == nil {
		return 0, time.Time{}
	}
	// A file that cannot be read shows as a backlog of no known age; Pending reports the error itself.
	_ = s.view(func(tx *bolt.Tx) error {
		entries, _, err := sinkBuckets(tx, sink)
		if err != nil {
			return err
		}
		if k, v := entries.Cursor().First(); k != nil {
			t, err := decodeTicket(v)
			oldest = t.Queued
			return err
		}
		return nil
	})
	return int(q.n.Load()), oldest
}

// Changed returns the sink's channel, the same each time, that receives after entries were queued. It holds one
// signal, so it serves one reader, who must first read what Pending has already; for an unknown sink it is nil.
func (s *Store) Changed(sink string) <-chan struct{} {
	if q := s.queues[sink]; q != nil {
		return q.changed
	}
	return nil
}

func (s *Store) known(sink string) error {
	if s.queues[sink] == nil {
		return fmt.Errorf("no sink %q: name it in Options.Sinks", sink)
	}
	return nil
}
