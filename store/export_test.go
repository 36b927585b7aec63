package store

import (
	"errors"
	"log/slog"

	bolt "go.etcd.io/bbolt"
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
