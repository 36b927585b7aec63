package ledger

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
)

const secretBytes = 32

// keys are derived from the ledger's secret.
type keys struct {
	secret []byte
	hashes *sync.Pool // of hash.Hash, for viewers
}

func newKeys(secret []byte) keys {
	k := keys{secret: slices.Clone(secret)}
	viewers := k.derive("viewers")
	k.hashes = &sync.Pool{New: func() any { return hmac.New(sha256.New, viewers) }}
	return k
}

// derive makes a key of 32 bytes by HKDF-SHA256 (RFC 5869).
func (k keys) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret, nil, "spotter ledger: "+purpose, secretBytes)
	if err != nil {
		panic(err) // only for keys longer than 255 hashes
	}
	return key
}

// Secret returns a key of 32 bytes for that purpose, the same as long as the ledger lives, and another in each ledger.
func (l *Ledger) Secret(purpose string) []byte { return l.keys.derive("secret for " + purpose) }

// Viewer returns the viewer of that id; the empty id is nobody's.
func (l *Ledger) Viewer(id string) Viewer {
	var v Viewer
	if id == "" {
		return v
	}
	h := l.keys.hashes.Get().(hash.Hash)
	defer l.keys.hashes.Put(h)
	h.Reset()
	h.Write([]byte(id))
	var sum [sha256.Size]byte
	copy(v[:], h.Sum(sum[:0]))
	return v
}

// viewerState is what the database keeps of a viewer: the number of their last decision, from which each tells the one
// before, and how often each instrument, by its tally's ID, was chosen for them.
type viewerState struct {
	head   uint64
	counts []viewerCount
}

type viewerCount struct {
	id uint64
	n  uint64
}

func (s *viewerState) add(id uint64) {
	for i := range s.counts {
		if s.counts[i].id == id {
			s.counts[i].n++
			return
		}
	}
	s.counts = append(s.counts, viewerCount{id, 1})
}

func (s *viewerState) count(id uint64) int {
	for _, c := range s.counts {
		if c.id == id {
			return int(c.n)
		}
	}
	return 0
}

func (s *viewerState) append(buf []byte) []byte {
	buf = binary.AppendUvarint(buf, s.head)
	for _, c := range s.counts {
		buf = binary.AppendUvarint(binary.AppendUvarint(buf, c.id), c.n)
	}
	return buf
}

func readViewer(tx *bolt.Tx, v Viewer) (*viewerState, error) {
	buf := tx.Bucket(bucketViewers).Get(v[:])
	if buf == nil {
		return new(viewerState), nil
	}
	return parseViewer(buf)
}

func parseViewer(buf []byte) (*viewerState, error) {
	d := decoder{buf: buf}
	s := &viewerState{head: d.uvarint()}
	for len(d.buf) > 0 {
		s.counts = append(s.counts, viewerCount{id: d.uvarint(), n: d.uvarint()})
	}
	if d.bad {
		return nil, fmt.Errorf("%w: counts of a viewer", ErrCorrupt)
	}
	return s, nil
}

// Shown returns how often the instrument was chosen for the viewer, what is not flushed included; for nobody it is 0.
func (l *Ledger) Shown(v Viewer, instrument string) (int, error) {
	n, err := l.ShownEach(v, []string{instrument})
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// ShownEach returns what Shown does for each of some instruments, in one go.
func (l *Ledger) ShownEach(v Viewer, instruments []string) ([]int, error) {
	n := make([]int, len(instruments))
	if v == (Viewer{}) {
		return n, nil
	}
	for {
		last := uint64(0)
		clear(n)
		err := l.view(func(tx *bolt.Tx) error {
			last = getNumber(tx, keyLast)
			s, err := readViewer(tx, v)
			if err != nil || len(s.counts) == 0 {
				return err
			}
			ids, err := l.tallyIDs(tx)
			if err != nil {
				return err
			}
			for i, instrument := range instruments {
				if id := ids[instrument]; id != 0 {
					n[i] = s.count(id)
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("count in ledger: %w", err)
		}
		if l.addPending(n, v, instruments, last) {
			return n, nil
		}
	}
}

// addPending adds what stands in the records after last; false says that some of them were committed already.
func (l *Ledger) addPending(n []int, v Viewer, instruments []string, last uint64) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.committed > last {
		return false
	}
	for _, b := range l.pending {
		if b.last() <= last {
			continue
		}
		for i, instrument := range instruments {
			n[i] += b.shown[shownKey{v, instrument}]
		}
	}
	return true
}

// tallyIDs are the IDs of all tallies by instrument at a sequence of bucketTotals, which changes whenever they do.
type tallyIDs struct {
	sequence uint64
	ids      map[string]uint64
}

func (l *Ledger) tallyIDs(tx *bolt.Tx) (map[string]uint64, error) {
	b := tx.Bucket(bucketTotals)
	if known := l.ids.Load(); known != nil && known.sequence == b.Sequence() {
		return known.ids, nil
	}
	ids := map[string]uint64{}
	if err := b.ForEach(func(k, _ []byte) error {
		t, err := readTally(tx, string(k[1:]))
		if err == nil {
			ids[string(k[1:])] = t.ID
		}
		return err
	}); err != nil {
		return nil, err
	}
	l.ids.Store(&tallyIDs{b.Sequence(), ids})
	return ids, nil
}
