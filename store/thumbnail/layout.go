package thumbnail

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// The file has one bucket, named after its format; in it one for each media, and in that two: what is known of each picture, and the
// pictures. The keys of both are positions. What is known of many is so read without the pictures.
var (
	bucketFormat   = []byte("thumbnails 1")
	bucketAbout    = []byte("about")
	bucketPictures = []byte("pictures")
)

// aboutSize is the head of what is known of a picture: when it was added (8 bytes), the picture's bytes and their CRC-32 (4 each),
// its width and height (2 each), big-endian. Its boxes follow as JSON, where there are any.
const aboutSize = 20

// about is what is known of a picture.
type about struct {
	added         int64
	size, sum     uint32
	width, height int
	boxes         []Boxed
}

func (a *about) encode() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, aboutSize), uint64(a.added))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, a.size), a.sum)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, uint16(a.width)), uint16(a.height))
	if len(a.boxes) == 0 {
		return b, nil
	}
	boxes, err := json.Marshal(a.boxes)
	return append(b, boxes...), err
}

// decodeAbout reads what encode wrote, the boxes only where they are wanted. It keeps nothing of b.
func decodeAbout(b []byte, boxes bool) (a about, err error) {
	if len(b) < aboutSize {
		return a, fmt.Errorf("%w: %d bytes on a picture", errDamaged, len(b))
	}
	a.added = int64(binary.BigEndian.Uint64(b))
	a.size, a.sum = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	a.width, a.height = int(binary.BigEndian.Uint16(b[16:])), int(binary.BigEndian.Uint16(b[18:]))
	if boxes && len(b) > aboutSize {
		if err := json.Unmarshal(b[aboutSize:], &a.boxes); err != nil {
			return a, fmt.Errorf("%w: boxes: %w", errDamaged, err)
		}
	}
	return a, nil
}

// entry is how working memory has the picture at a position, of which so many bytes are known. A picture takes whole pages.
func (a *about) entry(at timeline.Position, known int) entry {
	const page, keys = 4096, 64
	return entry{at: at, added: a.added, bytes: (int64(a.size)+keys+page-1)/page*page + int64(known) + keys}
}

// holds reports whether a picture is the one that was kept.
func (a *about) holds(picture []byte) bool {
	return uint32(len(picture)) == a.size && crc32.ChecksumIEEE(picture) == a.sum
}

// key puts positions in their order, those below 0 too.
func key(at timeline.Position) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)^1<<63) }

func position(key []byte) (timeline.Position, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: a key of %d bytes", errDamaged, len(key))
	}
	return timeline.Position(binary.BigEndian.Uint64(key) ^ 1<<63), nil
}

// shelf is a media's part of the file, in a transaction.
type shelf struct{ about, pictures *bolt.Bucket }

// shelfOf returns a media's part; ok is false where it has none.
func shelfOf(tx *bolt.Tx, media string) (s shelf, ok bool) {
	all := tx.Bucket(bucketFormat)
	if all == nil || media == "" {
		return s, false
	}
	b := all.Bucket([]byte(media))
	if b == nil {
		return s, false
	}
	s = shelf{b.Bucket(bucketAbout), b.Bucket(bucketPictures)}
	return s, s.about != nil && s.pictures != nil
}

func makeShelf(tx *bolt.Tx, media string) (s shelf, err error) {
	b, err := tx.Bucket(bucketFormat).CreateBucketIfNotExists([]byte(media))
	if err != nil {
		return s, err
	}
	if s.about, err = b.CreateBucketIfNotExists(bucketAbout); err != nil {
		return s, err
	}
	s.pictures, err = b.CreateBucketIfNotExists(bucketPictures)
	if err == nil {
		s.pictures.FillPercent = 0.9 // they come in the order of positions
	}
	return s, err
}

// drop deletes pictures, and a media's part with its last.
func drop(tx *bolt.Tx, gone []named) error {
	touched := make(map[string]bool)
	for _, g := range gone {
		s, ok := shelfOf(tx, g.media)
		if !ok {
			continue
		}
		touched[g.media] = true
		if err := s.about.Delete(key(g.at)); err != nil {
			return err
		}
		if err := s.pictures.Delete(key(g.at)); err != nil {
			return err
		}
	}
	for media := range touched {
		s, _ := shelfOf(tx, media)
		if k, _ := s.about.Cursor().First(); k != nil {
			continue
		}
		if err := tx.Bucket(bucketFormat).DeleteBucket([]byte(media)); err != nil {
			return err
		}
	}
	return nil
}
