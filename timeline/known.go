package timeline

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Known is an entity as a timeline's observations tell of it, held once however often it was seen. Its Confidence is 0: that
// belongs to each observation.
type Known struct {
	Entity
	index   uint32 // in table.known
	key     key
	next    *Known // another of the same name and id
	encoded atomic.Pointer[[]byte]
}

// Encoded returns what encode makes of the entity, made once. All callers must give the same function, and none may change
// what comes back.
func (k *Known) Encoded(encode func(*Entity) []byte) []byte {
	if b := k.encoded.Load(); b != nil {
		return *b
	}
	b := encode(&k.Entity)
	k.encoded.Store(&b)
	return b
}

// key is an entity's name and id as numbers; without an id that is 0.
type key struct{ name, id uint32 }

// same reports whether k and l are of one entity: by id where both have one, else by name.
func (k key) same(l key) bool {
	if k.id != 0 && l.id != 0 {
		return k.id == l.id
	}
	return k.name == l.name
}

// mention is an entity in one observation.
type mention struct {
	confidence float64
	entity     uint32 // index in table.known
}

// table numbers the entities of a timeline and of those made from it. It only grows, so what a snapshot holds of it stays
// right, and reading that takes no lock.
type table struct {
	mu      sync.Mutex
	known   []*Known
	named   map[label]*Known
	names   map[string]uint32
	ids     map[string]uint32
	sources map[string]string
}

type label struct{ name, id string }

func newTable() *table {
	return &table{named: make(map[label]*Known), names: make(map[string]uint32), ids: map[string]uint32{"": 0}, sources: make(map[string]string)}
}

// snapshot returns the entities numbered so far, by their numbers.
func (t *table) snapshot() []*Known {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known
}

// appendMentions appends the entities of an observation, celebrities first.
func (t *table) appendMentions(list []mention, o *Observation) []mention {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range o.Celebrities {
		list = append(list, mention{o.Celebrities[i].Confidence, t.number(&o.Celebrities[i])})
	}
	for i := range o.Objects {
		list = append(list, mention{o.Objects[i].Confidence, t.number(&o.Objects[i])})
	}
	return list
}

// number returns the number of what e is, a new one when nothing was seen that is told of in the same words. The caller
// holds t.mu.
func (t *table) number(e *Entity) uint32 {
	name := label{e.Name, e.ID}
	first := t.named[name]
	for k := first; k != nil; k = k.next {
		if equal(k.URLs, e.URLs) && equal(k.Parents, e.Parents) && equal(k.Aliases, e.Aliases) {
			return k.index
		}
	}
	k := &Known{Entity: *e, index: uint32(len(t.known)), key: key{number(t.names, e.Name), number(t.ids, e.ID)}}
	k.Confidence = 0
	if first == nil {
		t.named[name] = k
	} else {
		k.next, first.next = first.next, k
	}
	t.known = append(t.known, k)
	return k.index
}

// source returns the one copy of a source's name.
func (t *table) source(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one, ok := t.sources[name]; ok {
		return one
	}
	t.sources[name] = name
	return name
}

func number(numbers map[string]uint32, s string) uint32 {
	n, ok := numbers[s]
	if !ok {
		n = uint32(len(numbers))
		numbers[s] = n
	}
	return n
}

// equal tells a list that is missing from one that is empty, as whoever reads the entity can.
func equal(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }
