package ledger

import (
	"bytes"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"
)

// replayRecords bounds the records that Replay reads in one transaction.
const replayRecords = 1024

// Total is what came of an instrument.
type Total struct {
	Since     uint64         // the number of the last record before its first decision
	Decisions int            // how often it was chosen
	Spent     float64        // costs of decisions and events, in the unit of its budget
	Events    map[string]int // by type
	Reward    float64        // of all decisions together
}

// Replay calls f with each flushed record that has a number above after, in order. An error of f ends it and is returned.
// The record belongs to f. Records are read in small batches, no transaction is open while f runs, and what is flushed
// meanwhile is seen too.
func (l *Ledger) Replay(after uint64, f func(*Record) error) error {
	for {
		var records []*Record
		err := l.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketRecords).Cursor()
			for k, v := c.Seek(numberKey(after + 1)); k != nil && len(records) < replayRecords; k, v = c.Next() {
				s, err := l.names.read(tx, keyNumber(k), v)
				if err != nil {
					return err
				}
				records = append(records, s.Record)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("replay ledger: %w", err)
		}
		for _, r := range records {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(records) < replayRecords {
			return nil
		}
		after = records[len(records)-1].Number
	}
}

// Decision returns the decision of that number, flushed or not, or ErrUnknown. It must not be changed.
func (l *Ledger) Decision(number uint64) (*Decision, error) {
	if r := l.pendingRecord(number); r != nil && r.Decision != nil {
		return r.Decision, nil
	}
	var s stored
	err := l.view(func(tx *bolt.Tx) (err error) {
		v := tx.Bucket(bucketRecords).Get(numberKey(number))
		if v == nil {
			return ErrUnknown
		}
		s, err = l.names.read(tx, number, v)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("decision %d: %w", number, err)
	case s.Record.Decision == nil:
		return nil, fmt.Errorf("decision %d: %w", number, ErrUnknown)
	}
	return s.Record.Decision, nil
}

func (l *Ledger) pendingRecord(number uint64) *Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.pending {
		if r := b.find(number); r != nil {
			return r
		}
	}
	return nil
}

// Totals returns what had come of each instrument, by its id, when the ledger was opened.
func (l *Ledger) Totals() map[string]Total { return maps.Clone(l.totals) }

func (l *Ledger) loadTotals() error {
	l.totals = map[string]Total{}
	return l.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketTotals).ForEach(func(k, _ []byte) error {
			instrument := string(k[1:])
			t, err := readTally(tx, instrument)
			if err == nil {
				l.totals[instrument] = Total{Since: t.Since, Decisions: t.Decisions, Spent: t.Spent, Events: t.Events, Reward: t.Reward}
			}
			return err
		})
	})
}

// Rewarded returns the sum of the rewards of a decision's events, flushed or not; it is 0 for an unknown decision.
func (l *Ledger) Rewarded(number uint64) (float64, error) {
	for {
		sum, last := 0.0, uint64(0)
		err := l.view(func(tx *bolt.Tx) error {
			last = getNumber(tx, keyLast)
			prefix := numberKey(number)
			c := tx.Bucket(bucketEvents).Cursor()
			for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
				s, err := l.names.read(tx, keyNumber(v), tx.Bucket(bucketRecords).Get(v))
				if err != nil {
					return err
				}
				if s.Event != nil {
					sum += s.Event.Reward
				}
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("rewards of decision %d: %w", number, err)
		}
		if more, ok := l.pendingReward(number, last); ok {
			return sum + more, nil
		}
	}
}

// pendingReward sums over the records after last; false says that some of them were committed already.
func (l *Ledger) pendingReward(number, last uint64) (sum float64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.committed > last {
		return 0, false
	}
	for _, b := range l.pending {
		if b.last() <= last {
			continue
		}
		for _, e := range b.events[number] {
			sum += e.Reward
		}
	}
	return sum, true
}
