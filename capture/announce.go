package capture

import "spotter/timeline"

// announcer tells of each whole segment once, though it may have been read in parts, or as many byte ranges of one file.
type announcer struct {
	newest string // the URL told last
	begun  uint64 // sequence number of the segment that was begun in parts
	from   timeline.Position
	partly bool // there is such a segment
}

// announce returns the whole segments that are known with a piece that begins at a position.
func (f *Follower) announce(p *piece, from timeline.Position) (out []Published) {
	a := &f.announced
	if s := p.before; a.partly && p.at.sequence != a.begun {
		if s != nil && s.Sequence == a.begun {
			out = a.tell(out, Published{s.URL.String(), a.from, s.Duration})
		}
		a.partly = false
	}
	switch {
	case !p.partial:
		if a.partly { // begun in parts, and then listed whole
			from, a.partly = a.from, false
		}
		out = a.tell(out, Published{p.url.String(), from, p.duration})
	case !a.partly:
		a.begun, a.from, a.partly = p.at.sequence, from, true
	}
	return out
}

// tell adds what was not told last.
func (a *announcer) tell(out []Published, p Published) []Published {
	if p.URL == a.newest {
		return out
	}
	a.newest = p.URL
	return append(out, p)
}
