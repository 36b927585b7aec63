package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"spotter/internal/durable"
)

// lockWait is how long Open waits for a process that is just ending.
const lockWait = time.Second

// minSize is what no bbolt file is shorter than: its two meta pages of at least 4 KiB.
const minSize = 2 * 4096

// Open opens the file at path, or makes it with mode 0600, and reads all of it into memory. Errors wrap ErrLocked,
// ErrCorrupt, ErrRights, ErrFormat or what the system said, and say the mend; an existing file is never overwritten.
func Open(path string, o Options) (*Store, error) {
	s := &Store{path: path, log: o.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	begin := time.Now()
	err, panicked := guard(func() error { return s.open(o) })
	if err != nil {
		switch {
		case s.db != nil && !panicked:
			s.db.Close()
		case s.file != nil:
			s.abandon()
		}
		return nil, fmt.Errorf("open store %s: %w", path, mend(path, err))
	}
	observations := 0
	for _, m := range *s.media.Load() {
		observations += m.timeline.Load().Len()
	}
	s.log.Info("store opened", "path", path, "media", len(*s.media.Load()), "observations", observations,
		"took", time.Since(begin).Round(time.Millisecond))
	return s, nil
}

// abandon closes a file whose bolt.DB panicked and can no longer be closed. The lock is given back by name, for what
// is still mapped of the file would keep it.
func (s *Store) abandon() error {
	return errors.Join(syscall.Flock(int(s.file.Fd()), syscall.LOCK_UN), s.file.Close())
}

// mend turns what can go wrong into an error that says what to do.
func mend(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: stop the other spotter, or give this one a data_dir of its own", ErrLocked)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (%w): give the user that runs spotter the folder %s", ErrRights, err, filepath.Dir(path))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create the folder %s", err, filepath.Dir(path))
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum):
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w (%w): move the file away to begin a new one", ErrFormat, err)
	}
	if errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: restore it from a backup, or move it away to begin a new one", err)
	}
	return err
}

func (s *Store) open(o Options) error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		if err := create(s.path, time.Time{}); err != nil {
			return err
		}
	}
	if err := s.openFile(false); err != nil {
		return err
	}
	if err := s.db.View(s.check); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	if err := s.openSpool(o.SpoolBytes); err != nil {
		return err
	}
	return s.openQueues(o.Sinks, o.OutboxBytes)
}

// openFile opens and locks the existing file.
func (s *Store) openFile(readOnly bool) (err error) {
	s.db, err = durable.Open(s.path, 0, bolt.Options{
		Timeout:      lockWait,
		ReadOnly:     readOnly,
		FreelistType: bolt.FreelistMapType,
		OpenFile: func(path string, _ int, _ fs.FileMode) (*os.File, error) {
			mode := os.O_RDWR // no O_CREATE: create makes files
			if readOnly {
				mode = os.O_RDONLY
			}
			f, err := os.OpenFile(path, mode, 0)
			if err != nil {
				return nil, err
			}
			// bbolt would take an empty file for a new one. create leaves none, so its content was lost.
			if err := s.checkFile(f); err != nil {
				return nil, errors.Join(err, f.Close())
			}
			s.file = f
			return f, nil
		},
	})
	return err
}

// checkFile locks a file, as bbolt will again through the same descriptor, and looks through its pages.
func (s *Store) checkFile(f *os.File) error {
	for begin := time.Now(); ; time.Sleep(lockWait / 20) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if time.Since(begin) > lockWait {
			return bolterrors.ErrTimeout
		}
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if fi.Size() < minSize {
		return fmt.Errorf("%w: it has only %d bytes", ErrCorrupt, fi.Size())
	}
	whole, err := checkPages(f, fi.Size())
	if err == nil && !whole {
		s.log.Error("one of the store's two meta pages is damaged: what was recorded last may be missing; check the disk", "path", s.path)
	}
	return err
}

// check refuses a file that is shorter than its pages, is not a store, or is one of a newer format.
func (s *Store) check(tx *bolt.Tx) error {
	fi, err := s.file.Stat()
	if err != nil {
		return err
	}
	if fi.Size() < tx.Size() {
		return fmt.Errorf("%w: it was cut short from %d to %d bytes", ErrCorrupt, tx.Size(), fi.Size())
	}
	meta := tx.Bucket(bucketMeta)
	if meta == nil && (tx.Bucket(bucketMedia) != nil || tx.Bucket(bucketOutbox) != nil) {
		return fmt.Errorf("%w: it has lost its format", ErrCorrupt)
	}
	if meta == nil {
		return fmt.Errorf("%w: it is not a spotter store: move it away to begin a new one", ErrFormat)
	}
	n, _, err := formatOf(meta)
	if err != nil {
		return err
	}
	if n > format {
		return fmt.Errorf("%w: it has format %d, this spotter reads up to %d: install the newer spotter again",
			ErrFormat, n, format)
	}
	return nil
}

// create makes an empty store beside path, to be rebuilt unless that is zero, and links it there when it is whole and on disk. A crash leaves at most a
// stray temporary file, and where two processes create at once, the first one's file stands.
func create(path string, rebuild time.Time) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if err := writeEmpty(f.Name(), rebuild); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(dir)
}

func writeEmpty(path string, rebuild time.Time) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketMedia, bucketOutbox} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		if !rebuild.IsZero() {
			text, err := rebuild.UTC().MarshalText()
			if err := errors.Join(err, meta.Put(keyRebuild, text)); err != nil {
				return err
			}
		}
		return putFormat(meta, format)
	})
	return errors.Join(err, db.Close())
}
