package instrument

import (
	"slices"
	"sync"
	"sync/atomic"

	"spotter/timeline"
)

// maxKnown bounds the entities whose targets a catalog remembers, and so keeps in memory: some megabytes.
const maxKnown = 8192

// known remembers which targets an entity is, as a timeline holds each entity once.
type known struct {
	targets sync.Map // *timeline.Known to []uint32
	n       atomic.Int32
}

// entity returns the numbers of the targets that an entity is, by its name, its id, what else it is called or what kind of
// thing it is.
func (c *Catalog) entity(k *timeline.Known) []uint32 {
	if numbers, ok := c.known.targets.Load(k); ok {
		return *numbers.(*[]uint32)
	}
	var numbers []uint32
	folded := make([]byte, 0, 64)
	add := func(s string) {
		folded = appendFolded(folded[:0], s)
		if n, ok := c.target[string(folded)]; ok && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	add(k.Name)
	add(k.ID)
	for _, s := range k.Aliases {
		add(s)
	}
	for _, s := range k.Parents {
		add(s)
	}
	if c.known.n.Add(1) > maxKnown {
		c.known.targets.Clear()
		c.known.n.Store(1)
	}
	c.known.targets.Store(k, &numbers)
	return numbers
}
