package store

import (
	"errors"
	"syscall"

	bolt "go.etcd.io/bbolt"

	"spotter/internal/durable"
)

// ErrUncertain is returned by everything that writes after a commit failed whose end cannot be known: what it wrote may be on disk
// or not. No sink is told of anything from then on. What is in memory stays readable; to open the file again finds out.
var ErrUncertain = durable.ErrUncertain

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
