package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Flush moves what was appended before to the database, in transactions of bounded size, each synced to the disk, and
// returns these records in order. After an error it returns those that were committed; the others stay in the logs and are
// tried again by the next Flush.
func (l *Ledger) Flush() ([]*Record, error) {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	err := l.commit()
	records := l.unreturned
	l.unreturned = nil
	return records, err
}

// usable returns ErrClosed after Close.
func (l *Ledger) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return nil
}

// commit does the work of Flush; l.commitMu is held.
func (l *Ledger) commit() error {
	// What an earlier commit left comes first: as long as that fails, no more logs are begun.
	if err := l.commitBatches(); err != nil {
		return fmt.Errorf("flush ledger: %w", mend(l.dir, err))
	}
	if err := l.rotate(); err != nil {
		return fmt.Errorf("flush ledger: begin a log: %w", mend(l.dir, err))
	}
	if err := l.commitBatches(); err != nil {
		return fmt.Errorf("flush ledger: %w", mend(l.dir, err))
	}
	return nil
}

// rotate begins another log if there is something in this one. The new file is made before the lock is taken.
func (l *Ledger) rotate() error {
	l.mu.Lock()
	if l.file == nil || l.file.records == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.closed {
		l.abandonLog()
		l.mu.Unlock()
		return nil
	}
	l.nextLog++
	number := l.nextLog
	l.mu.Unlock()

	g, err := createLog(l.logPath(number - 1))
	if err != nil {
		return err
	}
	l.step("created")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nextLog != number { // an append met a fault and has begun a log of a higher number, which thus must come later
		return errors.Join(g.f.Close(), os.Remove(g.path))
	}
	if l.file != nil {
		l.abandonLog()
	}
	l.useLog(g)
	return nil
}

// first returns the batch that is to be committed next, or nil.
func (l *Ledger) first() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 1 || len(l.pending) == 1 && l.file == nil {
		return l.pending[0]
	}
	return nil
}

func (l *Ledger) commitBatches() error {
	for b := l.first(); b != nil; b = l.first() {
		if err := l.commitBatch(b); err != nil {
			return err
		}
		l.unreturned = append(l.unreturned, b.records...)
		l.mu.Lock()
		l.pending = l.pending[1:]
		l.committed = max(l.committed, b.last())
		l.behind -= b.bytes
		l.mu.Unlock()
		if b.log == nil {
			continue
		}
		if err := errors.Join(b.log.f.Close(), os.Remove(b.log.path)); err != nil {
			l.log.Warn("ledger: a log that was taken in could not be removed", "error", err)
		}
		l.step("removed")
	}
	return nil
}

// commitBatch writes a batch in one transaction.
func (l *Ledger) commitBatch(b *batch) error {
	if len(b.records) == 0 {
		return nil
	}
	l.step("rotated")
	dropped := 0
	err := guard(func() error {
		return l.db.Update(func(tx *bolt.Tx) error {
			w := &writer{
				tx: tx, names: l.names, batch: b,
				viewers: map[Viewer]*viewerState{}, totals: map[string]*tally{}, policies: map[string]*PolicyTotal{},
			}
			tx.Bucket(bucketRecords).FillPercent = 1 // keys only grow
			for _, r := range b.records {
				if err := w.put(r); err != nil {
					return err
				}
			}
			dropped = w.dropped
			return errors.Join(w.finish(), putNumber(tx, keyLast, b.last()))
		})
	})
	if err != nil {
		l.names.undo()
		return err
	}
	l.names.done()
	if dropped > 0 {
		l.log.Warn("ledger: events of decisions that were erased or lost are left out", "events", dropped)
	}
	l.step("committed")
	return nil
}

// tally is what the database keeps of an instrument.
type tally struct {
	// ID stands for the instrument in the viewers' counts. Since is the number of the last record before the tally was
	// begun: an instrument that was forgotten begins another.
	ID        uint64         `json:"id"`
	Since     uint64         `json:"since"`
	Decisions int            `json:"decisions"`
	Spent     float64        `json:"spent"`
	Reward    float64        `json:"reward"`
	Events    map[string]int `json:"events,omitempty"`
}

// writer writes the records of a batch.
type writer struct {
	tx      *bolt.Tx
	names   *names
	batch   *batch
	viewers map[Viewer]*viewerState
	totals  map[string]*tally
	// policies are by family.
	policies map[string]*PolicyTotal
	// arena holds the values, which bbolt reads until the commit.
	arena   []byte
	dropped int
}

