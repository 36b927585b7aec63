package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"spotter/internal/durable"
)

// format is the version of the layout below.
const format = 1

// lockWait is how long Open waits for a process that is just ending.
const lockWait = time.Second

// The layout of the database. Numbers in keys are big-endian, so that the order of keys is that of the numbers.
var (
	bucketMeta        = []byte("meta")
	bucketRecords     = []byte("records")     // number: stored record, see codec.go
	bucketNames       = []byte("names")       // epoch (4 bytes), id (4 bytes): name, see names.go
	bucketEvents      = []byte("events")      // decision's number, type: event's number
	bucketViewers     = []byte("viewers")     // Viewer: their last decision and their counts, see viewers.go
	bucketTotals      = []byte("totals")      // instrument's id: JSON of a tally
	bucketPolicies    = []byte("policies")    // policy's family: JSON of a PolicyTotal
	bucketProfiles    = []byte("profiles")    // Viewer: JSON as put
	bucketInstruments = []byte("instruments") // instrument's id: JSON as put
	bucketState       = []byte("state")       // chunk's index (4 bytes): chunk of the learner's state

	keyFormat = []byte("format")
	keySecret = []byte("secret")
	keyLast   = []byte("last")   // number of the last record that was committed
	keyPruned = []byte("pruned") // number of the last record that Prune removed
	keyErased = []byte("erased") // how many viewers Erase has removed decisions of
	keyUpto   = []byte("upto")   // number that the learner's state goes up to
	keySweep  = []byte("sweep")  // the viewer from whom on counts of forgotten instruments are to be removed
)

func (l *Ledger) openDatabase() error {
	if err := guard(l.loadDatabase); err != nil {
		return fmt.Errorf("open ledger %s: %w", l.path(), mend(l.dir, err))
	}
	return nil
}

func (l *Ledger) loadDatabase() (err error) {
	// bbolt makes a new file of an empty one. One that is shorter than its two meta pages was cut short.
	fi, err := os.Stat(l.path())
	if err == nil && fi.Size() > 0 && fi.Size() < 2*4096 {
		return fmt.Errorf("%w: it has only %d bytes", ErrCorrupt, fi.Size())
	}
	l.db, err = durable.Open(l.path(), 0o600, bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	if err := l.db.View(l.checkLength); err != nil {
		return err
	}
	if err := checkFreelist(l.path(), int64(l.db.Info().PageSize)); err != nil {
		return err
	}
	if err := l.db.Update(setUp); err != nil {
		return err
	}
	// A file that was just made is in the folder for good only once that is on disk (fsync(2)).
	if err := durable.SyncFolder(l.dir); err != nil {
		return err
	}
	return l.db.View(func(tx *bolt.Tx) error {
		l.keys = newKeys(tx.Bucket(bucketMeta).Get(keySecret))
		l.next = getNumber(tx, keyLast) + 1
		l.committed = l.next - 1
		l.names, err = loadNames(tx)
		return err
	})
}

// checkLength refuses a file that is shorter than its pages: to read beyond its end is a memory fault, which nobody can
// catch in bbolt's own goroutine that checks pages.
func (l *Ledger) checkLength(tx *bolt.Tx) error {
	fi, err := os.Stat(l.path())
	if err == nil && fi.Size() < tx.Size() {
		err = fmt.Errorf("%w: it was cut short from %d to %d bytes", ErrCorrupt, tx.Size(), fi.Size())
	}
	return err
}

// guard runs f and turns the panics by which bbolt reports damaged pages, and the memory faults that a file cut short
// causes, into ErrCorrupt.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return f()
}

// mend turns what can go wrong into an error that says what to do.
func mend(dir string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: stop the other spotter, or give this one a data_dir of its own", ErrLocked)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: give the user that runs spotter the folder %s", err, dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create the folder %s", err, dir)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: make room on the disk of %s", err, dir)
	case errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w (%w): move the file away to begin a new one", ErrFormat, err)
	case errors.Is(err, ErrCorrupt), errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%w (%w): restore %s from a backup, or move it away to begin a new one",
			ErrCorrupt, err, filepath.Join(dir, fileName))
	}
	return err
}

// setUp makes a new file's buckets and secret, and refuses a file of another kind or of a newer format.
func setUp(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return fmt.Errorf("%w: it is not a spotter ledger: move it away to begin a new one", ErrFormat)
		}
		return create(tx)
	}
	n, err := strconv.Atoi(string(meta.Get(keyFormat)))
	switch {
	case err != nil || n < 1:
		return fmt.Errorf("%w: format %q", ErrCorrupt, meta.Get(keyFormat))
	case n > format:
		return fmt.Errorf("%w: it has format %d, this spotter reads up to %d: install the newer spotter again",
			ErrFormat, n, format)
	case len(meta.Get(keySecret)) != secretBytes:
		return fmt.Errorf("%w: it has no secret", ErrCorrupt)
	}
	for _, name := range buckets() {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: it has no bucket %s", ErrCorrupt, name)
		}
	}
	_, err = tx.CreateBucketIfNotExists(bucketPolicies) // files of earlier programs have none
	return err
}

func buckets() [][]byte {
	return [][]byte{
		bucketMeta, bucketRecords, bucketNames, bucketEvents, bucketViewers, bucketTotals, bucketProfiles,
		bucketInstruments, bucketState,
	}
}

func create(tx *bolt.Tx) error {
	for _, name := range append(buckets(), bucketPolicies) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	secret := make([]byte, secretBytes)
	rand.Read(secret) // never fails
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(keySecret, secret), meta.Put(keyFormat, []byte(strconv.Itoa(format))))
}

func numberKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, n)
}

// getNumber returns a number of the meta bucket, 0 if there is none.
func getNumber(tx *bolt.Tx, key []byte) uint64 {
	if v := tx.Bucket(bucketMeta).Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putNumber(tx *bolt.Tx, key []byte, n uint64) error {
	return tx.Bucket(bucketMeta).Put(key, numberKey(n))
}

// keyNumber is the inverse of numberKey.
func keyNumber(k []byte) uint64 { return binary.BigEndian.Uint64(k) }

// view runs a transaction that reads.
func (l *Ledger) view(f func(tx *bolt.Tx) error) error {
	l.reads.RLock()
	defer l.reads.RUnlock()
	return closedError(guard(func() error { return l.db.View(f) }))
}

// update runs a transaction that writes, maybe several times, as durable.DB does, and says in its error what it was for.
func (l *Ledger) update(what string, f func(tx *bolt.Tx) error) error {
	if err := closedError(guard(func() error { return l.db.Update(f) })); err != nil {
		return fmt.Errorf("%s: %w", what, mend(l.dir, err))
	}
	return nil
}

func closedError(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
