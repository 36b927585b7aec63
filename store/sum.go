package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"

	bolt "go.etcd.io/bbolt"
)

// sum is a digest of all that a media's bucket holds, kept beside it since format 2: bbolt checks none of what it reads, and a
// bit that flips in a value, or a page that no longer counts all of its keys, would go unseen. The digests of single keys are
// joined by XOR, so that a change costs only what it changes.
type sum struct{ keys, digest uint64 }

const sumSize = 16

// digest returns the digest of a key and its value in a part of a media; part is nil for the media's own keys.
func digest(media string, part, key, value []byte) uint64 {
	table := crc64.MakeTable(crc64.ECMA)
	var head [12]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(media)))
	binary.BigEndian.PutUint32(head[4:], uint32(len(part)))
	binary.BigEndian.PutUint32(head[8:], uint32(len(key)))
	d := crc64.Update(0, table, head[:])
	for _, b := range [][]byte{[]byte(media), part, key, value} {
		d = crc64.Update(d, table, b)
	}
	return d
}

func (s *sum) add(media string, part, key, value []byte) {
	s.keys++
	s.digest ^= digest(media, part, key, value)
}

func (s *sum) remove(media string, part, key, value []byte) {
	s.keys--
	s.digest ^= digest(media, part, key, value)
}

func (s *sum) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.keys), s.digest)
}

func decodeSum(b []byte) (s sum, err error) {
	if len(b) != sumSize {
		return s, fmt.Errorf("%w: a sum of %d bytes", ErrCorrupt, len(b))
	}
	return sum{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

// ledgered is a media's bucket in a writing transaction, whose sum follows what is put and deleted. close writes it.
type ledgered struct {
	name   string
	bucket *bolt.Bucket
	sum    sum
}

// ledger begins to write a media's bucket.
func ledger(name string, bucket *bolt.Bucket) (*ledgered, error) {
	s, err := decodeSum(bucket.Get(keySum))
	return &ledgered{name, bucket, s}, err
}

// in returns the bucket of a part; the media's own for nil.
func (l *ledgered) in(part []byte) *bolt.Bucket {
	if part == nil {
		return l.bucket
	}
	return l.bucket.Bucket(part)
}

func (l *ledgered) put(part, key, value []byte) error {
	b := l.in(part)
	if b == nil {
		return fmt.Errorf("%w: bucket %q of %q is missing", ErrCorrupt, part, l.name)
	}
	old := b.Get(key)
	if old != nil && bytes.Equal(old, value) {
		return nil
	}
	if old != nil {
		l.sum.remove(l.name, part, key, old)
	}
	l.sum.add(l.name, part, key, value)
	return b.Put(key, value)
}

func (l *ledgered) delete(part, key []byte) error {
	b := l.in(part)
	if b == nil {
		return fmt.Errorf("%w: bucket %q of %q is missing", ErrCorrupt, part, l.name)
	}
	if old := b.Get(key); old != nil {
		l.sum.remove(l.name, part, key, old)
	}
	return b.Delete(key)
}

func (l *ledgered) close() error { return l.bucket.Put(keySum, l.sum.encode()) }

// summed are the parts of a media that its sum covers; nil are its own keys but the sum.
func summed() [][]byte { return [][]byte{bucketObservations, bucketAnalyzed, bucketBreaks, nil} }

// verify compares a media's bucket with its sum.
func verify(name string, bucket *bolt.Bucket) error {
	want, err := decodeSum(bucket.Get(keySum))
	if err != nil {
		return fmt.Errorf("media %q: %w", name, err)
	}
	var got sum
	for _, part := range summed() {
		b := (&ledgered{bucket: bucket}).in(part)
		if b == nil {
			continue
		}
		err := b.ForEach(func(k, v []byte) error {
			if v != nil && !(part == nil && bytes.Equal(k, keySum)) {
				got.add(name, part, k, v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if got != want {
		return fmt.Errorf("%w: media %q has %d keys with digest %016x, its sum says %d with %016x", ErrCorrupt, name,
			got.keys, got.digest, want.keys, want.digest)
	}
	return nil
}

// seal is what stands beside a text that says how all else is read.
func seal(text []byte) []byte {
	return binary.BigEndian.AppendUint64(nil, crc64.Checksum(text, crc64.MakeTable(crc64.ECMA)))
}

// sealed reports whether a seal is that of a text.
func sealed(text, s []byte) bool { return bytes.Equal(seal(text), s) }
