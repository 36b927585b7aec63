package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/internal/durable"
	"spotter/timeline"
)

// Recover is Open, but where the file is damaged it is set aside as <path>.corrupt-<time> and a new one made in its place, which is
// marked for Rebuilding; aside is then the old one's name. It says so in Options.Logger, as an error with its mend. Of the files that
// were set aside the newest two are kept.
func Recover(path string, o Options) (s *Store, aside string, err error) {
	s, err = Open(path, o)
	if !errors.Is(err, ErrCorrupt) {
		return s, "", err
	}
	damage := err
	if aside, err = setAside(path); err != nil {
		return nil, "", errors.Join(damage, fmt.Errorf("set it aside: %w: move the file away, and let this user write in its folder", err))
	}
	if o.Logger != nil {
		o.Logger.Error("THE STORE IS DAMAGED: it was set aside and a new one begun; what it had is fetched from DynamoDB where sync.dynamodb "+
			"is configured, and else only a backup has it (spotter restore FILE); check the disk, and delete the file when nobody needs it any more",
			"error", damage, "aside", aside)
	}
	if err := create(path, time.Now()); err != nil {
		return nil, aside, fmt.Errorf("make store %s: %w", path, mend(path, err))
	}
	s, err = Open(path, o)
	return s, aside, err
}

// mostAside is how many damaged files are kept.
const mostAside = 2

// setAside renames a damaged file and deletes the oldest that were.
func setAside(path string) (name string, err error) {
	prefix := path + ".corrupt-"
	name = prefix + time.Now().UTC().Format("20060102T150405.000Z")
	if err := os.Rename(path, name); err != nil {
		return "", err
	}
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return name, err
	}
	entries, err := os.ReadDir(filepath.Dir(path)) // by name, and so by time
	var old []string
	for _, e := range entries {
		if x := filepath.Join(filepath.Dir(path), e.Name()); strings.HasPrefix(x, prefix) {
			old = append(old, x)
		}
	}
	for _, x := range old[:max(0, len(old)-mostAside)] {
		err = errors.Join(err, os.Remove(x))
	}
	return name, err
}

// Rebuilding returns since when a new file has been waiting for what was lost with a damaged one; ok is false where it has not.
func (s *Store) Rebuilding() (since time.Time, ok bool) {
	err := s.view(func(tx *bolt.Tx) error {
		v := tx.Bucket(bucketMeta).Get(keyRebuild)
		if v == nil {
			return nil
		}
		ok = true
		return since.UnmarshalText(slices.Clone(v))
	})
	return since, ok && err == nil
}

// Rebuilt ends Rebuilding.
func (s *Store) Rebuilt() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyRebuild) })
}

// Refill puts back what was lost with a damaged file and the cloud still had, in one transaction: no sink is told. What the file has
// in the same or a higher revision stays, and so does its clock.
func (s *Store) Refill(b Batch) error {
	if len(b.Missed)+len(b.Segments)+len(b.Frames) > 0 {
		return errors.New("refill: only observations, analysed spans, breaks and a clock can be put back")
	}
	if err := b.validate(); err != nil {
		return fmt.Errorf("refill: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.snapshot(b.Media)
	if s.Clock(b.Media) != nil {
		b.Clock = nil
	}
	b.Observations = slices.DeleteFunc(slices.Clone(b.Observations), func(o *timeline.Observation) bool {
		old := current.At(o.From)
		return old != nil && old.Revision >= o.Revision
	})
	next := current.With(b.Observations, b.Analyzed).WithBreaks(b.Breaks).WithBreaks(current.Breaks(allPositions))
	err := s.update(func(tx *bolt.Tx) error {
		bucket, err := mediumBucket(tx, b.Media)
		if err != nil {
			return err
		}
		if b.Clock != nil {
			err = bucket.put(nil, keyClock, b.Clock)
		}
		return errors.Join(err, putObservations(bucket, b.Observations), putAnalyzed(bucket, current.Analyzed(), next.Analyzed()),
			putBreaks(bucket, next.Breaks(allPositions)), bucket.close())
	})
	if err != nil {
		return fmt.Errorf("refill %s: %w", b.Media, err)
	}
	s.publish(b.Media, next, slices.Clone(b.Clock))
	return nil
}
