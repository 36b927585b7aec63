package thumbnail

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"spotter/internal/durable"
)

// errDamaged is wrapped where the file is not what was written.
var errDamaged = errors.New("the file is damaged")

// lockWait is how long Open waits for a process that is just ending.
const lockWait = time.Second

// leastSize is what no bbolt file is shorter than, but for an empty one, which it takes for new: its two meta pages.
const leastSize = 2 * 4096

// suffixDamaged is added to the name of a file that is set aside.
const suffixDamaged = ".damaged"

// guard turns what bbolt does with a damaged file, a panic or a fault of memory, into an error.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return fn()
}

// open opens the file and reads what is in it.
func (s *Store) open() error {
	var x index
	var db *durable.DB
	err := guard(func() (err error) {
		if info, err := os.Stat(s.path); err == nil && info.Size() > 0 && info.Size() < leastSize {
			return fmt.Errorf("%w: it has only %d bytes", errDamaged, info.Size())
		}
		db, err = durable.Open(s.path, 0o600, bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
		switch {
		case errors.Is(err, bolterrors.ErrTimeout):
			return ErrLocked
		case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
			return fmt.Errorf("%w: %w", errDamaged, err)
		case err != nil:
			return fmt.Errorf("%w: give this user the right to write there", err)
		}
		err = db.View(func(tx *bolt.Tx) error {
			info, err := os.Stat(s.path)
			if err == nil && info.Size() < tx.Size() {
				err = fmt.Errorf("%w: it has %d bytes and should have %d", errDamaged, info.Size(), tx.Size())
			}
			if err != nil || tx.Bucket(bucketFormat) == nil {
				return err
			}
			return x.load(tx)
		})
		if err != nil {
			return err
		}
		return db.Update(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(bucketFormat)
			return err
		})
	})
	if err != nil {
		if db != nil {
			err = errors.Join(err, guard(db.Close))
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.index = db, x
	return nil
}

// load reads all that is known of pictures, and sees that each is there.
func (x *index) load(tx *bolt.Tx) error {
	return tx.Bucket(bucketFormat).ForEachBucket(func(name []byte) error {
		media := string(name)
		s, ok := shelfOf(tx, media)
		if !ok {
			return fmt.Errorf("%w: %q lacks a part", errDamaged, media)
		}
		pictures := s.pictures.Cursor()
		other, picture := pictures.First()
		err := s.about.ForEach(func(k, v []byte) error {
			at, err := position(k)
			if err != nil {
				return err
			}
			a, err := decodeAbout(v, false)
			if err != nil {
				return err
			}
			if string(other) != string(k) || uint32(len(picture)) != a.size {
				return fmt.Errorf("%w: the picture of %q at %v is missing", errDamaged, media, at)
			}
			x.put(media, a.entry(at, len(v)))
			other, picture = pictures.Next()
			return nil
		})
		if err == nil && other != nil {
			err = fmt.Errorf("%w: %q has pictures of which nothing is known", errDamaged, media)
		}
		return err
	})
}

// renew sets the file aside and begins anew. The caller holds writing, or is Open.
func (s *Store) renew(cause error) error {
	err := s.closeFile()
	aside := s.path + suffixDamaged
	if failed := os.Rename(s.path, aside); failed != nil {
		return errors.Join(cause, err, fmt.Errorf("set it aside: %w: move the file away, and let this user write in its folder", failed))
	}
	s.options.Log.Warn("the file of the timeline's pictures is damaged: it was set aside and begun anew, and nothing else is lost; "+
		"check the disk, and delete the file", "error", cause, "aside", aside)
	return s.open()
}

// closeFile closes the file, as far as a damaged one can be.
func (s *Store) closeFile() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.db
	s.db, s.index = nil, index{}
	select {
	case <-s.broken: // was said of this file, not of the next
	default:
	}
	if db == nil {
		return nil
	}
	return guard(db.Close)
}

// Remove deletes the file at path, and one that was set aside: nothing is to be kept any more.
func Remove(path string) error {
	var failed []error
	for _, name := range []string{path, path + suffixDamaged} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = append(failed, fmt.Errorf("delete the timeline's pictures: %w", err))
		}
	}
	return errors.Join(failed...)
}
