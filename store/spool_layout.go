package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// spoolBuckets are the parts of the spool in the file.
type spoolBuckets struct {
	times    *bolt.Bucket // order by At: keys only, so that to look for the oldest or newest reads no picture
	frames   *bolt.Bucket // by media: what is known of each frame
	pictures *bolt.Bucket // by media: apart, so that a frame's end is written without writing its picture again
}

// frameValue is a frame as it is written, without its picture.
type frameValue struct {
	Until  timeline.Position `json:"until"`
	At     time.Time         `json:"at"`
	Want   uint8             `json:"want"`
	Width  int               `json:"width"`
	Height int               `json:"height"`
}

// timeKey names a frame in the order of time.
type timeKey struct {
	at    int64 // microseconds since the Unix epoch
	media string
	from  timeline.Position
}

// encode writes the key. The lengths of time and position are fixed, so no two collide.
func (k timeKey) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(k.at)^1<<63)
	b = append(b, k.media...)
	return append(b, positionKey(k.from)...)
}

func parseTimeKey(b []byte) (k timeKey, err error) {
	if len(b) <= 16 {
		return k, fmt.Errorf("%w: a spooled frame's key of %d bytes", ErrCorrupt, len(b))
	}
	k.at = int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	k.media = string(b[8 : len(b)-8])
	k.from, err = parsePosition(b[len(b)-8:])
	return k, err
}

// spoolOf returns the spool of a file, or nil when it has none.
func spoolOf(tx *bolt.Tx) *spoolBuckets {
	b := tx.Bucket(bucketSpool)
	if b == nil {
		return nil
	}
	return &spoolBuckets{b.Bucket(bucketTimes), b.Bucket(bucketFrames), b.Bucket(bucketPictures)}
}

// makeSpool returns the spool with what a media needs in it.
func makeSpool(tx *bolt.Tx, media string) (*spoolBuckets, error) {
	b, err := tx.CreateBucketIfNotExists(bucketSpool)
	if err != nil {
		return nil, err
	}
	if _, err := b.CreateBucketIfNotExists(bucketTimes); err != nil {
		return nil, err
	}
	for _, name := range [][]byte{bucketFrames, bucketPictures} {
		part, err := b.CreateBucketIfNotExists(name)
		if err != nil {
			return nil, err
		}
		if _, err := part.CreateBucketIfNotExists([]byte(media)); err != nil {
			return nil, err
		}
	}
	return spoolOf(tx), nil
}

// frame returns what is written of a frame, or nil when it is not in the spool.
func (b *spoolBuckets) frame(media string, from timeline.Position) (*frameValue, error) {
	frames := b.frames.Bucket([]byte(media))
	if frames == nil {
		return nil, nil
	}
	v := frames.Get(positionKey(from))
	if v == nil {
		return nil, nil
	}
	f := new(frameValue)
	if err := json.Unmarshal(v, f); err != nil {
		return nil, fmt.Errorf("%w: spooled frame at %v of %q: %v", ErrCorrupt, from, media, err)
	}
	return f, nil
}

// put writes a frame that is not there yet.
func (b *spoolBuckets) put(f SpooledFrame) error {
	v := frameValue{f.Until, f.At.UTC().Truncate(time.Microsecond), f.Want, f.Width, f.Height}
	size := binary.BigEndian.AppendUint64(nil, uint64(len(f.JPEG)))
	if err := b.times.Put(timeKey{v.At.UnixMicro(), f.Media, f.From}.encode(), size); err != nil {
		return err
	}
	if err := b.pictures.Bucket([]byte(f.Media)).Put(positionKey(f.From), f.JPEG); err != nil {
		return err
	}
	return b.putFrame(f.Media, f.From, v)
}

func (b *spoolBuckets) putFrame(media string, from timeline.Position, v frameValue) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode spooled frame at %v: %w", from, err)
	}
	return b.frames.Bucket([]byte(media)).Put(positionKey(from), text)
}

// takeOut deletes a frame and returns it, or nothing when it is not there.
func (b *spoolBuckets) takeOut(media string, from timeline.Position) ([]spooled, error) {
	v, err := b.frame(media, from)
	if v == nil {
		return nil, err
	}
	key := positionKey(from)
	pictures := b.pictures.Bucket([]byte(media))
	x := spooled{media, from, int64(len(pictures.Get(key)))}
	if err := pictures.Delete(key); err != nil {
		return nil, err
	}
	if err := b.times.Delete(timeKey{v.At.UnixMicro(), media, from}.encode()); err != nil {
		return nil, err
	}
	return []spooled{x}, b.frames.Bucket([]byte(media)).Delete(key)
}

