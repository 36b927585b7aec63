package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"
)

// Caps on a rule. rrule-go multiplies BYHOUR, BYMINUTE and BYSECOND out, and its numbers overflow.
const (
	maxRule     = 2000 // bytes
	maxInterval = 1000
	maxTimes    = 100 // instances a day or an hour
	maxList     = 366 // values of a BYxxx
)

// event is something in the calendar, once or recurring.
type event struct {
	name     string
	start    moment
	length   length
	rules    []*rrule.RRule // in wall-clock time
	extra    []extra        // RDATE
	excluded exceptions     // EXDATE
	replaced exceptions     // instances that stand in the calendar by themselves
}

// extra is an instance beside the rules; a PERIOD has a length of its own.
type extra struct {
	start  moment
	length length
}

// exceptions are instances left out, by instant or by day.
type exceptions struct {
	instants map[int64]bool
	days     map[time.Time]bool
}

// add takes up all values of a property.
func (x *exceptions) add(p *ics.IANAProperty, z *zones) error {
	for value := range strings.SplitSeq(p.Value, ",") {
		m, err := parseMoment(value, p, z)
		if err != nil {
			return err
		}
		if x.instants == nil {
			x.instants, x.days = map[int64]bool{}, map[time.Time]bool{}
		}
		if m.date {
			x.days[m.wall] = true
		} else {
			x.instants[m.instant().Unix()] = true
		}
	}
	return nil
}

func (x *exceptions) has(wall, at time.Time) bool {
	return x.instants[at.Unix()] || len(x.days) > 0 && x.days[wall.Truncate(day)]
}

// recur reads how an event recurs.
func (e *event) recur(v *ics.VEvent, z *zones) error {
	if v.HasProperty(ics.ComponentPropertyExrule) {
		return errors.New("EXRULE is not understood: use EXDATE")
	}
	for _, p := range v.GetProperties(ics.ComponentPropertyRrule) {
		r, err := parseRule(p.Value, e.start.wall, e.start.zone)
		if err != nil {
			return err
		}
		e.rules = append(e.rules, r)
	}
	for _, p := range v.GetProperties(ics.ComponentPropertyExdate) {
		if err := e.excluded.add(p, z); err != nil {
			return fmt.Errorf("EXDATE: %w", err)
		}
	}
	for _, p := range v.GetProperties(ics.ComponentPropertyRdate) {
		for value := range strings.SplitSeq(p.Value, ",") {
			x, err := e.parseExtra(value, p, z)
			if err != nil {
				return fmt.Errorf("RDATE: %w", err)
			}
			e.extra = append(e.extra, x)
		}
	}
	return nil
}

// parseExtra reads a value of an RDATE (RFC 5545 section 3.8.5.2).
func (e *event) parseExtra(value string, p *ics.IANAProperty, z *zones) (extra, error) {
	from, until, isPeriod := strings.Cut(value, "/")
	start, err := parseMoment(from, p, z)
	x := extra{start, e.length}
	if err != nil || !isPeriod {
		return x, err
	}
	if strings.Contains(until, "P") {
		x.length, err = parseDuration(until)
		return x, err
	}
	end, err := parseMoment(until, p, z)
	if err != nil {
		return x, err
	}
	x.length, err = start.to(end)
	return x, err
}

// parseRule reads an RRULE (RFC 5545 section 3.3.10). It is reckoned in wall-clock time from start on.
func parseRule(s string, start time.Time, z zone) (*rrule.RRule, error) {
	if len(s) > maxRule {
		return nil, fmt.Errorf("RRULE of more than %d characters", maxRule)
	}
	until := time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC) // rrule-go's own is 292 years after start, and Outlook's zones begin in 1601
	var parts []string
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(s)), ";") {
		if value, ok := strings.CutPrefix(part, "UNTIL="); ok {
			t, err := parseUntil(value, z)
			if err != nil {
				return nil, err
			}
			until = t
		} else if part != "" {
			parts = append(parts, part)
		}
	}
	o, err := rrule.StrToROption(strings.Join(parts, ";"))
	if err != nil {
		return nil, fmt.Errorf("RRULE: %w", err)
	}
	o.Dtstart, o.Until = start, until
	if err := checkRule(o); err != nil {
		return nil, err
	}
	r, err := rrule.NewRRule(*o)
	if err != nil {
		return nil, fmt.Errorf("RRULE: %w", err)
	}
	return r, nil
}

