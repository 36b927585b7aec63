package ledger

import (
	"encoding/binary"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"
)

const (
	// maxNames bounds the dictionary of an epoch: then another epoch begins.
	maxNames = 1 << 16
	// maxName bounds the bytes of a name in the dictionary; longer ones are written out.
	maxName = 255
	// oldEpochs bounds the dictionaries of earlier epochs that are kept in memory.
	oldEpochs = 4
)

// names is the dictionary by which stored records are short. It is cut into epochs: a record tells its epoch, and when the
// last record of an epoch is pruned, its names go too. So neither the file nor the memory grows with every version of a
// policy that ever was.
//
// A feature of one viewer only is not put into the dictionary, where Erase would not find it, but into that viewer's
// records: it takes a second viewer to make a name.
type names struct {
	// These belong to the goroutine that commits.
	epoch  uint32
	ids    map[string]uint32
	fresh  int // names, the last ones of list, that are not in the database yet
	sights map[string]Viewer

	mu   sync.Mutex // guards what readers see too
	list []string
	old  map[uint32][]string
}

func namesKey(epoch, id uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, epoch), id)
}

// loadNames reads the dictionary of the last epoch.
func loadNames(tx *bolt.Tx) (*names, error) {
	n := &names{epoch: 1, ids: map[string]uint32{}, sights: map[string]Viewer{}, old: map[uint32][]string{}}
	k, _ := tx.Bucket(bucketNames).Cursor().Last()
	if len(k) == 8 {
		n.epoch = binary.BigEndian.Uint32(k)
	}
	var err error
	if n.list, err = readEpoch(tx, n.epoch); err != nil {
		return nil, err
	}
	for i, name := range n.list {
		n.ids[name] = uint32(i)
	}
	return n, nil
}

func readEpoch(tx *bolt.Tx, epoch uint32) ([]string, error) {
	var list []string
	c := tx.Bucket(bucketNames).Cursor()
	for k, v := c.Seek(namesKey(epoch, 0)); len(k) == 8 && binary.BigEndian.Uint32(k) == epoch; k, v = c.Next() {
		if binary.BigEndian.Uint32(k[4:]) != uint32(len(list)) {
			return nil, fmt.Errorf("%w: names of epoch %d", ErrCorrupt, epoch)
		}
		list = append(list, string(v))
	}
	return list, nil
}

// intern returns the id of a name; false says that it is to be written out.
func (n *names) intern(name string, viewer Viewer, personal bool) (uint32, bool) {
	if id, ok := n.ids[name]; ok {
		return id, true
	}
	if len(name) > maxName || len(n.list) >= maxNames {
		return 0, false
	}
	if personal && viewer != (Viewer{}) {
		first, ok := n.sights[name]
		if !ok && len(n.sights) >= maxNames {
			clear(n.sights)
		}
		if !ok || first == viewer {
			n.sights[name] = viewer
			return 0, false
		}
		delete(n.sights, name)
	}
	id := uint32(len(n.list))
	n.ids[name] = id
	n.fresh++
	n.mu.Lock()
	n.list = append(n.list, name)
	n.mu.Unlock()
	return id, true
}

// write puts the fresh names into the database.
func (n *names) write(tx *bolt.Tx) error {
	b := tx.Bucket(bucketNames)
	for i := len(n.list) - n.fresh; i < len(n.list); i++ {
		if err := b.Put(namesKey(n.epoch, uint32(i)), []byte(n.list[i])); err != nil {
			return err
		}
	}
	return nil
}

// undo forgets the fresh names, after a transaction that failed.
func (n *names) undo() {
	n.mu.Lock()
	defer n.mu.Unlock()
	keep := len(n.list) - n.fresh
	for _, name := range n.list[keep:] {
		delete(n.ids, name)
	}
	n.list = n.list[:keep:keep]
	n.fresh = 0
}

// done says that the fresh names were committed, and begins another epoch when the dictionary is full.
func (n *names) done() {
	n.fresh = 0
	if len(n.list) < maxNames {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keep(n.epoch, n.list)
	n.epoch++
	n.list = nil
	n.ids = map[string]uint32{}
	n.sights = map[string]Viewer{}
}

// keep remembers an earlier epoch's names.
func (n *names) keep(epoch uint32, list []string) {
	if len(n.old) >= oldEpochs {
		clear(n.old)
	}
	n.old[epoch] = list
}

// of returns the names of an epoch by id.
func (n *names) of(tx *bolt.Tx, epoch uint32) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if epoch == n.epoch {
		return n.list, nil
	}
	if list, ok := n.old[epoch]; ok {
		return list, nil
	}
	list, err := readEpoch(tx, epoch)
	if err == nil {
		n.keep(epoch, list)
	}
	return list, err
}

// read is the inverse of appendStored.
func (n *names) read(tx *bolt.Tx, number uint64, buf []byte) (stored, error) {
	d := decoder{buf: buf}
	s := stored{Record: &Record{Number: number}}
	kind := d.byte()
	list, err := n.of(tx, uint32(d.uvarint()))
	if err != nil {
		return s, err
	}
	d.names = list
	switch kind {
	case kindDecision:
		s.back = d.uvarint()
		s.Decision = d.decision()
	case kindEvent:
		s.Event = d.event()
	default:
		d.bad = true
	}
	return s, d.finish(number)
}
