package timeline

import (
	"cmp"
	"slices"
)

// Timeline is an immutable snapshot of one media's observations, of the stretches that were analysed and of its breaks. Any
// number of goroutines may read it; With and WithBreaks make the next one.
type Timeline struct {
	index    []entry    // the blocks of observations, by From, none of them empty
	reaches  []Position // of each groupSize entries
	length   int        // number of observations
	table    *table     // nil in the zero Timeline
	known    []numbered // what table had numbered, of the observations at least
	sources  []string   // the same
	analyzed []Span     // by From, disjoint and not touching
	breaks   breakList
}

// New returns a timeline of the given observations and analysed spans, in any order. The observations belong to the
// timeline afterwards.
func New(observations []*Observation, analyzed []Span) *Timeline {
	t := new(Timeline)
	return t.With(observations, analyzed)
}

// With returns a timeline with the observations added, or put in the place of those with the same From, and the
// spans added to what was analysed. t is unchanged. The observations belong to the timeline afterwards.
func (t *Timeline) With(observations []*Observation, analyzed []Span) *Timeline {
	n := *t
	n.analyzed = merge(t.analyzed, analyzed)
	if n.table == nil {
		n.table = newTable()
	}
	if len(observations) > 0 {
		n.insert(distinct(observations))
	}
	return &n
}

// distinct returns the observations by From, of those with the same From the last.
func distinct(list []*Observation) []*Observation {
	if len(list) == 1 {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *Observation) int { return cmp.Compare(a.From, b.From) })
	out := list[:0]
	for i, o := range list {
		if i+1 == len(list) || list[i+1].From != o.From {
			out = append(out, o)
		}
	}
	return out
}

// insert adds observations, sorted and no two the same, to a copy of the index: only blocks that they fall into are new.
func (t *Timeline) insert(added []*Observation) {
	old := t.index
	t.index = make([]entry, 0, len(old)+1+len(added)/blockSize)
	if len(old) == 0 {
		t.index = t.table.insert(t.index, nil, added, true)
		added = nil
	}
	for i := range old {
		n, last := len(added), i == len(old)-1
		if !last {
			n, _ = slices.BinarySearchFunc(added, old[i+1].from, func(o *Observation, p Position) int { return cmp.Compare(o.From, p) })
		}
		if n == 0 {
			t.index = append(t.index, old[i])
			continue
		}
		t.index = t.table.insert(t.index, old[i].block, added[:n], last)
		added = added[n:]
	}
	t.reaches = reaches(t.index)
	t.known, t.sources = t.table.snapshot()
	t.length = 0
	for i := range t.index {
		t.length += len(t.index[i].block.scenes)
	}
}

// Without returns a timeline without the observations and breaks that end, and the analysed spans that lie, at or before
// p. A break whose end is not known stays.
func (t *Timeline) Without(p Position) *Timeline {
	var kept []*Observation
	for i := range t.index {
		for _, o := range t.index[i].block.observations {
			if o.Until > p {
				kept = append(kept, o)
			}
		}
	}
	var analyzed []Span
	for _, s := range t.analyzed {
		if s.Until > p {
			analyzed = append(analyzed, Span{max(s.From, p), s.Until})
		}
	}
	var breaks []Break
	for _, b := range t.breaks.all {
		if b.Until > p || b.endless() {
			breaks = append(breaks, b)
		}
	}
	n := New(kept, analyzed) // which does not know those that were seen before p only
	n.breaks = newBreakList(breaks)
	return n
}

// next returns the index of the first entry from the i-th on whose scenes may meet w, or -1. One long scene costs those
// before w no more than its own block: groups and blocks that end before w are passed over.
func (t *Timeline) next(i int, w Span) int {
	for i < len(t.index) {
		if i%groupSize == 0 && t.reaches[i/groupSize] <= w.From {
			i += groupSize
			continue
		}
		switch e := &t.index[i]; {
		case e.from > w.Until:
			return -1
		case e.reach > w.From:
			return i
		}
		i++
	}
	return -1
}

// merge returns the union of two sets of spans as sorted, disjoint spans.
func merge(a, b []Span) []Span {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y Span) int { return cmp.Compare(x.From, y.From) })
	out := all[:0]
	for _, s := range all {
		switch last := len(out) - 1; {
		case s.Until <= s.From:
		case last >= 0 && s.From <= out[last].Until:
			out[last].Until = max(out[last].Until, s.Until)
		default:
			out = append(out, s)
		}
	}
	return out
}

// Len returns the number of observations.
func (t *Timeline) Len() int { return t.length }

// Last returns the observation that begins last, or nil. It must not be changed.
func (t *Timeline) Last() *Observation {
	if len(t.index) == 0 {
		return nil
	}
	list := t.index[len(t.index)-1].block.observations
	return list[len(list)-1]
}

// At returns the observation that begins at from, or nil. It must not be changed.
func (t *Timeline) At(from Position) *Observation {
	i, found := slices.BinarySearchFunc(t.index, from, func(e entry, p Position) int { return cmp.Compare(e.from, p) })
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	b := t.index[i].block
	if j, found := b.search(from); found {
		return b.observations[j]
	}
	return nil
}

// Within returns the observations whose spans meet the closed window w, by From. They must not be changed.
func (t *Timeline) Within(w Span) []*Observation {
	var out []*Observation
	for i := t.next(0, w); i >= 0; i = t.next(i+1, w) {
		b := t.index[i].block
		for j := b.first(w); j < len(b.scenes) && b.scenes[j].From <= w.Until; j++ {
			if b.scenes[j].Meets(w) {
				out = append(out, b.observations[j])
			}
		}
	}
	return out
}

// AnalyzedUntil returns the end of what was analysed; ok is false when nothing was.
func (t *Timeline) AnalyzedUntil() (p Position, ok bool) {
	if len(t.analyzed) == 0 {
		return 0, false
	}
	return t.analyzed[len(t.analyzed)-1].Until, true
}

// Analyzed returns the analysed spans, sorted and disjoint. They must not be changed.
func (t *Timeline) Analyzed() []Span { return t.analyzed }

// Complete reports whether all of [w.From, w.Until] was analysed, so that an empty answer means "nobody".
func (t *Timeline) Complete(w Span) bool {
	i, _ := slices.BinarySearchFunc(t.analyzed, w.From, func(s Span, p Position) int {
		if s.Until <= p {
			return -1
		}
		return 1
	})
	return i < len(t.analyzed) && t.analyzed[i].From <= w.From && t.analyzed[i].Until >= w.Until
}
