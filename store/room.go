package store

import (
	"errors"
	"fmt"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// ErrUncertain is returned by everything that writes after a commit failed whose end cannot be known: what it wrote may be on disk
// or not. What is in memory stays readable; to open the file again finds out.
var ErrUncertain = errors.New("the disk failed in the middle of a write: start spotter again, and check the disk")

// Full reports whether an error says that the disk takes no more: no space, no quota, read-only or a fault.
func Full(err error) bool {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return errors.Is(err, ErrUncertain)
}

// WriteFault returns why the last write to the file failed, or nil when it did not.
func (s *Store) WriteFault() error {
	if err := s.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// Broken returns why nothing can be written any more until the file is opened again, or nil.
func (s *Store) Broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Spare returns how many bytes of the file are free, to be written before it grows.
func (s *Store) Spare() int64 {
	stats := s.db.Stats()
	return int64(stats.FreePageN+stats.PendingPageN) * int64(s.db.Info().PageSize)
}

// Probe writes a transaction that changes nothing, and returns why that cannot be done.
func (s *Store) Probe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.update(func(tx *bolt.Tx) error { return putFormat(tx.Bucket(bucketMeta), format) })
}

// commit runs fn in one writing transaction. bbolt writes the new meta page before it syncs the file: where that fails, its
// readers see a transaction that Update says has failed.
func (s *Store) commit(fn func(tx *bolt.Tx) error) error {
	id, ready := 0, false
	err := s.db.Update(func(tx *bolt.Tx) error {
		id = tx.ID()
		err := fn(tx)
		ready = err == nil
		return err
	})
	if err == nil || !ready {
		return err
	}
	now := 0
	if failed := s.db.View(func(tx *bolt.Tx) error { now = tx.ID(); return nil }); failed != nil || now >= id {
		s.broken = fmt.Errorf("%w: %w", ErrUncertain, err)
		return s.broken
	}
	return err
}
