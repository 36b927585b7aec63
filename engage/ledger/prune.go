package ledger

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// pruneRecords bounds the records, names or viewers that one transaction removes or looks through.
const pruneRecords = 4096

// fullRecords is how many records are removed at least when too much is in use.
const fullRecords = 256

// Prune removes the flushed decisions and events that are older than Options.KeepFor at now, and then the oldest until no
// more than Options.MaxBytes of the database are in use. Counts and totals stay. It works in small transactions, between
// which others have their turn; to be called every few minutes.
func (l *Ledger) Prune(now time.Time) error {
	before := now.Add(-l.keepFor)
	steps := []func(*bolt.Tx) (bool, error){
		func(tx *bolt.Tx) (bool, error) { return l.pruneRecords(tx, before) },
		l.pruneNames,
		l.sweepViewers,
	}
	for _, step := range steps {
		for more := true; more; {
			if err := l.pruneStep(step, &more); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) pruneStep(step func(*bolt.Tx) (bool, error), more *bool) error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	return l.update("prune ledger", func(tx *bolt.Tx) (err error) {
		*more, err = step(tx)
		return err
	})
}

// used returns how many bytes of the file hold something.
func (l *Ledger) used(tx *bolt.Tx) int64 {
	s := l.db.Stats()
	return tx.Size() - int64(s.FreePageN+s.PendingPageN)*int64(l.db.Info().PageSize)
}

// pruneRecords removes some records from before that time or, when too much is in use, whatever their time.
func (l *Ledger) pruneRecords(tx *bolt.Tx, before time.Time) (more bool, err error) {
	excess := l.used(tx) - l.maxBytes
	full, freed := excess > 0, int64(0)
	var old []stored
	c := tx.Bucket(bucketRecords).Cursor()
	for k, v := c.First(); k != nil && len(old) < pruneRecords; k, v = c.Next() {
		s, err := l.names.read(tx, keyNumber(k), v)
		if err != nil {
			return false, err
		}
		enough := !full || freed >= excess && len(old) >= fullRecords
		if enough && !s.at().Before(before) {
			break
		}
		old = append(old, s)
		freed += int64(len(k) + len(v))
	}
	for _, s := range old {
		if s.Decision != nil {
			err = deleteDecision(tx, s.Number, false)
		} else {
			err = errors.Join(tx.Bucket(bucketRecords).Delete(numberKey(s.Number)),
				tx.Bucket(bucketEvents).Delete(eventIndex(eventKey{s.Event.Decision, s.Event.Type})))
		}
		if err != nil {
			return false, err
		}
	}
	if len(old) == 0 {
		return false, nil
	}
	return len(old) == pruneRecords || full, putNumber(tx, keyPruned, old[len(old)-1].Number)
}

func (s stored) at() time.Time {
	if s.Decision != nil {
		return s.Decision.At
	}
	return s.Event.At
}

// pruneNames removes some names of the epochs that no record is left of.
func (l *Ledger) pruneNames(tx *bolt.Tx) (more bool, err error) {
	first := l.names.epoch
	if _, v := tx.Bucket(bucketRecords).Cursor().First(); v != nil {
		first = min(first, storedEpoch(v))
	}
	b := tx.Bucket(bucketNames)
	var old [][]byte
	c := b.Cursor()
	for k, _ := c.First(); k != nil && len(old) < pruneRecords && binary.BigEndian.Uint32(k) < first; k, _ = c.Next() {
		old = append(old, slices.Clone(k))
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return false, err
		}
	}
	return len(old) == pruneRecords, nil
}

// sweepViewers removes the counts of forgotten instruments from some viewers, those from the sweep's mark on, and viewers
// of whom nothing is left then.
func (l *Ledger) sweepViewers(tx *bolt.Tx) (more bool, err error) {
	meta, b := tx.Bucket(bucketMeta), tx.Bucket(bucketViewers)
	mark := slices.Clone(meta.Get(keySweep))
	if mark == nil {
		return false, nil
	}
	live, err := liveInstruments(tx)
	if err != nil {
		return false, err
	}
	type change struct{ key, value []byte }
	var changes []change
	seen := 0
	c := b.Cursor()
	k, v := c.Seek(mark)
	for ; k != nil && seen < pruneRecords; k, v = c.Next() {
		seen++
		s, err := parseViewer(v)
		if err != nil {
			return false, err
		}
		before := len(s.counts)
		s.counts = slices.DeleteFunc(s.counts, func(c viewerCount) bool { return !live[c.id] })
		switch {
		case len(s.counts) == 0 && tx.Bucket(bucketRecords).Get(numberKey(s.head)) == nil:
			changes = append(changes, change{key: slices.Clone(k)})
		case len(s.counts) < before:
			changes = append(changes, change{slices.Clone(k), s.append(nil)})
		}
	}
	if k == nil {
		err = meta.Delete(keySweep)
	} else {
		err = meta.Put(keySweep, slices.Clone(k))
	}
	for _, c := range changes {
		if c.value == nil {
			err = errors.Join(err, b.Delete(c.key))
		} else {
			err = errors.Join(err, b.Put(c.key, c.value))
		}
	}
	return seen == pruneRecords && err == nil, err
}

// liveInstruments returns the IDs of all tallies.
func liveInstruments(tx *bolt.Tx) (map[uint64]bool, error) {
	live := map[uint64]bool{}
	err := tx.Bucket(bucketTotals).ForEach(func(k, _ []byte) error {
		t, err := readTally(tx, string(k[1:]))
		if err == nil {
			live[t.ID] = true
		}
		return err
	})
	return live, err
}
