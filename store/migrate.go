package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// migrateKeys bounds a transaction of a migration.
const migrateKeys = 5000

// progress is how far a migration has come; it stands in the file until that is done, so that one that was cut off goes on.
type progress struct {
	From  int    `json:"from"`            // the format that the file had
	Media string `json:"media,omitempty"` // under way, or the first
	Part  int    `json:"part"`            // of summed
	After []byte `json:"after,omitempty"` // the last key that is done
}

// formatOf returns the format of a file, and the migration that it is in or nil.
func formatOf(meta *bolt.Bucket) (n int, p *progress, err error) {
	text := meta.Get(keyFormat)
	if n, err = strconv.Atoi(string(text)); err != nil || n < 1 {
		return 0, nil, fmt.Errorf("%w: format %q", ErrCorrupt, text)
	}
	if n > 1 && !sealed(text, meta.Get(keySeal)) { // the first format had no seal
		return 0, nil, fmt.Errorf("%w: format %q with the seal %x", ErrCorrupt, text, meta.Get(keySeal))
	}
	if v := meta.Get(keyMigrating); v != nil {
		p = new(progress)
		if err := json.Unmarshal(v, p); err != nil || p.From < 1 || p.From >= n {
			return 0, nil, fmt.Errorf("%w: migration %q", ErrCorrupt, v)
		}
	}
	return n, p, nil
}

// putFormat writes which format a file has.
func putFormat(meta *bolt.Bucket, n int) error {
	text := strconv.AppendInt(nil, int64(n), 10)
	if err := meta.Put(keyFormat, text); err != nil {
		return err
	}
	return meta.Put(keySeal, seal(text))
}

// migrate brings a file of an older format to the newest, in transactions of bounded size. A crash at any moment leaves a file
// with which it goes on. From the first transaction on the file has the next format, so that an older Spotter, which would not
// keep up what the newer format has, refuses it.
func (s *Store) migrate() error {
	for first := true; ; first = false {
		more, err := s.migrateSome()
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if !more {
			if !first {
				s.log.Info("store migrated", "path", s.path, "format", format)
			}
			return nil
		}
	}
}

// migrateSome is one transaction of migrate; more is false where nothing was left to do.
func (s *Store) migrateSome() (more bool, err error) {
	current := false
	err = s.db.View(func(tx *bolt.Tx) error {
		n, p, err := formatOf(tx.Bucket(bucketMeta))
		current = err == nil && n == format && p == nil
		return err
	})
	if err != nil || current {
		return false, err
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		n, p, err := formatOf(meta)
		if err != nil {
			return err
		}
		if p == nil {
			s.log.Warn("the store has an older format and is brought to the next: older versions of spotter will refuse it",
				"path", s.path, "format", n, "next", n+1)
			if err := putFormat(meta, n+1); err != nil {
				return err
			}
			return putProgress(meta, &progress{From: n})
		}
		done, err := p.step(tx)
		if err != nil {
			return err
		}
		if done {
			return meta.Delete(keyMigrating)
		}
		return putProgress(meta, p)
	})
	return err == nil, err
}

func putProgress(meta *bolt.Bucket, p *progress) error {
	v, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return meta.Put(keyMigrating, v)
}

// step does the next part of a migration.
func (p *progress) step(tx *bolt.Tx) (done bool, err error) {
	switch p.From {
	case 1:
		return p.sumUp(tx)
	}
	return false, fmt.Errorf("%w: no way from format %d", ErrFormat, p.From)
}

// sumUp makes the sums of the next migrateKeys keys: format 2 has one in each media's bucket.
func (p *progress) sumUp(tx *bolt.Tx) (done bool, err error) {
	all, err := child(tx, bucketMedia)
	if err != nil {
		return false, err
	}
	name, _ := all.Cursor().Seek([]byte(p.Media))
	if name == nil {
		return true, nil
	}
	if string(name) != p.Media || p.Media == "" || p.Part == 0 && p.After == nil {
		*p = progress{From: p.From, Media: string(name)}
		if err := all.Bucket(name).Put(keySum, (&sum{}).encode()); err != nil {
			return false, err
		}
	}
	l, err := ledger(p.Media, all.Bucket([]byte(p.Media)))
	if err != nil {
		return false, err
	}
	for left := migrateKeys; left > 0 && p.Part < len(summed()); {
		n := p.sumPart(l, left)
		if left -= n; left > 0 {
			p.Part, p.After = p.Part+1, nil
		}
	}
	if p.Part == len(summed()) { // the next media's name comes after
		*p = progress{From: p.From, Media: p.Media + "\x00"}
	}
	return false, l.close()
}

// sumPart adds the next keys of a part, no more than most, and returns how many there were.
func (p *progress) sumPart(l *ledgered, most int) (n int) {
	part := summed()[p.Part]
	b := l.in(part)
	if b == nil {
		return 0
	}
	c := b.Cursor()
	k, v := c.First()
	if p.After != nil {
		if k, v = c.Seek(p.After); bytes.Equal(k, p.After) {
			k, v = c.Next()
		}
	}
	for ; k != nil && n < most; k, v = c.Next() {
		n++
		p.After = bytes.Clone(k)
		if v != nil && !(part == nil && bytes.Equal(k, keySum)) {
			l.sum.add(l.name, part, k, v)
		}
	}
	return n
}
