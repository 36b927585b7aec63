package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// format is the version of the layout in docs/formats.md that this package reads and writes.
const format = 2

// Names of buckets and single keys.
var (
	bucketMeta         = []byte("meta")
	bucketMedia        = []byte("media")
	bucketObservations = []byte("observations")
	bucketAnalyzed     = []byte("analyzed")
	bucketBreaks       = []byte("breaks") // made with a media's first break
	bucketOutbox       = []byte("outbox")
	bucketEntries      = []byte("entries")
	bucketKeys         = []byte("keys")
	bucketSpool        = []byte("spool") // made with its parts with the first spooled frame
	bucketTimes        = []byte("times")
	bucketFrames       = []byte("frames")
	bucketPictures     = []byte("pictures")

	keyFormat    = []byte("format")
	keySeal      = []byte("seal")      // of the format, and of a sink's name
	keyMigrating = []byte("migrating") // while a migration is under way
	keyRebuild   = []byte("rebuild")   // while what was lost with a damaged file is fetched again
	keySum       = []byte("sum")       // of all that a media's bucket holds
	keyClock     = []byte("clock")
	keyAnnounced = []byte("announced") // written with a media's first segment that a sink is told of
	keyKind      = []byte("kind")      // of a sink of segments or frames
)

// positionKey writes p so that the order of keys is the order of time: big-endian, the sign flipped to put negative
// positions first.
func positionKey(p timeline.Position) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(p)^1<<63)
}

func parsePosition(b []byte) (timeline.Position, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: a position of %d bytes", ErrCorrupt, len(b))
	}
	return timeline.Position(binary.BigEndian.Uint64(b) ^ 1<<63), nil
}

// fields are an observation's, without its methods.
type fields timeline.Observation

// value is an observation as it is written.
type value struct {
	fields
	At    time.Time       `json:"at"`
	Open  bool            `json:"open,omitempty"`
	Edits *timeline.Edits `json:"edits,omitempty"`
}

func encodeObservation(o *timeline.Observation) ([]byte, error) {
	return json.Marshal(value{fields(*o), o.At, o.Open, o.Edits})
}

// decodeObservation reads what stands under the key of a media, and refuses what belongs elsewhere.
func decodeObservation(media string, key, b []byte) (*timeline.Observation, error) {
	from, err := parsePosition(key)
	if err != nil {
		return nil, err
	}
	var v value
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("%w: observation at %v of %q: %v", ErrCorrupt, from, media, err)
	}
	o := timeline.Observation(v.fields)
	o.At, o.Open, o.Edits = v.At, v.Open, v.Edits
	if o.Media != media || o.From != from {
		return nil, fmt.Errorf("%w: observation at %v of %q says %v of %q", ErrCorrupt, from, media, o.From, o.Media)
	}
	return &o, nil
}

// child returns the bucket under names, which the layout says is there.
func child(tx *bolt.Tx, names ...[]byte) (*bolt.Bucket, error) {
	b := tx.Bucket(names[0])
	for _, name := range names[1:] {
		if b == nil {
			break
		}
		b = b.Bucket(name)
	}
	if b == nil {
		return nil, fmt.Errorf("%w: bucket %q is missing", ErrCorrupt, names)
	}
	return b, nil
}
