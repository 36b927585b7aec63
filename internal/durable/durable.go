// Package durable owns how bbolt files get to disk: what Update has acknowledged outlives a file system that fails in that moment,
// and what Settled reads outlives the loss of power.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrUncertain is wrapped by the error of Update, and of Settled from then on, where a commit failed and its end cannot be known: what
// it wrote may be on disk or not. To open the file again finds out.
var ErrUncertain = errors.New("the disk failed in the middle of a write: start spotter again, and check the disk")

// How far a file is written ahead of what is used, in bytes: a share of that, within bounds.
const (
	aheadShare = 8
	leastAhead = 256 << 10
	mostAhead  = 4 << 20
)

// DB is an open bbolt file that is written by Update alone. Its View is bbolt's own: it waits for nobody, and may see a transaction
// that is not on disk yet.
type DB struct {
	*bolt.DB
	file *os.File

	writing sync.Mutex // held by Update
	filled  int64      // up to where the file is known to have been written, in bytes

	commits sync.RWMutex // held for writing from the begin of a commit until it is known what came of it
	doubt   error        // of a commit of which that is not known
}

// Open is bbolt's Open. What a process that was killed has written is on disk when it returns.
func Open(path string, mode fs.FileMode, o bolt.Options) (*DB, error) {
	d := new(DB)
	open := o.OpenFile
	if open == nil {
		open = os.OpenFile
	}
	o.OpenFile = func(path string, flag int, mode fs.FileMode) (*os.File, error) {
		f, err := open(path, flag, mode)
		if d.file == nil {
			d.file = f
		}
		return f, err
	}
	var err error
	if d.DB, err = bolt.Open(path, mode, &o); err != nil {
		return nil, err
	}
	d.AllocSize = 0 // bbolt is to ask for what it needs, which is compared with MaxSize
	if !o.ReadOnly {
		if err := d.Sync(); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Update runs fn in a writing transaction, which is on disk when it returns nil, and of which nothing is there after any other error
// than ErrUncertain. fn may be run several times, and begins anew each time.
//
// bbolt lets its file grow by a hole. What is written into one is there for good only once the journal of ext4 or XFS has said so, after
// the data is on disk; where the journal is given up meanwhile, fdatasync may tell of success, and the hole is still one. So Update
// writes the file ahead of what is used, bbolt may use no more than that, and commits take no journal. A transaction that needs more
// is run again once that is there.
func (d *DB) Update(fn func(tx *bolt.Tx) error) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	for least := int64(0); ; {
		size, err := d.attempt(fn, least)
		if !errors.Is(err, bolterrors.ErrMaxSizeReached) {
			return err
		}
		least = 2 * (d.filled - size)
	}
}

// attempt is Update with so many bytes ahead at least. It returns what was used before of the file.
func (d *DB) attempt(fn func(tx *bolt.Tx) error, least int64) (size int64, err error) {
	id, committing := 0, false
	defer func() {
		if committing {
			d.commits.Unlock()
		}
	}()
	var failed error
	err = d.DB.Update(func(tx *bolt.Tx) error {
		if err := fn(tx); err != nil {
			return err // and the file is as it was
		}
		id, size = tx.ID(), tx.Size() // bbolt takes more for the commit, not before
		// Where the disk is full, there may be room in the free pages of the file.
		if failed = d.fill(size, least); failed != nil && !full(failed) {
			return failed
		}
		d.MaxSize = int(d.filled)
		d.commits.Lock()
		committing = true
		return nil
	})
	switch {
	case failed != nil && errors.Is(err, bolterrors.ErrMaxSizeReached):
		return size, failed
	case err != nil && committing:
		return size, d.settle(id, err)
	}
	return size, err
}

// Settled runs fn in a reading transaction of what is on disk. It waits for a commit that is under way: bbolt's readers see that before
// it is on disk. fn itself keeps no commit waiting.
func (d *DB) Settled(fn func(tx *bolt.Tx) error) error {
	tx, err := d.begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return fn(tx)
}

func (d *DB) begin() (*bolt.Tx, error) {
	d.commits.RLock()
	defer d.commits.RUnlock()
	if d.doubt != nil {
		return nil, d.doubt
	}
	return d.Begin(false)
}

// settle says what came of a commit of which bbolt says that it failed. The caller holds commits.
func (d *DB) settle(id int, err error) error {
	newest := 0
	failed := d.View(func(tx *bolt.Tx) error { newest = tx.ID(); return nil })
	if failed == nil && newest < id { // bbolt writes the new meta page last
		return err
	}
	d.doubt = fmt.Errorf("%w: %w", ErrUncertain, err)
	return d.doubt
}

// fill writes the file ahead of its used size where little is left of what was, or less than least bytes. The caller is in a
// transaction that writes, and nobody reads beyond the size.
func (d *DB) fill(size, least int64) error {
	ahead := min(max(size/aheadShare, leastAhead), mostAhead)
	if d.filled-size >= max(ahead/2, least) {
		return nil
	}
	at, end := max(d.filled, size), size+max(ahead, least)
	zeros := make([]byte, min(end-at, leastAhead))
	var failed error
	for at < end && failed == nil {
		var n int
		n, failed = d.file.WriteAt(zeros[:min(end-at, leastAhead)], at)
		at += int64(n)
	}
	if err := errors.Join(failed, d.Sync()); err != nil && !full(err) {
		return fmt.Errorf("write the file ahead: %w", err)
	}
	d.filled = at
	return failed
}

// full reports whether an error says that there is no more room for the file.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// SyncFolder makes sure that what was made, renamed or removed in a folder is so after a power cut.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