// takeOutOldest deletes the oldest frames until they have excess bytes or more, and returns them.
func (b *spoolBuckets) takeOutOldest(excess int64) (gone []spooled, err error) {
	for excess > 0 {
		k, _ := b.times.Cursor().First() // a new one: deleting moves what a cursor points at
		if k == nil {
			break
		}
		key, err := parseTimeKey(k)
		if err != nil {
			return nil, err
		}
		x, err := b.takeOut(key.media, key.from)
		if err == nil && len(x) == 0 {
			err = fmt.Errorf("%w: spooled frame at %v of %q is missing", ErrCorrupt, key.from, key.media)
		}
		if err != nil {
			return nil, err
		}
		gone = append(gone, x...)
		excess -= x[0].bytes
	}
	return gone, nil
}

// putMissed tells the spooled frames of scenes where these ended.
func putMissed(tx *bolt.Tx, media string, missed []timeline.Span) error {
	b := spoolOf(tx)
	if b == nil {
		return nil
	}
	for _, span := range missed {
		v, err := b.frame(media, span.From)
		if err != nil {
			return err
		}
		if v == nil || v.Until >= span.Until {
			continue
		}
		v.Until = span.Until
		if err := b.putFrame(media, span.From, *v); err != nil {
			return err
		}
	}
	return nil
}

// openSpool counts what the file's spool has.
func (s *Store) openSpool(limit int64) error {
	s.spool.limit = limit
	s.spool.changed = make(chan struct{}, 1)
	s.spool.froms = make(map[string][]timeline.Position)
	return s.db.View(func(tx *bolt.Tx) error {
		b := spoolOf(tx)
		if b == nil {
			return nil
		}
		for _, name := range [][]byte{bucketTimes, bucketFrames, bucketPictures} {
			if _, err := child(tx, bucketSpool, name); err != nil {
				return err
			}
		}
		return b.times.ForEach(func(k, v []byte) error {
			key, err := parseTimeKey(k)
			if err == nil && len(v) != 8 {
				err = fmt.Errorf("%w: a spooled frame's size of %d bytes", ErrCorrupt, len(v))
			}
			if err != nil {
				return err
			}
			s.spool.add(spooled{key.media, key.from, int64(binary.BigEndian.Uint64(v))})
			return nil
		})
	})
}

// frame returns what is known of a frame without its picture, or nil when it is not in the spool.
func (s *Store) frame(media string, from timeline.Position) (f *frameValue, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		if b := spoolOf(tx); b != nil {
			f, err = b.frame(media, from)
		}
		return err
	})
	return f, err
}

// spooledBefore returns the frame that was missed last before key, or last of all where key is nil; nil for none.
func (s *Store) spooledBefore(key []byte) (found *timeKey, err error) {
	err = s.settled(func(tx *bolt.Tx) error {
		b := spoolOf(tx)
		if b == nil {
			return nil
		}
		c := b.times.Cursor()
		var k []byte
		if key == nil {
			k, _ = c.Last()
		} else if k, _ = c.Seek(key); k == nil {
			k, _ = c.Last()
		} else {
			k, _ = c.Prev()
		}
		if k == nil {
			return nil
		}
		x, err := parseTimeKey(k)
		found = &x
		return err
	})
	return found, err
}

// spooledAt returns a frame with its picture; ok is false when it is no longer in the spool.
func (s *Store) spooledAt(key *timeKey) (f SpooledFrame, ok bool, err error) {
	err = s.settled(func(tx *bolt.Tx) error {
		b := spoolOf(tx)
		v, err := b.frame(key.media, key.from)
		if v == nil {
			return err
		}
		picture := bytes.Clone(b.pictures.Bucket([]byte(key.media)).Get(positionKey(key.from)))
		if picture == nil {
			return fmt.Errorf("%w: picture of spooled frame at %v of %q is missing", ErrCorrupt, key.from, key.media)
		}
		f = SpooledFrame{
			Media: key.media, From: key.from, Until: v.Until, At: v.At, Want: v.Want, Width: v.Width, Height: v.Height, JPEG: picture,
		}
		ok = true
		return nil
	})
	return f, ok, err
}