func (w *writer) put(r *Record) error {
	if r.Event != nil {
		return w.putEvent(r)
	}
	d := r.Decision
	t, err := w.tally(chosen(d))
	if err != nil {
		return err
	}
	if t.ID == 0 {
		if t.ID, err = w.tx.Bucket(bucketTotals).NextSequence(); err != nil {
			return err
		}
		t.Since = r.Number - 1
	}
	t.Decisions++
	t.Spent += d.Cost
	p, err := w.policy(d.Policy)
	if err != nil {
		return err
	}
	p.Decisions++
	s := stored{Record: r}
	if d.Viewer != (Viewer{}) {
		v, err := w.viewer(d.Viewer)
		if err != nil {
			return err
		}
		if v.head != 0 {
			s.back = r.Number - v.head
		}
		v.head = r.Number
		v.add(t.ID)
	}
	return w.store(s)
}

func (w *writer) putEvent(r *Record) error {
	e := r.Event
	var d *Decision
	if in := w.batch.find(e.Decision); in != nil {
		d = in.Decision
	} else if v := w.tx.Bucket(bucketRecords).Get(numberKey(e.Decision)); v != nil {
		s, err := w.names.read(w.tx, e.Decision, v)
		if err != nil {
			return err
		}
		d = s.Decision
	}
	if d == nil {
		w.dropped++
		return nil
	}
	t, err := w.tally(chosen(d))
	if err != nil {
		return err
	}
	if t.ID != 0 && e.Decision > t.Since {
		t.Spent += e.Cost
		t.Reward += e.Reward
		if t.Events == nil {
			t.Events = map[string]int{}
		}
		t.Events[e.Type]++
	}
	p, err := w.policy(d.Policy)
	if err != nil {
		return err
	}
	p.add(e)
	index := eventIndex(eventKey{e.Decision, e.Type})
	if err := w.tx.Bucket(bucketEvents).Put(index, numberKey(r.Number)); err != nil {
		return err
	}
	return w.store(stored{Record: r})
}

func (w *writer) store(s stored) error {
	if cap(w.arena)-len(w.arena) < 4096 {
		w.arena = make([]byte, 0, 256<<10)
	}
	begin := len(w.arena)
	w.arena = appendStored(w.arena, s, w.names)
	return w.tx.Bucket(bucketRecords).Put(numberKey(s.Number), w.arena[begin:])
}

// tally returns the tally of an instrument; one without ID is new.
func (w *writer) tally(instrument string) (*tally, error) {
	if t := w.totals[instrument]; t != nil {
		return t, nil
	}
	t, err := readTally(w.tx, instrument)
	if err == nil {
		w.totals[instrument] = t
	}
	return t, err
}

func readTally(tx *bolt.Tx, instrument string) (*tally, error) {
	t := new(tally)
	v := tx.Bucket(bucketTotals).Get(totalsKey(instrument))
	if v == nil {
		return t, nil
	}
	if err := json.Unmarshal(v, t); err != nil {
		return nil, fmt.Errorf("%w: totals of %q: %w", ErrCorrupt, instrument, err)
	}
	return t, nil
}

func (w *writer) viewer(v Viewer) (*viewerState, error) {
	if s := w.viewers[v]; s != nil {
		return s, nil
	}
	s, err := readViewer(w.tx, v)
	if err == nil {
		w.viewers[v] = s
	}
	return s, err
}

// finish writes what many records share, in the order of the keys.
func (w *writer) finish() error {
	for instrument, t := range w.totals {
		if t.ID == 0 {
			continue
		}
		v, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if err := w.tx.Bucket(bucketTotals).Put(totalsKey(instrument), v); err != nil {
			return err
		}
	}
	if err := w.finishPolicies(); err != nil {
		return err
	}
	order := slices.SortedFunc(maps.Keys(w.viewers), func(a, b Viewer) int { return bytes.Compare(a[:], b[:]) })
	for _, v := range order {
		if err := w.tx.Bucket(bucketViewers).Put(v[:], w.viewers[v].append(nil)); err != nil {
			return err
		}
	}
	return w.names.write(w.tx)
}

// totalsKey makes a key of an id, which might be empty as no key may be.
func totalsKey(instrument string) []byte { return append([]byte{'i'}, instrument...) }
