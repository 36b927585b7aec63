package store

import (
	"errors"
	"log/slog"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// View runs fn in a reading transaction of the open file.
func (s *Store) View(fn func(tx *bolt.Tx) error) error { return s.view(fn) }

// MigrateSome runs one transaction of the migration of a file, as if the process ended after it.
func MigrateSome(path string) (more bool, err error) {
	s := &Store{path: path, log: slog.New(slog.DiscardHandler)}
	if err := s.openFile(false); err != nil {
		return false, err
	}
	more, err = s.migrateSome()
	return more, errors.Join(err, s.db.Close())
}

// PutHeld writes an observation, and calls hold when bbolt's readers see it and Record would not have returned yet.
func (s *Store) PutHeld(o *timeline.Observation, hold func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace([]*timeline.Observation{o}, nil, func(tx *bolt.Tx) error {
		tx.OnCommit(hold)
		return nil
	})
}
