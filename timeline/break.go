package timeline

import (
	"cmp"
	"slices"
)

// Break is a stretch of the event given over to advertisements, by the stream's own markers. ID and From identify it.
type Break struct {
	ID string `json:"id,omitempty"`
	// Span is from where the break began to where it ended or, while it lasts, is planned to end; where that is not
	// known Until is From.
	Span
	Open    bool `json:"open,omitempty"`    // it has not ended yet
	Skipped bool `json:"skipped,omitempty"` // by configuration nobody looked at its pictures
}

// endless reports whether the break lasts and nobody said until when.
func (b *Break) endless() bool { return b.Open && b.Until <= b.From }

// Meets reports whether any of the break lies in the closed window [w.From, w.Until]. One whose end is not known goes on.
func (b *Break) Meets(w Span) bool {
	return b.From <= w.Until && (b.Until > w.From && b.Until > b.From || b.endless())
}

func compareBreaks(a, b Break) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID))
}

// breakList is an immutable set of breaks.
type breakList struct {
	all     []Break  // by From and ID
	endless []Break  // those of all whose end is not known
	longest Position // length of the longest of the others
}

func newBreakList(all []Break) breakList {
	l := breakList{all: all}
	for _, b := range all {
		if b.endless() {
			l.endless = append(l.endless, b)
		} else {
			l.longest = max(l.longest, b.Len())
		}
	}
	return l
}

// appendMeeting appends the breaks that meet w, by From and ID.
func (l *breakList) appendMeeting(list []Break, w Span) []Break {
	if len(l.all) == 0 {
		return list
	}
	lo := l.search(w.From - l.longest)
	for _, b := range l.endless {
		if b.From < w.From-l.longest && b.Meets(w) {
			list = append(list, b)
		}
	}
	for _, b := range l.all[lo:] {
		if b.From > w.Until {
			break
		}
		if b.Meets(w) {
			list = append(list, b)
		}
	}
	return list
}

// search returns the index of the first break that begins at p or later.
func (l *breakList) search(p Position) int {
	i, _ := slices.BinarySearchFunc(l.all, Break{Span: Span{From: p}}, compareBreaks)
	return i
}

// WithBreaks returns a timeline with the breaks added, or put in the place of those with the same From and ID. t is
// unchanged.
func (t *Timeline) WithBreaks(breaks []Break) *Timeline {
	if len(breaks) == 0 {
		return t
	}
	all := slices.Clone(t.breaks.all)
	for _, b := range breaks {
		if i, found := slices.BinarySearchFunc(all, b, compareBreaks); found {
			all[i] = b
		} else {
			all = slices.Insert(all, i, b)
		}
	}
	n := *t
	n.breaks = newBreakList(all)
	return &n
}

// Breaks returns the breaks that meet the closed window w, uncut, by From.
func (t *Timeline) Breaks(w Span) []Break { return t.breaks.appendMeeting(nil, w) }
