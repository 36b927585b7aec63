package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

const (
	day = 24 * time.Hour
	// maxLength is how long one event may last.
	maxLength = 3660 * day
	// firstYear is where Outlook's time zone rules begin.
	firstYear  = 1601
	lastYear   = 9000
	dateLayout = "20060102"
)

var errTooLasting = errors.New("it lasts longer than ten years")

// moment is a DATE or a DATE-TIME.
type moment struct {
	wall time.Time
	zone zone
	date bool
}

func (m moment) instant() time.Time { return m.zone.instant(m.wall) }

// length is how long an event lasts: so many days by the calendar, and then so long by the clock.
type length struct {
	days  int
	exact time.Duration
}

// param returns a property's parameter; empty where it has none.
func param(p *ics.IANAProperty, name string) string {
	for key, values := range p.ICalParameters {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// parseWall reads a DATE-TIME without a zone.
func parseWall(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	t, err := time.Parse("20060102T150405", s)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return t, fmt.Errorf("%.40q is not a time such as 20261123T140000", s)
	}
	return t, nil
}

// parseMoment reads a DATE or DATE-TIME (RFC 5545 sections 3.3.4 and 3.3.5), which is value or one of the values of p.
func parseMoment(value string, p *ics.IANAProperty, z *zones) (moment, error) {
	value = strings.TrimSpace(value)
	m := moment{zone: z.floating}
	if t, err := time.Parse(dateLayout, value); err == nil && t.Year() >= firstYear && t.Year() <= lastYear {
		m.wall, m.date = t, true
		return m, nil
	}
	digits, utc := strings.CutSuffix(value, "Z")
	var err error
	if m.wall, err = parseWall(digits); err != nil {
		return m, err
	}
	if utc {
		m.zone = located(time.UTC)
	} else if id := param(p, "TZID"); id != "" {
		m.zone, err = z.find(id)
	}
	return m, err
}

// to returns the length of an event from m until end.
func (m moment) to(end moment) (length, error) {
	var l length
	d := end.instant().Sub(m.instant())
	if m.date && end.date {
		d = end.wall.Sub(m.wall)
		l.days = int(d / day)
	} else {
		l.exact = d
	}
	if d < 0 {
		return l, errors.New("it ends before it begins")
	}
	if d > maxLength {
		return l, errTooLasting
	}
	return l, nil
}

// end returns when an event ends that begins at the wall-clock time from.
func (l length) end(from time.Time, z zone) time.Time {
	return z.instant(from.Add(time.Duration(l.days) * day)).Add(l.exact)
}

// unitOf is a letter of a DURATION, and whether it stands behind the T.
type unitOf struct {
	letter rune
	clock  bool
}

// parseDuration reads a DURATION (RFC 5545 section 3.3.6). Its weeks and days are by the calendar.
func parseDuration(s string) (length, error) {
	units := map[unitOf]time.Duration{
		{'W', false}: 7 * day, {'D', false}: day, {'H', true}: time.Hour, {'M', true}: time.Minute, {'S', true}: time.Second,
	}
	var l length
	wrong := fmt.Errorf("%.40q is not a duration such as PT2H30M", s)
	rest, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(s), "+"), "P")
	if !ok || rest == "" {
		return l, wrong
	}
	clock := false
	n, digits := 0, 0
	for _, c := range rest {
		if c >= '0' && c <= '9' {
			n = 10*n + int(c-'0')
			if digits++; digits > 9 {
				return l, wrong
			}
			continue
		}
		if c == 'T' && !clock && digits == 0 {
			clock = true
			continue
		}
		unit := units[unitOf{c, clock}]
		if digits == 0 || unit == 0 {
			return l, wrong
		}
		if n > int(maxLength/unit) {
			return l, errTooLasting
		}
		if clock {
			l.exact += time.Duration(n) * unit
		} else {
			l.days += n * int(unit/day)
		}
		n, digits = 0, 0
		if l.days > int(maxLength/day) || l.exact > maxLength {
			return l, errTooLasting
		}
	}
	if digits > 0 {
		return l, wrong
	}
	return l, nil
}
