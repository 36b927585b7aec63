package store

import bolt "go.etcd.io/bbolt"

// View runs fn in a reading transaction of the open file.
func (s *Store) View(fn func(tx *bolt.Tx) error) error { return s.view(fn) }
