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

// Context fills c, whose slices are used again, with what Look finds: for those who want it in plain values.
func (t *Timeline) Context(c *Context, w Span) {
	l := Look{Breaks: c.Breaks}
	t.Look(&l, w)
	c.Celebrities = appendSeen(c.Celebrities[:0], l.Celebrities)
	c.Objects = appendSeen(c.Objects[:0], l.Objects)
	c.Breaks = l.Breaks
}

func appendSeen(list []Seen, sightings []Sighting) []Seen {
	for i := range sightings {
		s := &sightings[i]
		seen := Seen{s.Entity, s.Span, s.Source}
		seen.Confidence = s.Confidence
		list = append(list, seen)
	}
	return list
}
