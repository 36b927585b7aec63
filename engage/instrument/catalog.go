package instrument

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"spotter/timeline"
)

// Catalog is a set of instruments made ready for Eligible. It does not change and is safe for use by many goroutines.
type Catalog struct {
	all   []Instrument
	rules []rule // of all, in the same order
	byID  map[string]int

	// targets are all names that any instrument asks for or excludes, named by what they are folded to.
	targets []string
	target  map[string]uint32
	// waiting has, for each target, the instruments that cannot be shown without it and need no other look;
	// always are the instruments that can be shown whatever is on screen.
	waiting []members
	always  set
	// withMedia has the instruments that name a media, anyMedia those that name none.
	withMedia map[string]members
	anyMedia  set

	attributes []string // that any instrument asks for

	known known
	live  atomic.Pointer[live]
}

// rule is what of an instrument is asked for each question; targets and attributes are numbers in the catalog.
type rule struct {
	any, all, none []uint32
	positions      []timeline.Span
	audience       []clause
}

// clause is a condition on one attribute.
type clause struct {
	attribute uint32
	Condition
}

// NewCatalog returns a catalog of instruments as ParseFile and Parse return them. Each must have an id of its own. It keeps
// what they point to, which may then not be changed.
func NewCatalog(instruments []Instrument) *Catalog {
	all := slices.Clone(instruments)
	slices.SortFunc(all, func(a, b Instrument) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), strings.Compare(a.ID, b.ID))
	})
	c := &Catalog{
		all: all, rules: make([]rule, len(all)), byID: make(map[string]int, len(all)), target: make(map[string]uint32),
		always: set(nil).grown(len(all)), withMedia: make(map[string]members), anyMedia: set(nil).grown(len(all)),
	}
	attributes := make(map[string]uint32)
	for n := range all {
		c.byID[all[n].ID] = n
		c.rules[n] = rule{
			any: c.number(all[n].Targets.Any), all: c.number(all[n].Targets.All), none: c.number(all[n].Targets.None),
			positions: all[n].Positions, audience: c.clauses(attributes, all[n].Audience),
		}
		c.index(uint32(n))
	}
	c.pack()
	return c
}

// All returns the instruments, those of the highest priority first, those of one priority by id. It is not to be changed.
func (c *Catalog) All() []Instrument { return c.all }

// Get returns the instrument of an id, nil where there is none. It is not to be changed.
func (c *Catalog) Get(id string) *Instrument {
	if n, ok := c.byID[id]; ok {
		return &c.all[n]
	}
	return nil
}

// Targets returns the names that Match.Targets numbers, in lower case. A name is spelled alike in every catalog. It is not
// to be changed.
func (c *Catalog) Targets() []string { return c.targets }

// number returns the numbers of targets, each once, and numbers those that are new.
func (c *Catalog) number(targets []string) (numbers []uint32) {
	var folded []byte
	for _, s := range targets {
		folded = appendFolded(folded[:0], s)
		n, ok := c.target[string(folded)]
		if !ok {
			n = uint32(len(c.targets))
			c.target[string(folded)] = n
			c.targets = append(c.targets, strings.ToLower(string(folded)))
			c.waiting = append(c.waiting, members{})
		}
		if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// clauses returns the conditions of an audience, and numbers attributes that are new.
func (c *Catalog) clauses(numbers map[string]uint32, audience map[string]Condition) []clause {
	list := make([]clause, 0, len(audience))
	for name, condition := range audience {
		n, ok := numbers[name]
		if !ok {
			n = uint32(len(c.attributes))
			numbers[name] = n
			c.attributes = append(c.attributes, name)
		}
		list = append(list, clause{n, condition})
	}
	return list
}

// index enters instrument n where Eligible looks for it.
func (c *Catalog) index(n uint32) {
	r := &c.rules[n]
	switch {
	case len(r.all) > 0:
		c.wait(r.all[0], n)
	case len(r.any) > 0:
		for _, t := range r.any {
			c.wait(t, n)
		}
	default:
		c.always.add(n)
	}
	if len(c.all[n].Media) == 0 {
		c.anyMedia.add(n)
	}
	for _, media := range c.all[n].Media {
		c.withMedia[media] = members{few: append(c.withMedia[media].few, n)}
	}
}

func (c *Catalog) wait(target, n uint32) { c.waiting[target].few = append(c.waiting[target].few, n) }

// pack makes the index small.
func (c *Catalog) pack() {
	for t := range c.waiting {
		c.waiting[t] = packed(c.waiting[t].few, len(c.all))
	}
	for media, m := range c.withMedia {
		c.withMedia[media] = packed(m.few, len(c.all))
	}
}
