package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// text returns a component's property; empty where it has none.
func text(c *ics.ComponentBase, name ics.ComponentProperty) string {
	if p := c.GetProperty(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// parse returns the events of a calendar that count.
func parse(calendar []byte, name string, local *time.Location) ([]event, error) {
	lines, err := sieve(calendar)
	if err != nil {
		return nil, err
	}
	c, err := ics.ParseCalendarWithOptions(bytes.NewReader(lines), ics.WithUnknownPropertyHandler(ics.AcceptUnknownPropertyHandler))
	if err != nil {
		return nil, err
	}
	z, err := newZones(c, local)
	if err != nil {
		return nil, err
	}
	var out []event
	for _, series := range groups(c.Events(), name) {
		events, err := series.read(z)
		if err != nil {
			return nil, err
		}
		out = append(out, events...)
	}
	return out, nil
}

// group is a recurring event with the instances that were changed one by one: what has one UID.
type group struct {
	masters, changed []*ics.VEvent
	name             string
	sequence         int // of the masters
}

// groups returns the series that have an event of that name, in the calendar's order.
func groups(events []*ics.VEvent, name string) []*group {
	var all []*group
	byUID := map[string]*group{}
	named := map[*group]bool{}
	for _, e := range events {
		uid := text(&e.ComponentBase, ics.ComponentPropertyUniqueId)
		g := byUID[uid]
		if g == nil || uid == "" {
			g = &group{name: name}
			byUID[uid] = g
			all = append(all, g)
		}
		g.add(e)
		named[g] = named[g] || matches(e, name)
	}
	out := all[:0]
	for _, g := range all {
		if named[g] {
			out = append(out, g)
		}
	}
	return out
}

// add takes an event up, unless a newer revision of it is there (RFC 5545 section 3.8.7.4).
func (g *group) add(e *ics.VEvent) {
	if e.HasProperty(ics.ComponentPropertyRecurrenceId) {
		g.changed = append(g.changed, e)
		return
	}
	n, _ := strconv.Atoi(text(&e.ComponentBase, ics.ComponentPropertySequence)) // none: 0
	switch {
	case len(g.masters) == 0 || n > g.sequence:
		g.masters, g.sequence = []*ics.VEvent{e}, n
	case n == g.sequence:
		g.masters = append(g.masters, e)
	}
}

func matches(e *ics.VEvent, name string) bool {
	summary := text(&e.ComponentBase, ics.ComponentPropertySummary)
	return strings.Contains(strings.ToLower(summary), strings.ToLower(name))
}

func cancelled(e *ics.VEvent) bool {
	return strings.EqualFold(text(&e.ComponentBase, ics.ComponentPropertyStatus), "CANCELLED")
}

// read returns the series' events that are on.
func (g *group) read(z *zones) ([]event, error) {
	var out []event
	replaced := exceptions{}
	for _, v := range g.changed {
		p := v.GetProperty(ics.ComponentPropertyRecurrenceId)
		if param(p, "RANGE") != "" {
			return nil, fmt.Errorf("%s: RECURRENCE-ID with RANGE is not understood: end the series there and begin another", label(v))
		}
		if err := replaced.add(p, z); err != nil {
			return nil, fmt.Errorf("%s: RECURRENCE-ID: %w", label(v), err)
		}
		if cancelled(v) || !matches(v, g.name) {
			continue
		}
		e, err := readEvent(v, z)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", label(v), err)
		}
		out = append(out, e)
	}
	for _, v := range g.masters {
		if cancelled(v) || !matches(v, g.name) {
			continue
		}
		e, err := readEvent(v, z)
		if err == nil {
			err = e.recur(v, z)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", label(v), err)
		}
		e.replaced = replaced
		out = append(out, e)
	}
	return out, nil
}

// label names an event in errors.
func label(e *ics.VEvent) string {
	if s := text(&e.ComponentBase, ics.ComponentPropertySummary); s != "" {
		return fmt.Sprintf("event %.60q", s)
	}
	return fmt.Sprintf("event with UID %.60q", text(&e.ComponentBase, ics.ComponentPropertyUniqueId))
}

// readEvent reads when an event is, its recurrence aside.
func readEvent(v *ics.VEvent, z *zones) (event, error) {
	e := event{name: label(v)}
	p := v.GetProperty(ics.ComponentPropertyDtStart)
	if p == nil {
		return e, errors.New("no DTSTART")
	}
	var err error
	if e.start, err = parseMoment(p.Value, p, z); err != nil {
		return e, fmt.Errorf("DTSTART: %w", err)
	}
	if p := v.GetProperty(ics.ComponentPropertyDtEnd); p != nil {
		end, err := parseMoment(p.Value, p, z)
		if err != nil {
			return e, fmt.Errorf("DTEND: %w", err)
		}
		e.length, err = e.start.to(end)
		return e, err
	}
	if p := v.GetProperty(ics.ComponentPropertyDuration); p != nil {
		e.length, err = parseDuration(p.Value)
		return e, err
	}
	if e.start.date {
		e.length.days = 1 // RFC 5545 section 3.6.1
	}
	return e, nil
}
