package capture

import "spotter/timeline"

// announcer tells of each whole segment once, though it may have been read in parts, or as many byte ranges of one file. It is
// stored with the clock, so that a restart between two parts of a segment leaves none out and tells none twice.
type announcer struct {
	Newest string            `json:"newest,omitempty"` // digest of the URL told last
	Begun  uint64            `json:"begun,omitempty"`  // sequence number of the segment that was begun in parts
	From   timeline.Position `json:"from,omitempty"`
	Partly bool              `json:"partly,omitempty"` // there is such a segment
}

// announce returns the whole segments that are known with a piece that begins at a position.
func (f *Follower) announce(p *piece, from timeline.Position) (out []Published) {
	a := &f.Clock.Announced
	if s := p.before; a.Partly && p.at.sequence != a.Begun {
		if s != nil && s.Sequence == a.Begun {
			out = a.tell(out, Published{s.URL.String(), a.From, s.Duration})
		}
		a.Partly = false
	}
	switch {
	case !p.partial:
		if a.Partly { // begun in parts, and then listed whole
			from, a.Partly = a.From, false
		}
		out = a.tell(out, Published{p.url.String(), from, p.duration})
	case !a.Partly:
		a.Begun, a.From, a.Partly = p.at.sequence, from, true
	}
	return out
}

// tell adds what was not told last.
func (a *announcer) tell(out []Published, p Published) []Published {
	name := digestOf(p.URL)
	if name == a.Newest {
		return out
	}
	a.Newest = name
	return append(out, p)
}
