package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// news is what a transaction has for the sinks, all of it of one media.
type news struct {
	media        string
	observations []timeline.Position
	segments     []Segment
	frames       []Frame
}

// item is what is to be queued, with a frame's picture.
type item struct {
	ticket
	picture []byte
}

// change is what a transaction makes of a sink's outbox.
type change struct {
	sinkBuckets
	queue   *queue
	account      // as it is after the change
	queued  bool // whether anything was
	dropped int
}

// outbox are the changes of all sinks, by name.
type outbox []*change

// outbox begins a transaction's changes. The caller holds s.mu.
func (s *Store) outbox(tx *bolt.Tx) (outbox, error) {
	var all outbox
	for _, q := range s.queues {
		c, err := beginChange(tx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *change) int { return cmp.Compare(a.queue.sink.Name, b.queue.sink.Name) })
	return all, nil
}

func beginChange(tx *bolt.Tx, q *queue) (*change, error) {
	b, err := bucketsOf(tx, q.sink)
	return &change{sinkBuckets: b, queue: q, account: q.account}, err
}

// enqueue puts news at the end of the outboxes of the sinks of its kind and makes room for it. It returns what the caller,
// who holds s.mu, is to tell once the transaction is on disk.
func (s *Store) enqueue(tx *bolt.Tx, n news) (outbox, error) {
	if len(s.queues) == 0 || len(n.observations)+len(n.segments)+len(n.frames) == 0 {
		return nil, nil
	}
	all, err := s.outbox(tx)
	if err != nil {
		return nil, err
	}
	items, err := n.items(tx, time.Now().UTC().Round(0), all)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		for _, x := range items[c.queue.sink.Kind] {
			if err := c.put(x, s.room); err != nil {
				return nil, fmt.Errorf("queue for sink %s: %w", c.queue.sink.Name, err)
			}
		}
		if err := c.settle(); err != nil {
			return nil, err
		}
	}
	return all, all.makeRoom(s.room)
}

// items are what is to be queued by kind, of the kinds that have a sink.
func (n news) items(tx *bolt.Tx, now time.Time, all outbox) (map[Kind][]item, error) {
	items := make(map[Kind][]item)
	if all.has(Observations) {
		for _, from := range n.observations {
			items[Observations] = append(items[Observations], item{ticket: ticket{Media: n.media, From: from, Queued: now}})
		}
	}
	if all.has(Frames) {
		for _, f := range n.frames {
			t := ticket{Media: n.media, From: f.At, Queued: now, Picture: int64(len(f.JPEG))}
			items[Frames] = append(items[Frames], item{t, f.JPEG})
		}
	}
	if all.has(Segments) {
		fresh, err := announce(tx, n.media, n.segments)
		if err != nil {
			return nil, err
		}
		for _, x := range fresh {
			t := ticket{Media: n.media, From: x.From, Queued: now, URL: x.URL, Duration: x.Duration}
			items[Segments] = append(items[Segments], item{ticket: t})
		}
	}
	return items, nil
}

func (all outbox) has(kind Kind) bool {
	return slices.ContainsFunc(all, func(c *change) bool { return c.queue.sink.Kind == kind })
}

// announce returns the segments of a media that begin after all that were announced before, in order, and remembers the
// last of them.
func announce(tx *bolt.Tx, media string, list []Segment) (fresh []Segment, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	b, err := child(tx, bucketMedia, []byte(media))
	if err != nil {
		return nil, err
	}
	last := -timeline.MaxPosition - 1
	if v := b.Get(keyAnnounced); v != nil {
		if last, err = parsePosition(v); err != nil {
			return nil, err
		}
	}
	list = slices.SortedStableFunc(slices.Values(list), func(x, y Segment) int { return cmp.Compare(x.From, y.From) })
	for _, x := range list {
		if x.From > last {
			fresh, last = append(fresh, x), x.From
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	l, err := ledger(media, b)
	if err != nil {
		return nil, err
	}
	return fresh, errors.Join(l.put(nil, keyAnnounced, positionKey(last)), l.close())
}

// put queues an entry and takes out the older one of the same media and position. One that has no room even by itself is
// dropped, and costs no other its place.
func (c *change) put(x item, room int64) error {
	v, err := json.Marshal(x.ticket)
	if err != nil {
		return err
	}
	size := x.bytes(v)
	if room > 0 && size > room {
		c.dropped++
		return nil
	}
	key := pendingKey(x.Media, x.From)
	if old := bytes.Clone(c.keys.Get(key)); old != nil {
		found, err := c.remove(old)
		if err == nil && !found {
			err = fmt.Errorf("%w: outbox entry %x of %q at %v is missing", ErrCorrupt, old, x.Media, x.From)
		}
		if err != nil {
			return err
		}
	}
	seq, err := c.entries.NextSequence()
	if err != nil {
		return err
	}
	k := sequenceKey(seq)
	if err := c.entries.Put(k, v); err != nil {
		return err
	}
	if x.Picture > 0 {
		if err := c.pictures.Put(k, x.picture); err != nil {
			return err
		}
	}
	c.waiting++
	c.bytes += size
	c.queued = true
	return c.keys.Put(key, k)
}

// remove takes an entry out; found is false where it is not there.
func (c *change) remove(k []byte) (found bool, err error) {
	v := c.entries.Get(k)
	if v == nil {
		return false, nil
	}
	t, err := decodeTicket(v)
	if err != nil {
		return false, err
	}
	size := t.bytes(v)
	if err := c.keys.Delete(pendingKey(t.Media, t.From)); err != nil {
		return false, err
	}
	if c.pictures != nil {
		if err := c.pictures.Delete(k); err != nil {
			return false, err
		}
	}
	c.waiting--
	c.bytes -= size
	return true, c.entries.Delete(k)
}

// settle notes since when the oldest entry waits.
func (c *change) settle() error {
	_, t, err := c.first()
	c.oldest = t.Queued
	return err
}

// waits reports whether any sink waits for an observation.
func (s *Store) waits(tx *bolt.Tx, media string, from timeline.Position) (bool, error) {
	for _, q := range s.queues {
		if q.sink.Kind != Observations {
			continue
		}
		b, err := bucketsOf(tx, q.sink)
		if err != nil {
			return false, err
		}
		if b.keys.Get(pendingKey(media, from)) != nil {
			return true, nil
		}
	}
	return false, nil
}

// Done takes entries that the sink has confirmed out of its outbox. A sequence that is not there, because the entry was
// queued anew or dropped or because Done was told before, is passed over.
func (s *Store) Done(sink string, seqs ...uint64) error {
	q, err := s.known(sink)
	if err != nil {
		return fmt.Errorf("clear outbox: %w", err)
	}
	if len(seqs) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var c *change
	err = s.update(func(tx *bolt.Tx) (err error) {
		if c, err = beginChange(tx, q); err != nil {
			return err
		}
		for _, seq := range seqs {
			if _, err := c.remove(sequenceKey(seq)); err != nil {
				return err
			}
		}
		return c.settle()
	})
	if err != nil {
		return fmt.Errorf("clear outbox of %s: %w", sink, err)
	}
	s.tell(outbox{c})
	return nil
}
