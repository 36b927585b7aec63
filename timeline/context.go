package timeline

// Seen is one distinct entity of a window.
type Seen struct {
	Entity
	// Span is from where the entity was first to where it was last seen, cut to the window.
	Span
	// Source is where the answer of the highest confidence came from.
	Source string `json:"source"`
}

// Context is who and what is on screen in a window, and which breaks meet it.
type Context struct {
	Celebrities []Seen
	Objects     []Seen
	Breaks      []Break
}

// Context fills c, whose slices are reused, with the distinct celebrities and objects of the observations that meet
// the closed window [w.From, w.Until], in the order in which they were first seen, and with the breaks that meet it, uncut.
func (t *Timeline) Context(c *Context, w Span) {
	c.Celebrities, c.Objects = c.Celebrities[:0], c.Objects[:0]
	c.Breaks = t.breaks.appendMeeting(c.Breaks[:0], w)
	for _, o := range t.candidates(w) {
		if !o.Meets(w) {
			continue
		}
		cut := o.Cut(w)
		for i := range o.Celebrities {
			c.Celebrities = add(c.Celebrities, &o.Celebrities[i], cut, o.Source)
		}
		for i := range o.Objects {
			c.Objects = add(c.Objects, &o.Objects[i], cut, o.Source)
		}
	}
}

func add(list []Seen, e *Entity, cut Span, source string) []Seen {
	for i := range list {
		s := &list[i]
		if !s.same(e) {
			continue
		}
		s.From, s.Until = min(s.From, cut.From), max(s.Until, cut.Until)
		if e.Confidence > s.Confidence {
			s.Entity, s.Source = *e, source
		}
		return list
	}
	return append(list, Seen{Entity: *e, Span: cut, Source: source})
}
