package playlist

import (
	"fmt"
	"slices"
	"time"
)

// dateRange reads an EXT-X-DATERANGE (rfc8216bis section 4.4.5.1). One without an ID is passed over.
func (r *mediaReader) dateRange(value string) error {
	a, err := r.attributes(value)
	if err != nil {
		return err
	}
	d := DateRange{
		ID: a.get("ID"), Class: a.get("CLASS"), Duration: -1, Planned: -1, EndOnNext: a.yes("END-ON-NEXT"),
		Command: hexadecimal(a.get("SCTE35-CMD")), Out: hexadecimal(a.get("SCTE35-OUT")), In: hexadecimal(a.get("SCTE35-IN")),
	}
	if d.ID == "" {
		return nil
	}
	d.Start, _ = date(a.get("START-DATE"))
	d.End, _ = date(a.get("END-DATE"))
	if n, ok := seconds(a.get("DURATION")); ok {
		d.Duration = n
	}
	if n, ok := seconds(a.get("PLANNED-DURATION")); ok {
		d.Planned = n
	}
	m := r.out
	if i, ok := r.rangeOf[d.ID]; ok {
		m.Ranges[i].update(d)
		return nil
	}
	if len(m.Ranges) == MaxRanges {
		return fmt.Errorf("there are more than %d", MaxRanges)
	}
	r.rangeOf[d.ID] = len(m.Ranges)
	m.Ranges = append(m.Ranges, d)
	return nil
}

// update adds what a later tag of the same ID says.
func (d *DateRange) update(later DateRange) {
	if later.Class != "" {
		d.Class = later.Class
	}
	for _, f := range []struct{ to, from *time.Time }{{&d.Start, &later.Start}, {&d.End, &later.End}} {
		if !f.from.IsZero() {
			*f.to = *f.from
		}
	}
	for _, f := range []struct{ to, from *time.Duration }{{&d.Duration, &later.Duration}, {&d.Planned, &later.Planned}} {
		if *f.from >= 0 {
			*f.to = *f.from
		}
	}
	for _, f := range []struct{ to, from *[]byte }{{&d.Command, &later.Command}, {&d.Out, &later.Out}, {&d.In, &later.In}} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	d.EndOnNext = d.EndOnNext || later.EndOnNext
}

// dropUndated leaves out date ranges whose start no tag says.
func (m *Media) dropUndated() {
	m.Ranges = slices.DeleteFunc(m.Ranges, func(d DateRange) bool { return d.Start.IsZero() })
}

// mergeRanges puts the date ranges that a delta update left out before those that it lists. It left out none unless it
// names those that are gone.
func (m *Media) mergeRanges(before []DateRange) error {
	if m.RemovedRanges == nil {
		return nil
	}
	gone := make(map[string]bool, len(m.RemovedRanges))
	for _, id := range m.RemovedRanges {
		gone[id] = true
	}
	at := map[string]int{}
	var out []DateRange
	for _, d := range append(slices.Clip(before), m.Ranges...) {
		i, ok := at[d.ID]
		switch {
		case ok:
			out[i].update(d)
		case !gone[d.ID]:
			at[d.ID] = len(out)
			out = append(out, d)
		}
	}
	if len(out) > MaxRanges {
		return fmt.Errorf("there are more than %d EXT-X-DATERANGE", MaxRanges)
	}
	m.Ranges = out
	return nil
}
