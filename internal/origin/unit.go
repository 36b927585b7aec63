package origin

import "time"

// unit is a stretch of a segment that holds one video picture, or one fragment of fMP4, and what goes with it. The
// units of a segment follow each other without a hole and cover all of it.
type unit struct {
	from, to int // bytes of the segment
	keyEnd   int // of a keyframe: where its own bytes end
	at       time.Duration
	duration time.Duration
	key      bool
}

// part is a partial segment (rfc8216bis section 4.4.4.9).
type part struct {
	from, to    int // bytes of the segment
	duration    time.Duration
	independent bool
}

// units splits a segment, or returns one unit where it is of no known format.
func (c Clip) units(s Segment) []unit {
	var list []unit
	if c.Init != nil {
		list = mp4Units(s.Body, mp4Tracks(c.Init))
	} else {
		list = tsUnits(s.Body)
	}
	if len(list) == 0 {
		return []unit{{to: len(s.Body), keyEnd: len(s.Body), duration: s.Duration, key: true}}
	}
	list[0].from = 0
	for i := range list {
		u := &list[i]
		if i+1 < len(list) {
			u.to, u.duration = list[i+1].from, list[i+1].at-u.at
		} else {
			u.to, u.duration = len(s.Body), max(0, s.Duration-(u.at-list[0].at))
		}
		if u.keyEnd == 0 {
			u.keyEnd = u.to
		}
	}
	return list
}

// parts groups units into parts no longer than longest, unless one unit alone is.
func parts(units []unit, longest time.Duration) (list []part) {
	for _, u := range units {
		n := len(list) - 1
		// A millisecond of grace: time stamps are rounded.
		if n < 0 || list[n].duration+u.duration > longest+time.Millisecond {
			list = append(list, part{from: u.from})
			n++
		}
		p := &list[n]
		p.to, p.duration, p.independent = u.to, p.duration+u.duration, p.independent || u.key
	}
	return list
}
