package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// batch is what one transaction moves to the database. It is guarded by Ledger.mu as long as it is the last one pending;
// then only the list it stands in is.
type batch struct {
	records []*Record
	bytes   int64
	shown   map[shownKey]int
	events  map[uint64][]*Event // by decision
	// log is the file that can be removed once the batch is committed; nil while more is in it.
	log *logFile
}

type shownKey struct {
	viewer     Viewer
	instrument string
}

type eventKey struct {
	decision uint64
	kind     string
}

func (b *batch) add(r *Record, bytes int) {
	b.records = append(b.records, r)
	b.bytes += int64(bytes)
	switch {
	case r.Event != nil:
		if b.events == nil {
			b.events = map[uint64][]*Event{}
		}
		b.events[r.Event.Decision] = append(b.events[r.Event.Decision], r.Event)
	case r.Decision.Viewer != Viewer{}:
		if b.shown == nil {
			b.shown = map[shownKey]int{}
		}
		b.shown[shownKey{r.Decision.Viewer, chosen(r.Decision)}]++
	}
}

// last returns the number of the last record, 0 if there is none.
func (b *batch) last() uint64 {
	if len(b.records) == 0 {
		return 0
	}
	return b.records[len(b.records)-1].Number
}

// find returns the record with that number, or nil.
func (b *batch) find(number uint64) *Record {
	i, ok := slices.BinarySearchFunc(b.records, number, func(r *Record, n uint64) int { return cmp.Compare(r.Number, n) })
	if !ok {
		return nil
	}
	return b.records[i]
}

// chosen returns the id of the instrument that was chosen.
func chosen(d *Decision) string { return d.Case.Arms[d.Choice].Instrument }

// frames has room for a frame, so that appending makes no garbage.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// Append numbers the record and writes it to the log, where it survives the end of the process, though not of the
// machine's power. The record and all that it points to must not be changed any more. An event whose decision has one of
// its type already is refused with ErrDuplicate, one of no known decision with ErrUnknown. After any error nothing is kept
// and r.Number is 0; the next Append may succeed, as when there is room on the disk again.
func (l *Ledger) Append(r *Record) error {
	r.Number = 0
	if err := validate(r); err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	pooled := frames.Get().(*[]byte)
	defer frames.Put(pooled)
	frame := appendLogged(beginFrame((*pooled)[:0]), r)
	*pooled = frame
	if len(frame)-frameHead > maxPayload {
		return fmt.Errorf("append to ledger: a record of %d bytes is too long", len(frame))
	}
	sealFrame(frame)
	var err error
	if r.Event != nil {
		err = l.appendEvent(r, frame)
	} else {
		l.mu.Lock()
		err = l.write(r, frame)
		l.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return nil
}

func validate(r *Record) error {
	d := r.Decision
	switch {
	case (d == nil) == (r.Event == nil):
		return errors.New("a record must be either a decision or an event")
	case d != nil && (d.Case == nil || d.Choice < 0 || d.Choice >= len(d.Case.Arms)):
		return errors.New("a decision must choose one of its arms")
	}
	return nil
}

// write numbers and writes the frame of a record; l.mu is held.
func (l *Ledger) write(r *Record, frame []byte) error {
	if l.closed {
		return ErrClosed
	}
	if l.behind > maxBehind {
		return ErrBehind
	}
	if l.file == nil {
		if err := l.newLog(); err != nil {
			return err
		}
	}
	frame = numberFrame(frame, l.next)
	if broken, err := l.file.write(frame); err != nil {
		if broken {
			l.abandonLog()
		}
		return err
	}
	r.Number = l.next
	l.next++
	b := l.pending[len(l.pending)-1]
	b.add(r, len(frame))
	l.behind += int64(len(frame))
	if len(b.records) >= batchRecords {
		l.pending = append(l.pending, &batch{})
	}
	return nil
}

// newLog begins a log, and a batch for it; l.mu is held.
func (l *Ledger) newLog() error {
	g, err := createLog(l.logPath(l.nextLog))
	if err != nil {
		return err
	}
	l.useLog(g)
	return nil
}

func (l *Ledger) useLog(g *logFile) {
	l.nextLog++
	l.file = g
	l.pending = append(l.pending, &batch{})
}

// abandonLog leaves a log that can no longer be written; its records wait for the commit. l.mu is held.
func (l *Ledger) abandonLog() {
	l.pending[len(l.pending)-1].log = l.file
	l.file = nil
}

// appendEvent writes an event if its decision is known and has none of its type. The database is asked without l.mu; when
// more was committed meanwhile, it is asked again.
func (l *Ledger) appendEvent(r *Record, frame []byte) error {
	key := eventKey{r.Event.Decision, r.Event.Type}
	for {
		var last uint64
		var known, duplicate bool
		if err := l.view(func(tx *bolt.Tx) error {
			last = getNumber(tx, keyLast)
			known = storedDecision(tx, key.decision)
			duplicate = known && tx.Bucket(bucketEvents).Get(eventIndex(key)) != nil
			return nil
		}); err != nil {
			return err
		}
		if duplicate {
			return ErrDuplicate
		}
		l.mu.Lock()
		if l.committed > last {
			l.mu.Unlock()
			continue
		}
		err := l.writeEvent(r, frame, key, known)
		l.mu.Unlock()
		return err
	}
}

func (l *Ledger) writeEvent(r *Record, frame []byte, key eventKey, known bool) error {
	for _, b := range l.pending {
		for _, e := range b.events[key.decision] {
			if e.Type == key.kind {
				return ErrDuplicate
			}
		}
		if d := b.find(key.decision); d != nil && d.Decision != nil {
			known = true
		}
	}
	if !known {
		return ErrUnknown
	}
	return l.write(r, frame)
}

func storedDecision(tx *bolt.Tx, number uint64) bool {
	v := tx.Bucket(bucketRecords).Get(numberKey(number))
	return len(v) > 0 && v[0] == kindDecision
}

func eventIndex(k eventKey) []byte { return append(numberKey(k.decision), k.kind...) }
