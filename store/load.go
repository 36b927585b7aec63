package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// load reads every media into memory.
func (s *Store) load() error {
	all := make(map[string]*medium)
	err := s.db.View(func(tx *bolt.Tx) error {
		media, err := child(tx, bucketMedia)
		if err != nil {
			return err
		}
		n, migrating, err := formatOf(tx.Bucket(bucketMeta))
		if err != nil {
			return err
		}
		sums := n > 1 && migrating == nil
		return media.ForEachBucket(func(name []byte) error {
			if sums {
				if err := verify(string(name), media.Bucket(name)); err != nil {
					return err
				}
			}
			m, err := loadMedium(tx, string(name))
			all[string(name)] = m
			return err
		})
	})
	s.media.Store(&all)
	return err
}

func loadMedium(tx *bolt.Tx, media string) (*medium, error) {
	observations, err := loadObservations(tx, media)
	if err != nil {
		return nil, err
	}
	analyzed, err := loadAnalyzed(tx, media)
	if err != nil {
		return nil, err
	}
	breaks, err := loadBreaks(tx, media)
	if err != nil {
		return nil, err
	}
	m := new(medium)
	m.timeline.Store(timeline.New(observations, analyzed).WithBreaks(breaks))
	b, err := child(tx, bucketMedia, []byte(media))
	if err != nil {
		return nil, err
	}
	if c := b.Get(keyClock); c != nil {
		c = bytes.Clone(c)
		m.clock.Store(&c)
	}
	return m, nil
}

func loadObservations(tx *bolt.Tx, media string) (list []*timeline.Observation, err error) {
	b, err := child(tx, bucketMedia, []byte(media), bucketObservations)
	if err != nil {
		return nil, err
	}
	err = b.ForEach(func(k, v []byte) error {
		o, err := decodeObservation(media, k, v)
		list = append(list, o)
		return err
	})
	return list, err
}

func loadAnalyzed(tx *bolt.Tx, media string) (list []timeline.Span, err error) {
	b, err := child(tx, bucketMedia, []byte(media), bucketAnalyzed)
	if err != nil {
		return nil, err
	}
	err = b.ForEach(func(k, v []byte) error {
		from, err := parsePosition(k)
		if err != nil {
			return err
		}
		until, err := parsePosition(v)
		list = append(list, timeline.Span{From: from, Until: until})
		return err
	})
	return list, err
}
