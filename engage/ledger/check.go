package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"

	bolt "go.etcd.io/bbolt"
)

// Check tells whether the database is sound: its pages, that every record can be read, that all of a viewer's decisions
// hang together, and that counts and totals are what the records make them (or more, where records were pruned or
// erased). It reads all of it, and others can work meanwhile. Errors wrap ErrCorrupt, or are ctx's.
func (l *Ledger) Check(ctx context.Context) error {
	err := l.view(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		c := &checker{l: l, tx: tx, totals: map[string]*tally{}, since: map[uint64]uint64{}, ids: map[string]uint64{}}
		c.pruned = getNumber(tx, keyPruned) > 0
		c.erased = getNumber(tx, keyErased) > 0
		return errors.Join(c.records(ctx), c.viewers(ctx))
	})
	if err != nil {
		return fmt.Errorf("check ledger: %w", err)
	}
	return nil
}

type checker struct {
	l              *Ledger
	tx             *bolt.Tx
	pruned, erased bool
	totals         map[string]*tally // by instrument, as kept
	since          map[uint64]uint64 // by tally's ID
	ids            map[string]uint64 // of tallies by instrument
	ofViewers      int               // decisions of viewers that are known
}

// records reads all records and compares their sums with the totals.
func (c *checker) records(ctx context.Context) error {
	if err := c.tx.Bucket(bucketTotals).ForEach(func(k, _ []byte) error {
		t, err := readTally(c.tx, string(k[1:]))
		if err != nil {
			return err
		}
		c.totals[string(k[1:])], c.since[t.ID], c.ids[string(k[1:])] = t, t.Since, t.ID
		return nil
	}); err != nil {
		return err
	}
	sums := map[string]*tally{}
	for instrument, t := range c.totals {
		sums[instrument] = &tally{ID: t.ID, Since: t.Since, Events: map[string]int{}}
	}
	records := c.tx.Bucket(bucketRecords)
	if err := records.ForEach(func(k, v []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := c.l.names.read(c.tx, keyNumber(k), v)
		if err != nil {
			return err
		}
		return c.sum(sums, s)
	}); err != nil {
		return err
	}
	for instrument, sum := range sums {
		if err := c.compare(instrument, sum); err != nil {
			return err
		}
	}
	return nil
}

// sum adds a record to the sums of its instrument.
func (c *checker) sum(sums map[string]*tally, s stored) error {
	if d := s.Decision; d != nil {
		if (d.Viewer != Viewer{}) {
			c.ofViewers++
		}
		if t := sums[chosen(d)]; t != nil && s.Number > t.Since {
			t.Decisions++
			t.Spent += d.Cost
		}
		return nil
	}
	e := s.Event
	index := c.tx.Bucket(bucketEvents).Get(eventIndex(eventKey{e.Decision, e.Type}))
	v := c.tx.Bucket(bucketRecords).Get(numberKey(e.Decision))
	if v == nil && c.pruned {
		return nil
	}
	if v == nil || len(index) != 8 || keyNumber(index) != s.Number {
		return fmt.Errorf("%w: event %d of decision %d is not in the index", ErrCorrupt, s.Number, e.Decision)
	}
	d, err := c.l.names.read(c.tx, e.Decision, v)
	if err != nil || d.Decision == nil {
		return errors.Join(err, fmt.Errorf("%w: event %d has no decision", ErrCorrupt, s.Number))
	}
	if t := sums[chosen(d.Decision)]; t != nil && e.Decision > t.Since {
		t.Spent += e.Cost
		t.Reward += e.Reward
		t.Events[e.Type]++
	}
	return nil
}

// compare compares the total of an instrument with the sum of its records.
func (c *checker) compare(instrument string, sum *tally) error {
	t := c.totals[instrument]
	less := c.pruned || c.erased
	same := agree(float64(sum.Decisions), float64(t.Decisions), less) && agree(sum.Spent, t.Spent, less) &&
		agree(sum.Reward, t.Reward, less)
	for kind, n := range sum.Events {
		same = same && agree(float64(n), float64(t.Events[kind]), less)
	}
	for kind, n := range t.Events {
		same = same && agree(float64(sum.Events[kind]), float64(n), less)
	}
	if !same {
		return fmt.Errorf("%w: the total of %q is %+v, its records make %+v", ErrCorrupt, instrument, *t, *sum)
	}
	return nil
}

// agree tells whether what is left of the records fits what was counted.
func agree(left, counted float64, less bool) bool {
	slack := 1e-9 * math.Max(1, math.Abs(counted))
	return math.Abs(left-counted) <= slack || less && left < counted
}

// viewers follows the decisions of each viewer and compares them with the viewer's counts.
func (c *checker) viewers(ctx context.Context) error {
	found := 0
	err := c.tx.Bucket(bucketViewers).ForEach(func(k, v []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := parseViewer(v)
		if err != nil {
			return err
		}
		n, err := c.viewer(Viewer(k), s)
		found += n
		return err
	})
	if err == nil && found != c.ofViewers {
		err = fmt.Errorf("%w: %d decisions of viewers, %d of which can be found by the viewer", ErrCorrupt, c.ofViewers, found)
	}
	return err
}

// viewer returns how many decisions of the viewer there are.
func (c *checker) viewer(v Viewer, s *viewerState) (found int, err error) {
	counts := map[uint64]int{}
	for number := s.head; number != 0; {
		value := c.tx.Bucket(bucketRecords).Get(numberKey(number))
		if value == nil && c.pruned {
			break
		}
		if value == nil {
			return found, fmt.Errorf("%w: decision %d of a viewer is missing", ErrCorrupt, number)
		}
		d, err := c.l.names.read(c.tx, number, value)
		if err != nil {
			return found, err
		}
		if d.Decision == nil || d.Decision.Viewer != v {
			return found, fmt.Errorf("%w: decision %d is another viewer's", ErrCorrupt, number)
		}
		found++
		if id, ok := c.ids[chosen(d.Decision)]; ok && number > c.since[id] {
			counts[id]++
		}
		if d.back == 0 {
			break
		}
		number -= d.back
	}
	for _, n := range s.counts {
		if _, ok := c.since[n.id]; !ok {
			continue // forgotten, and removed by the next Prune
		}
		if !agree(float64(counts[n.id]), float64(n.n), c.pruned) {
			return found, fmt.Errorf("%w: a viewer's count is %d, the records make %d", ErrCorrupt, n.n, counts[n.id])
		}
		delete(counts, n.id)
	}
	if len(counts) > 0 {
		return found, fmt.Errorf("%w: a viewer lacks counts", ErrCorrupt)
	}
	return found, nil
}
