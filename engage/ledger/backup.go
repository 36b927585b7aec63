package ledger

import (
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Snapshot copies the database as it is at one moment, with all that was appended before, while others go on: begin is told how many
// bytes will come and returns where to. Flush still returns what Snapshot has flushed.
func (l *Ledger) Snapshot(begin func(size int64) (w io.Writer, err error)) error {
	if err := l.flushed(); err != nil {
		return err
	}
	err := l.view(func(tx *bolt.Tx) error {
		w, err := begin(tx.Size())
		if err != nil {
			return err
		}
		_, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("copy ledger: %w", err)
	}
	return nil
}

// flushed moves what was appended to the database.
func (l *Ledger) flushed() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	return l.commit()
}
