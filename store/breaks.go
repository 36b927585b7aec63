package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// maxBreakID is how many bytes a break's id may have.
const maxBreakID = 256

func validBreak(b timeline.Break) error {
	if len(b.ID) > maxBreakID || !utf8.ValidString(b.ID) {
		return fmt.Errorf("an id of %d bytes that is not short text", len(b.ID))
	}
	return validSpan(b.Span)
}

// breakKey names a break; the position's length is fixed, so no two collide.
func breakKey(b timeline.Break) []byte { return append(positionKey(b.From), b.ID...) }

func decodeBreak(key, v []byte) (b timeline.Break, err error) {
	if err := json.Unmarshal(v, &b); err != nil {
		return b, fmt.Errorf("%w: break under %x: %v", ErrCorrupt, key, err)
	}
	if !bytes.Equal(key, breakKey(b)) {
		return b, fmt.Errorf("%w: break under %x says %v, %q", ErrCorrupt, key, b.From, b.ID)
	}
	return b, nil
}

// putBreaks writes breaks into a media's bucket.
func putBreaks(media *ledgered, breaks []timeline.Break) error {
	if len(breaks) == 0 {
		return nil
	}
	if _, err := media.bucket.CreateBucketIfNotExists(bucketBreaks); err != nil {
		return err
	}
	for _, b := range breaks {
		v, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("encode break at %v: %w", b.From, err)
		}
		if err := media.put(bucketBreaks, breakKey(b), v); err != nil {
			return err
		}
	}
	return nil
}

// keepBreaks deletes all breaks of a media but those.
func keepBreaks(media *ledgered, breaks []timeline.Break) error {
	bucket := media.bucket.Bucket(bucketBreaks)
	if bucket == nil {
		return nil
	}
	keep := make(map[string]bool, len(breaks))
	for _, b := range breaks {
		keep[string(breakKey(b))] = true
	}
	var stale [][]byte
	err := bucket.ForEach(func(k, _ []byte) error {
		if !keep[string(k)] {
			stale = append(stale, bytes.Clone(k))
		}
		return nil
	})
	for _, k := range stale {
		err = errors.Join(err, media.delete(bucketBreaks, k))
	}
	return err
}

// loadBreaks returns a media's breaks, by From and ID.
func loadBreaks(tx *bolt.Tx, media string) (list []timeline.Break, err error) {
	m, err := child(tx, bucketMedia, []byte(media))
	if err != nil {
		return nil, err
	}
	bucket := m.Bucket(bucketBreaks)
	if bucket == nil {
		return nil, nil
	}
	err = bucket.ForEach(func(k, v []byte) error {
		b, err := decodeBreak(k, v)
		list = append(list, b)
		return err
	})
	return list, err
}
