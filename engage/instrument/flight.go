package instrument

import "time"

// live is the instruments whose flight has begun and not ended. It holds as long as no flight begins or ends: at and after
// from, and before until; a zero time sets no bound.
type live struct {
	from, until time.Time
	set         set
}

// flying returns the instruments whose flight it is now.
func (c *Catalog) flying(now time.Time) *live {
	if l := c.live.Load(); l != nil && l.holds(now) {
		return l
	}
	l := &live{set: make(set, len(c.always))}
	for n := range c.all {
		f := c.all[n].Flight
		if (f.Start.IsZero() || !now.Before(f.Start)) && (f.End.IsZero() || now.Before(f.End)) {
			l.set.add(uint32(n))
		}
		l.cut(now, f.Start)
		l.cut(now, f.End)
	}
	c.live.Store(l)
	return l
}

func (l *live) holds(now time.Time) bool {
	return (l.from.IsZero() || !now.Before(l.from)) && (l.until.IsZero() || now.Before(l.until))
}

// cut takes in that something changes at t.
func (l *live) cut(now, t time.Time) {
	switch {
	case t.IsZero():
	case t.After(now):
		if l.until.IsZero() || t.Before(l.until) {
			l.until = t
		}
	case l.from.IsZero() || t.After(l.from):
		l.from = t
	}
}

// Paced returns the share, above 0 and up to 1, of the total cap and of the budget of i that may be used up by now. With
// even pacing it grows with the flight's time, so that what was not used earlier may be used later; else it is 1.
func Paced(i *Instrument, now time.Time) float64 {
	length := i.Flight.End.Sub(i.Flight.Start)
	if i.Pacing != "even" || length <= 0 {
		return 1
	}
	elapsed := min(max(now.Sub(i.Flight.Start), 1), length)
	return float64(elapsed) / float64(length)
}
