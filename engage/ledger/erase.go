package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// eraseRecords bounds the decisions that one transaction erases.
const eraseRecords = 4096

// Erase removes the viewer's profile, counts, decisions and events, flushed or not, from the database and the logs, those
// that were set aside as damaged included. The totals of instruments stay, as does a feature's name that two viewers had.
// The work is that of the viewer's own decisions. A decision that is appended meanwhile may stay.
func (l *Ledger) Erase(id string) error {
	v := l.Viewer(id)
	if v == (Viewer{}) {
		return nil
	}
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.commit(); err != nil { // the logs are removed thereby
		return err
	}
	gone := map[uint64]bool{}
	for more := true; more; {
		if err := l.update("erase viewer", func(tx *bolt.Tx) (err error) {
			more, err = l.eraseSome(tx, v, gone)
			return err
		}); err != nil {
			return err
		}
	}
	l.unreturned = slices.DeleteFunc(l.unreturned, func(r *Record) bool {
		return gone[r.Number] || r.Event != nil && gone[r.Event.Decision]
	})
	maps.DeleteFunc(l.names.sights, func(_ string, first Viewer) bool { return first == v })
	// Events that came in since the commit are dropped by another.
	return errors.Join(l.commit(), l.scrub(), l.removeAside())
}

// eraseSome erases the last decisions of a viewer, and the rest of them with the last of these. It adds their numbers to
// gone and tells whether there is more.
func (l *Ledger) eraseSome(tx *bolt.Tx, v Viewer, gone map[uint64]bool) (more bool, err error) {
	s, err := readViewer(tx, v)
	if err != nil {
		return false, err
	}
	number := s.head
	for range eraseRecords {
		value := tx.Bucket(bucketRecords).Get(numberKey(number))
		if number == 0 || value == nil { // the others were pruned
			number = 0
			break
		}
		d, err := l.names.read(tx, number, value)
		if err != nil {
			return false, err
		}
		if err := deleteDecision(tx, number, true); err != nil {
			return false, err
		}
		gone[number] = true
		if d.back == 0 {
			number = 0
			break
		}
		number -= d.back
	}
	if number != 0 {
		s.head = number
		return true, tx.Bucket(bucketViewers).Put(v[:], s.append(nil))
	}
	if len(gone) > 0 {
		if err := putNumber(tx, keyErased, getNumber(tx, keyErased)+1); err != nil {
			return false, err
		}
	}
	return false, errors.Join(tx.Bucket(bucketViewers).Delete(v[:]), tx.Bucket(bucketProfiles).Delete(v[:]))
}

// deleteDecision deletes a decision and the index of its events, and these events themselves if they are to go too.
func deleteDecision(tx *bolt.Tx, number uint64, events bool) error {
	prefix := numberKey(number)
	records, index := tx.Bucket(bucketRecords), tx.Bucket(bucketEvents)
	if err := records.Delete(prefix); err != nil {
		return err
	}
	var keys [][]byte
	c := index.Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		keys = append(keys, slices.Clone(k))
		if events {
			if err := records.Delete(slices.Clone(v)); err != nil {
				return err
			}
		}
	}
	for _, k := range keys {
		if err := index.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// removeAside removes the logs that were set aside, for nobody knows who is in them.
func (l *Ledger) removeAside() error {
	entries, err := os.ReadDir(l.dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), logPrefix) || !strings.HasSuffix(e.Name(), asideSuffix) {
			continue
		}
		path := filepath.Join(l.dir, e.Name())
		l.log.Warn("ledger: removed a damaged log, because a viewer was erased who may be in it", "log", path)
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// Forget drops the total of an instrument that was deleted, and how often each viewer saw it: should another come under
// its id, it begins at zero. The viewers' counts go at once from sight, and from the file with the next Prune.
func (l *Ledger) Forget(instrument string) error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.commit(); err != nil {
		return err
	}
	return l.update("forget instrument", func(tx *bolt.Tx) error {
		// The next ID is left out: that the sequence is another tells tallyIDs of the change.
		if _, err := tx.Bucket(bucketTotals).NextSequence(); err != nil {
			return err
		}
		return errors.Join(tx.Bucket(bucketTotals).Delete(totalsKey(instrument)),
			tx.Bucket(bucketMeta).Put(keySweep, make([]byte, len(Viewer{}))))
	})
}

// scrub overwrites the pages that the database does not use, where what was deleted could still be read.
func (l *Ledger) scrub() (err error) {
	f, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("erase viewer: %w", mend(l.dir, err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	// The transaction that begins here keeps away writers, which would use a free page again; it writes nothing itself. Such a page
	// may still be read by transactions that began before it was free: these are waited for, but never while a writer is.
	tx, err := l.db.Begin(true)
	if err != nil {
		return fmt.Errorf("erase viewer: %w", err)
	}
	defer tx.Rollback()
	l.waitForReads()
	size := l.db.Info().PageSize
	page, zero := make([]byte, size), make([]byte, size)
	for i := 0; ; i++ {
		info, err := tx.Page(i)
		if err != nil || info == nil {
			return errors.Join(err, f.Sync())
		}
		if info.Type != "free" {
			continue
		}
		at := int64(i) * int64(size)
		if _, err := f.ReadAt(page, at); err == nil && bytes.Equal(page, zero) {
			continue
		}
		if _, err := f.WriteAt(zero, at); err != nil {
			return fmt.Errorf("erase viewer: %w", mend(l.dir, err))
		}
	}
}

// waitForReads returns when those transactions that read have ended that were open when it was called.
func (l *Ledger) waitForReads() {
	l.reads.Lock()
	defer l.reads.Unlock()
}
