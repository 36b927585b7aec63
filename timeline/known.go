package timeline

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Known is an entity as a timeline's observations tell of it, held once however often it was seen. Its Confidence is 0: that
// belongs to each observation.
type Known struct {
	Entity
	index uint32 // in table.known
	next  *Known // another of the same name and id
}

// numbered is what a look-up needs of an entity first.
type numbered struct {
	*Known
	key key
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
	hundredths int32  // of confidence, as Sighting has them
}

// hundredths returns a confidence in hundredths, rounded. There is no NaN, and beyond a million c is no confidence either; both
// are a recogniser's fault and count as 0.
func hundredths(c float64) int32 {
	if !(math.Abs(c) < 1e6) {
		return 0
	}
	return int32(math.Round(c * 100))
}

// table numbers the entities of a timeline and of those made from it. It only grows, so what a snapshot holds of it stays
// right, and reading that takes no lock.
type table struct {
	mu      sync.Mutex
	known   []numbered
	sources []string
	named   map[label]*Known
	names   map[string]uint32
	ids     map[string]uint32
	texts   atomic.Pointer[Texts]
}

type label struct{ name, id string }

func newTable() *table {
	return &table{named: make(map[label]*Known), names: make(map[string]uint32), ids: map[string]uint32{"": 0}}
}

// snapshot returns the entities and sources numbered so far, by their numbers.
func (t *table) snapshot() ([]numbered, []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known, t.sources
}

// appendMentions appends the entities of an observation, celebrities first.
func (t *table) appendMentions(list []mention, o *Observation) []mention {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range o.Celebrities {
		list = append(list, t.mention(&o.Celebrities[i]))
	}
	for i := range o.Objects {
		list = append(list, t.mention(&o.Objects[i]))
	}
	return list
}

func (t *table) mention(e *Entity) mention {
	return mention{e.Confidence, t.number(e), hundredths(e.Confidence)}
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
	k := &Known{Entity: *e, index: uint32(len(t.known))}
	k.Confidence = 0
	if first == nil {
		t.named[name] = k
	} else {
		k.next, first.next = first.next, k
	}
	t.known = append(t.known, numbered{k, key{number(t.names, e.Name), number(t.ids, e.ID)}})
	return k.index
}

// source returns the number of a source, of which there are few.
func (t *table) source(name string) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.sources, name)
	if i < 0 {
		i = len(t.sources)
		t.sources = append(t.sources, name)
	}
	return uint32(i)
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
