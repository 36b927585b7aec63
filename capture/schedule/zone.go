package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // for machines without the tzdata package

	ics "github.com/arran4/golang-ical"
)

const (
	maxZones   = 200
	maxOnsets  = 5000 // changes of offset of one VTIMEZONE
	lastOnset  = 2100 // year up to which a VTIMEZONE's rules are followed
	maxSkew    = 26 * time.Hour
	aroundSkew = 24 * time.Hour
)

// zone returns the offset from UTC that is in force at an instant.
//
// Local ("wall clock") times are held as UTC times of the same digits: recurrence is reckoned in them and knows no
// daylight saving time.
type zone func(at time.Time) time.Duration

func located(l *time.Location) zone {
	return func(at time.Time) time.Duration {
		_, offset := at.In(l).Zone()
		return time.Duration(offset) * time.Second
	}
}

// instant returns when the clocks of a zone show wall. Of a time that comes twice it is the first; one that is skipped is
// read with the offset before the gap (RFC 5545 section 3.3.5).
func (z zone) instant(wall time.Time) time.Time {
	before, after := z(wall.Add(-aroundSkew)), z(wall.Add(aroundSkew))
	first, second := wall.Add(-before), wall.Add(-after)
	if z(first) != before && z(second) == after {
		return second
	}
	return first
}

// wall returns what the clocks of a zone show.
func (z zone) wall(at time.Time) time.Time { return at.UTC().Add(z(at)) }

// zones are the time zones that a calendar names.
type zones struct {
	floating zone
	byID     map[string]zone
	defined  map[string]*ics.VTimezone
}

func newZones(c *ics.Calendar, local *time.Location) (*zones, error) {
	z := &zones{floating: located(local), byID: map[string]zone{}, defined: map[string]*ics.VTimezone{}}
	for _, p := range c.CalendarProperties {
		if l, ok := byName(p.Value); ok && p.IANAToken == "X-WR-TIMEZONE" {
			z.floating = located(l)
		}
	}
	for _, component := range c.Components {
		if t, ok := component.(*ics.VTimezone); ok {
			z.defined[text(&t.ComponentBase, ics.ComponentPropertyTzid)] = t
		}
	}
	if len(z.defined) > maxZones {
		return nil, fmt.Errorf("more than %d time zones", maxZones)
	}
	return z, nil
}

// find returns the zone of a TZID: by its IANA name, by its Windows name, or as the calendar defines it.
func (z *zones) find(id string) (zone, error) {
	if known := z.byID[id]; known != nil {
		return known, nil
	}
	var out zone
	t := z.defined[id]
	if l, ok := byName(id); ok {
		out = located(l)
	} else if t == nil {
		return nil, fmt.Errorf("unknown time zone %.60q: use an IANA name such as Europe/Berlin, or define it in a VTIMEZONE", id)
	} else if l, ok := byName(text(&t.ComponentBase, "X-LIC-LOCATION")); ok {
		out = located(l)
	} else {
		var err error
		if out, err = observed(t); err != nil {
			return nil, fmt.Errorf("time zone %.60q: %w", id, err)
		}
	}
	z.byID[id] = out
	return out, nil
}

// byName finds an IANA name, also behind a vendor's prefix as in /example.org/20050126_1/Europe/Berlin, or Windows's.
func byName(id string) (*time.Location, bool) {
	if strings.EqualFold(id, "Local") || id == "" || len(id) > 200 {
		return nil, false
	}
	if name, ok := windowsZones[strings.ToLower(id)]; ok {
		id = name
	}
	if !strings.HasPrefix(id, "/") {
		l, err := time.LoadLocation(id)
		return l, err == nil
	}
	parts := strings.Split(strings.Trim(id, "/"), "/")
	for n := min(3, len(parts)-1); n > 0; n-- {
		if l, err := time.LoadLocation(strings.Join(parts[len(parts)-n:], "/")); err == nil && l != time.Local {
			return l, true
		}
	}
	return nil, false
}

// onset is where an offset comes into force.
type onset struct {
	at       time.Time
	from, to time.Duration
}

// observed reads the offsets that a VTIMEZONE defines (RFC 5545 section 3.6.5).
func observed(t *ics.VTimezone) (zone, error) {
	var all []onset
	began := time.Now()
	for _, component := range t.Components {
		var c *ics.ComponentBase
		switch x := component.(type) {
		case *ics.Standard:
			c = &x.ComponentBase
		case *ics.Daylight:
			c = &x.ComponentBase
		default:
			continue
		}
		found, err := onsets(c)
		if err != nil {
			return nil, err
		}
		if all = append(all, found...); len(all) > maxOnsets || time.Since(began) > maxWork {
			return nil, errors.New("too many changes of offset")
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no STANDARD and no DAYLIGHT")
	}
	slices.SortStableFunc(all, func(a, b onset) int { return a.at.Compare(b.at) })
	return func(at time.Time) time.Duration {
		i, found := slices.BinarySearchFunc(all, at, func(o onset, at time.Time) int { return o.at.Compare(at) })
		for found && i+1 < len(all) && all[i+1].at.Equal(at) {
			i++
		}
		if found {
			return all[i].to
		}
		if i == 0 {
			return all[0].from
		}
		return all[i-1].to
	}, nil
}

// onsets returns when one STANDARD or DAYLIGHT comes into force.
func onsets(c *ics.ComponentBase) ([]onset, error) {
	from, err := parseOffset(text(c, "TZOFFSETFROM"))
	to, err2 := parseOffset(text(c, "TZOFFSETTO"))
	if err := cmp.Or(err, err2); err != nil {
		return nil, err
	}
	start, err := parseWall(text(c, ics.ComponentPropertyDtStart))
	if err != nil {
		return nil, fmt.Errorf("DTSTART: %w", err)
	}
	walls := []time.Time{start}
	constant := zone(func(time.Time) time.Duration { return from })
	for _, p := range c.GetProperties(ics.ComponentPropertyRrule) {
		r, err := parseRule(p.Value, start, constant)
		if err != nil {
			return nil, err
		}
		next := r.Iterator()
		for w, ok := next(); ok && w.Year() <= lastOnset && len(walls) <= maxOnsets; w, ok = next() {
			walls = append(walls, w)
		}
	}
	for _, p := range c.GetProperties(ics.ComponentPropertyRdate) {
		for v := range strings.SplitSeq(p.Value, ",") {
			w, err := parseWall(v)
			if err != nil {
				return nil, fmt.Errorf("RDATE: %w", err)
			}
			walls = append(walls, w)
		}
	}
	out := make([]onset, len(walls))
	for i, w := range walls {
		out[i] = onset{w.Add(-from), from, to}
	}
	return out, nil
}

// parseOffset reads a UTC-OFFSET (RFC 5545 section 3.3.14).
func parseOffset(s string) (time.Duration, error) {
	var sign byte
	var h, m, sec int
	n, _ := fmt.Sscanf(s, "%c%2d%2d%2d", &sign, &h, &m, &sec)
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
	if n < 3 || sign != '+' && sign != '-' || d < 0 || d > maxSkew {
		return 0, fmt.Errorf("%.20q is not an offset such as +0100", s)
	}
	if sign == '-' {
		d = -d
	}
	return d, nil
}
