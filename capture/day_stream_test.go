package capture_test

import (
	"fmt"
	"maps"
	"time"

	"spotter/internal/origin"
	"spotter/timeline"
)

// This file is what TestDay does to its stream.

// ticks returns how many segments are so many hours.
func (d *day) ticks(hours float64) int { return int(hours * float64(dayHour()/dayLength)) }

// after does something so many segments' lengths later.
func (d *day) after(ticks int, do func()) { d.due[d.tick+ticks] = append(d.due[d.tick+ticks], do) }

// happen does what an event does.
func (d *day) happen(e dayEvent) {
	d.mu.Lock()
	d.newest = e.name
	d.mu.Unlock()
	e.do(d)
}

// hour lets an hour go by.
func (d *day) hour(from float64) {
	for end := d.ticks(from + 1); d.tick < end; {
		todo := d.due[d.tick]
		delete(d.due, d.tick)
		for _, do := range todo {
			do()
		}
		d.Publish(1)
		d.published()
		d.rest(1)
	}
}

// rest lets time go by.
func (d *day) rest(ticks int) {
	d.tick += ticks
	d.pass(time.Duration(ticks) * dayLength)
}

// published notes which time of the event a segment has that was just published.
func (d *day) published() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.truth[d.next] = d.event
	delete(d.truth, d.next-64)
	d.next++
	d.event += timeline.FromDuration(dayLength)
}

// seam notes that what is published next does not continue what was published last.
func (d *day) seam() {
	if !d.blinded(d.event) {
		d.seams++
	}
}

// blinded reports whether nothing can be read at a time.
func (d *day) blinded(at timeline.Position) bool { return d.blind.From <= at && at < d.blind.Until }

// hole notes that a stretch of the event is not to be had, though of its end so many segments may be.
func (d *day) hole(name string, length time.Duration, saved int) {
	d.known = append(d.known, dayHole{name, timeline.Span{From: d.event, Until: d.event + timeline.FromDuration(length)}, saved})
}

// lapse lets the event go on without a segment.
func (d *day) lapse(ticks int) {
	d.event += timeline.Position(ticks) * timeline.FromDuration(dayLength)
}

// foreign publishes segments of the other encoder.
func (d *day) foreign(n int, announced bool) {
	d.seam()
	for i := range n {
		s := d.other.Segments[i%len(d.other.Segments)]
		s.Discontinuity = i == 0 && announced
		if i >= len(d.other.Segments) {
			s = d.other.Restamp(d.other.Duration()).Segments[i%len(d.other.Segments)]
		}
		d.Append(s)
		d.published()
		d.rest(1)
	}
}

// advertise publishes an advertisement break, from the other encoder where it is spliced in.
func (d *day) advertise(spliced bool) {
	from := d.event
	until := from + timeline.Position(dayAd)*timeline.FromDuration(dayLength)
	d.told[from] = []timeline.Break{
		{Span: timeline.Span{From: from, Until: until}, Open: true}, {Span: timeline.Span{From: from, Until: until}},
	}
	d.Mark(fmt.Sprintf("#EXT-X-CUE-OUT:DURATION=%d", dayAd*int(dayLength/time.Second)))
	if spliced {
		d.foreign(dayAd, true)
		d.Break()
		d.seam()
	} else {
		for range dayAd {
			d.Publish(1)
			d.published()
			d.rest(1)
		}
	}
	d.Mark("#EXT-X-CUE-IN")
}

// gap publishes a segment that is none.
func (d *day) gap() {
	d.Append(origin.Segment{Duration: dayLength, Gap: true})
	d.Skip(1)
	d.Jump(-dayLength) // Append let it go by already
	d.published()
	d.seam()
	d.rest(1)
}

// restart has the origin start anew, after it was away for so many ticks.
func (d *day) restart(away int) {
	d.hole("restart", time.Duration(away)*dayLength, 0)
	d.rest(away)
	d.Jump(time.Duration(away) * dayLength)
	d.lapse(away)
	d.seam()
	d.Restart(0)
	d.next = 0
	clear(d.truth)
}

// renumber has the origin give other numbers to the segments that its playlist names.
func (d *day) renumber(first uint64) {
	d.Renumber(first)
	d.mu.Lock()
	defer d.mu.Unlock()
	was := maps.Clone(d.truth)
	clear(d.truth)
	for i := range uint64(daySource.Window) {
		d.truth[first+i] = was[d.next-uint64(daySource.Window)+i]
	}
	d.next = first + uint64(daySource.Window)
}

// fail lets all paths with a prefix fail until further notice.
func (d *day) fail(prefix string, act origin.Act) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.prefix, d.act = prefix, act
}
