package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"spotter/internal/durable"
)

// Snapshot copies the file as it is at one moment, while others go on writing: begin is told how many bytes will come and returns
// where to. The longer w takes, the more the file grows, for no page that the copy needs is used again.
func (s *Store) Snapshot(begin func(size int64) (w io.Writer, err error)) error {
	err := s.view(func(tx *bolt.Tx) error {
		w, err := begin(tx.Size())
		if err != nil {
			return err
		}
		n, err := tx.WriteTo(w)
		if err == nil && n != tx.Size() {
			err = fmt.Errorf("%d of %d bytes were copied", n, tx.Size())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("copy store %s: %w", s.path, err)
	}
	return nil
}

// Check reads all of the file at path and changes nothing in it, whatever format it has. Its errors are those of Open.
func Check(path string) error {
	s := &Store{path: path, log: slog.New(slog.DiscardHandler)}
	err, panicked := guard(func() error {
		if err := s.openFile(true); err != nil {
			return err
		}
		if err := s.db.View(s.check); err != nil {
			return err
		}
		return s.load()
	})
	switch {
	case s.db != nil && !panicked:
		err = errors.Join(err, s.db.Close())
	case s.file != nil:
		err = errors.Join(err, s.abandon())
	}
	if err != nil {
		return fmt.Errorf("check store %s: %w", path, mend(path, err))
	}
	return nil
}

// minCompact is how many bytes Compact must give back to be worth the time.
const minCompact = 64 << 20

// compactBatch bounds a transaction of Compact, in bytes.
const compactBatch = 16 << 20

// Compact writes the file at path anew where more than half of it, and 64 MiB at least, is free, and spare bytes have room for
// that; freed is by how many bytes it shrank. Nobody may have it open. A crash leaves the old file or the new one, and at most a
// stray temporary file, which the next Compact replaces. A file that Open would refuse is left alone, without an error.
func Compact(path string, spare int64) (freed int64, err error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Size() < 2*minCompact {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("compact: %w", err)
	}
	s := &Store{path: path, log: slog.New(slog.DiscardHandler)}
	err, panicked := guard(func() (err error) {
		if err = s.openFile(false); err != nil { // locked until the new file is in its place
			return err
		}
		freed, err = s.compact(fi.Size(), spare)
		return err
	})
	switch {
	case s.db != nil && !panicked:
		err = errors.Join(err, s.db.Close())
	case s.file != nil:
		err = errors.Join(err, s.abandon())
	}
	if errors.Is(mend(path, err), ErrCorrupt) {
		return 0, nil // Open says more
	}
	if err != nil {
		return 0, fmt.Errorf("compact store %s: %w", path, mend(path, err))
	}
	return freed, nil
}

func (s *Store) compact(size, spare int64) (freed int64, err error) {
	used, err := s.InUse()
	if err != nil || size-used < max(minCompact, size/2) || spare < used+used/8 {
		return 0, err
	}
	name := s.path + ".compact"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	db, err := bolt.Open(name, 0o600, &bolt.Options{Timeout: lockWait, NoSync: true})
	if err != nil {
		return 0, err
	}
	err = bolt.Compact(db, s.db.DB, compactBatch)
	if err == nil {
		err = db.Sync()
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(name))
	}
	fi, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(os.Rename(name, s.path), durable.SyncFolder(filepath.Dir(s.path))); err != nil {
		return 0, err
	}
	return size - fi.Size(), nil
}
