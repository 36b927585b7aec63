package capture

import (
	"math"
	"time"

	"spotter/capture/playlist"
)

const (
	// regular is how many loads in a row must bring exactly one segment before a load is put off. Where the stream breaks
	// with its schedule that is doubled, up to wary, unless it had kept to it for forgiven loads.
	regular  = 3
	wary     = 96
	forgiven = 256
	// hopeless is how many loads are put off in a row until that is given up.
	hopeless = 16
)

// phase learns when the origin of a live playlist publishes, and puts loads right behind that. RFC 8216 section 6.3.4
// says how early a load may be, not how late: a client that loads each target duration keeps for good the distance to
// the publisher's clock at which it happened to begin. A load that is put off once, to behind the next segment's
// publication, brings two segments and has all that follow come in time.
//
// The model is that a segment is published at an offset plus its end in media time, by the playlist's durations. Each
// load bounds the offset: what it brings was published before its answer, and not yet at the start of the load before.
// The zero value has seen nothing. It is used by one goroutine at a time.
type phase struct {
	zero   time.Time // start of the first load; all times count from it
	target time.Duration
	length time.Duration // of a segment, the playlist's mean

	began  time.Duration // start of the newest load
	end    uint64        // number behind the newest segment
	media  time.Duration // its end in media time
	number uint64        // its discontinuity sequence number
	fresh  int           // how many segments the newest load brought
	slow   bool          // the newest load took long
	marked bool          // and brought a discontinuity, a mark of an ad break, or a segment of another length

	// Of the offset: late is the earliest that a load met the segment at, early the latest that one missed it at. With a
	// punctual publisher early is less; with jitter it may be the greater.
	early, late time.Duration
	bounded     bool
	margin      time.Duration // kept behind early
	steady      int           // loads in a row that fit
	needed      int           // steady loads until a load is put off
	locked      bool          // the next load is as close behind a publication as it is worth
	hunted      int           // loads put off since that was so
	sure        bool          // the last of them was to bring two segments
}

// observe notes a load, from its start until its answer.
func (p *phase) observe(list *playlist.Media, began, answered time.Time) {
	if !p.continues(list, began) {
		p.begin(list, began)
		return
	}
	fresh := list.Segments[p.end-list.Sequence:]
	before := p.began
	p.began, p.length, p.fresh = began.Sub(p.zero), typical(list), len(fresh)
	p.slow, p.marked = answered.Sub(began) > p.target/8, false
	if len(fresh) == 0 && p.known() || len(fresh) < 2 && p.sure { // later than it ever was
		p.margin = min(2*p.margin, p.target/4)
		p.distrust()
	}
	p.sure = false
	if len(fresh) == 0 {
		return
	}
	missed := before - p.media - fresh[0].Duration
	for i := range fresh {
		p.take(&fresh[i])
	}
	p.end = end(list)
	p.bound(missed, answered.Sub(p.zero)-p.media)
	p.count()
}

// take adds a segment that the newest load brought.
func (p *phase) take(s *playlist.Segment) {
	p.media += s.Duration
	uneven := (s.Duration - p.length).Abs() > p.length/8
	if uneven || s.Discontinuity != p.number || len(s.Cues) > 0 {
		p.marked = true
	}
	p.number = s.Discontinuity
}

// continues reports whether a playlist, loaded at began, goes on with what was seen, without a pause.
func (p *phase) continues(list *playlist.Media, began time.Time) bool {
	return !p.zero.IsZero() && list.Target == p.target && list.Sequence <= p.end && end(list) >= p.end &&
		began.Sub(p.zero)-p.began < p.target*5/2
}

// begin forgets the schedule, and goes on from a load.
func (p *phase) begin(list *playlist.Media, began time.Time) {
	p.distrust()
	*p = phase{zero: began, target: list.Target, end: end(list), needed: max(p.needed, regular), margin: list.Target / 64}
	if n := len(list.Segments); n > 0 {
		p.number = list.Segments[n-1].Discontinuity
	}
}

// bound narrows the offset by a load that met a segment at late when one at early had missed it. What was known before
// fades, so that clocks may drift and a publisher may change: by 1/4096 of the target duration each load. Where the two
// contradict each other by more than jitter, what was known is wrong.
func (p *phase) bound(early, late time.Duration) {
	fade := p.target / 4096
	e, l := max(early, p.early-fade), min(late, p.late+fade)
	switch {
	case !p.bounded:
	case e-l > p.target/3:
		p.distrust()
	default:
		early, late = e, l
	}
	p.early, p.late, p.bounded = early, late, true
	p.margin = max(p.margin-p.margin/512, p.target/64)
}

// count notes whether the newest load fits a schedule.
func (p *phase) count() {
	if p.marked || p.fresh > 1 && !p.known() {
		p.steady = 0
	} else {
		p.steady++
	}
}

// distrust has a stream that broke with its schedule show one anew, for longer.
func (p *phase) distrust() {
	switch {
	case p.steady >= forgiven:
		p.needed = regular
	case p.known():
		p.needed = min(2*p.needed, wary)
	}
	p.steady = 0
}

// known reports whether the stream has shown a schedule.
func (p *phase) known() bool { return p.needed > 0 && p.steady >= p.needed }

// aim returns the offset that a load is meant for: halfway between its bounds while these are wide, else the least that
// has proved late enough.
func (p *phase) aim() time.Duration {
	at := p.late
	if p.wide() {
		at -= (p.late - p.early) / 2
	}
	return max(at, p.early+p.margin)
}

// wide reports whether the offset's bounds are too far apart.
func (p *phase) wide() bool { return p.late-p.early > p.target/16 }

// wait returns how long after the start of the newest load the next one is due; least is what the RFC asks for. The
// result is neither less than that nor, where it is more, above two target durations.
func (p *phase) wait(least time.Duration) time.Duration {
	if p.hunted == hopeless {
		p.distrust()
		p.hunted = 0
	}
	if p.fresh == 0 || p.slow || p.marked || 4*p.length < 3*p.target || !p.known() && p.hunted == 0 {
		return least
	}
	late := least - (p.aim() + p.media + p.length - p.began)
	for late > p.length {
		late -= p.length
	}
	if p.locked = late <= p.tolerance(); p.locked {
		p.hunted = 0
		return min(max(least, least-late), 2*p.target)
	}
	p.hunted++
	p.sure = !p.wide()
	return min(least+p.length-late, 2*p.target)
}

// tolerance returns how far behind a publication a load may be until one is put off.
//
// Where segments are shorter by s than the target duration T, the earliest loads fall behind by s each time, and one that
// is put off brings a segment a segment's length late. With one in K segments so late, the mean is least at K = √(2T/s):
// the others are then up to (K-2)s = √(2Ts) - 2s late, and the next would be s more; half of that is allowed for rounding.
func (p *phase) tolerance() time.Duration {
	least := p.target / 20
	if p.locked {
		least = p.target / 8 // each correction makes one segment late
	}
	short := float64(max(0, p.target-p.length))
	return max(least, time.Duration(math.Sqrt(2*float64(p.target)*short)-1.5*short))
}