// checkRule refuses what would take rrule-go without end, or all memory.
func checkRule(o *rrule.ROption) error {
	if o.Freq > rrule.HOURLY {
		return fmt.Errorf("RRULE: FREQ=%s: a schedule repeats HOURLY at most", o.Freq)
	}
	if o.Interval < 0 || o.Interval > maxInterval || o.Count < 0 {
		return fmt.Errorf("RRULE: INTERVAL must be 1 to %d, and COUNT above 0", maxInterval)
	}
	if len(o.Byeaster) > 0 {
		return errors.New("RRULE: BYEASTER is not understood")
	}
	times := 1
	for _, list := range [][]int{o.Byhour, o.Byminute, o.Bysecond} {
		times *= max(1, min(len(list), maxTimes+1))
	}
	if times > maxTimes {
		return fmt.Errorf("RRULE: more than %d times a day", maxTimes)
	}
	for _, list := range [][]int{o.Bymonth, o.Bymonthday, o.Byyearday, o.Byweekno, o.Bysetpos} {
		if len(list) > maxList {
			return fmt.Errorf("RRULE: a list of more than %d values", maxList)
		}
	}
	if o.Freq == rrule.HOURLY && !reaches(o.Dtstart.Hour(), max(1, o.Interval), o.Byhour) {
		return errors.New("RRULE: its INTERVAL never reaches its BYHOUR")
	}
	return nil
}

// reaches reports whether steps of so many hours from one of the day come to one that is wanted.
func reaches(from, step int, wanted []int) bool {
	for i := range 24 {
		if len(wanted) == 0 || slices.Contains(wanted, (from+i*step)%24) {
			return true
		}
	}
	return false
}

// parseUntil reads an UNTIL into wall-clock time; a day counts to its end.
func parseUntil(s string, z zone) (time.Time, error) {
	if len(s) == len(dateLayout) {
		t, err := parseWall(s + "T235959")
		if err != nil {
			return t, fmt.Errorf("UNTIL: %w", err)
		}
		return t, nil
	}
	digits, utc := strings.CutSuffix(s, "Z")
	t, err := parseWall(digits)
	if err != nil {
		return t, fmt.Errorf("UNTIL: %w", err)
	}
	if utc {
		t = z.wall(t)
	}
	return t, nil
}

// expansion collects the periods of events that touch [from, to).
type expansion struct {
	from, to int64
	began    time.Time
	periods  []period
}

var (
	errTooMany = fmt.Errorf("the calendar has more than %d events within a year", maxPeriods)
	errTooLong = errors.New("the calendar's rules take too long: leave out those that never hold")
)

// add takes up an instance that begins at a wall-clock time.
func (x *expansion) add(e *event, wall time.Time, z zone, l length) error {
	at := z.instant(wall)
	p := period{at.Unix(), l.end(wall, z).Unix()}
	if p.from >= x.to || p.until <= x.from || p.until <= p.from || e.excluded.has(wall, at) || e.replaced.has(wall, at) {
		return nil
	}
	if len(x.periods) >= maxPeriods {
		return errTooMany
	}
	x.periods = append(x.periods, p)
	return nil
}

// forwarded returns a rule that has the same instances from a time on, and begins not long before it where it can: then
// years of a daily event need not be gone through. The steps are whole intervals, so the rule stays in step.
func forwarded(r *rrule.RRule, first time.Time) *rrule.RRule {
	o := r.OrigOptions
	step := time.Duration(max(1, o.Interval))
	switch o.Freq {
	case rrule.WEEKLY:
		step *= 7 * day
	case rrule.DAILY:
		step *= day
	case rrule.HOURLY:
		step *= time.Hour
	default:
		return r
	}
	steps := first.Sub(o.Dtstart) / step
	if o.Count > 0 || steps <= 0 {
		return r
	}
	o.Dtstart = o.Dtstart.Add(steps * step)
	out, err := rrule.NewRRule(o)
	if err != nil {
		return r
	}
	return out
}

// expand adds the event's instances. DTSTART is one even where the rule leaves it out, as calendar programs have it.
func (e *event) expand(x *expansion) error {
	if err := x.add(e, e.start.wall, e.start.zone, e.length); err != nil {
		return err
	}
	for _, r := range e.extra {
		if err := x.add(e, r.start.wall, r.start.zone, r.length); err != nil {
			return err
		}
	}
	last := time.Unix(x.to, 0).UTC().Add(2 * day)
	first := time.Unix(x.from, 0).UTC().Add(-2*day-e.length.exact).AddDate(0, 0, -e.length.days)
	for _, r := range e.rules {
		next := forwarded(r, first).Iterator()
		for n := 0; ; n++ {
			if n%100 == 0 && time.Since(x.began) > maxWork {
				return errTooLong
			}
			wall, ok := next()
			if !ok || wall.After(last) {
				break
			}
			if err := x.add(e, wall, e.start.zone, e.length); err != nil {
				return err
			}
		}
	}
	return nil
}
