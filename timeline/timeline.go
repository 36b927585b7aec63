package timeline

import (
	"cmp"
	"slices"
)

// Timeline is an immutable snapshot of one media's observations, of the stretches that were analysed and of its breaks. Any
// number of goroutines may read it; With and WithBreaks make the next one.
type Timeline struct {
	observations []*Observation // by From, no two the same
	longest      Position       // length of the longest observation
	analyzed     []Span         // by From, disjoint and not touching
	breaks       breakList
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
	n := &Timeline{
		observations: append(make([]*Observation, 0, len(t.observations)+len(observations)), t.observations...),
		longest:      t.longest,
		analyzed:     merge(t.analyzed, analyzed),
		breaks:       t.breaks,
	}
	for _, o := range observations {
		n.longest = max(n.longest, o.Len())
		if last := n.Last(); last == nil || last.From < o.From {
			n.observations = append(n.observations, o)
			continue
		}
		i, found := n.search(o.From)
		if found {
			n.observations[i] = o
		} else {
			n.observations = slices.Insert(n.observations, i, o)
		}
	}
	return n
}

// Without returns a timeline without the observations and breaks that end, and the analysed spans that lie, at or before
// p. A break whose end is not known stays.
func (t *Timeline) Without(p Position) *Timeline {
	n := new(Timeline)
	for _, o := range t.observations {
		if o.Until > p {
			n.observations = append(n.observations, o)
			n.longest = max(n.longest, o.Len())
		}
	}
	for _, s := range t.analyzed {
		if s.Until > p {
			n.analyzed = append(n.analyzed, Span{max(s.From, p), s.Until})
		}
	}
	var breaks []Break
	for _, b := range t.breaks.all {
		if b.Until > p || b.endless() {
			breaks = append(breaks, b)
		}
	}
	n.breaks = newBreakList(breaks)
	return n
}

func (t *Timeline) search(from Position) (int, bool) {
	return slices.BinarySearchFunc(t.observations, from, func(o *Observation, p Position) int {
		return cmp.Compare(o.From, p)
	})
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
func (t *Timeline) Len() int { return len(t.observations) }

// Last returns the observation that begins last, or nil. It must not be changed.
func (t *Timeline) Last() *Observation {
	if len(t.observations) == 0 {
		return nil
	}
	return t.observations[len(t.observations)-1]
}

// Within returns the observations whose spans meet the closed window w, by From. They must not be changed.
func (t *Timeline) Within(w Span) []*Observation {
	var out []*Observation
	for _, o := range t.candidates(w) {
		if o.Meets(w) {
			out = append(out, o)
		}
	}
	return out
}

// candidates returns the observations that may meet w: no span is longer than t.longest, so none that begins
// before w.From-t.longest reaches w.
func (t *Timeline) candidates(w Span) []*Observation {
	lo, _ := t.search(w.From - t.longest)
	hi, found := t.search(w.Until)
	if found {
		hi++
	}
	if hi < lo {
		return nil
	}
	return t.observations[lo:hi]
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
