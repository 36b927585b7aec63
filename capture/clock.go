package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"spotter/capture/container"
	"spotter/timeline"
)

const (
	ticksPerSecond = 90_000
	ticksPerMilli  = ticksPerSecond / 1000
	// ptsSlack is how far a segment's PTS may lie behind where the playlist puts it before it counts as a break of the
	// stream's clock that nobody announced, and ptsOverlap how far it may reach back into the segment before it.
	ptsSlack   = 10 * ticksPerSecond
	ptsOverlap = ticksPerSecond
	// maxHeld is how far a program date-time may go back until it is no longer believed. Up to there, what it puts
	// before the newest position is left out.
	maxHeld = time.Minute
	// believedAfter is how many pieces in a row must have a program date-time that is further ahead than time went by.
	believedAfter = 3
	// touching is how far apart two segments may lie that continue each other: packagers round.
	touching timeline.Position = 100
)

// Zero says where position 0 lies.
type Zero struct {
	kind    string
	instant time.Time
	shift   time.Duration
}

// The zeros that are not an instant.
var (
	ZeroFirst = Zero{kind: "first"} // the first picture of the first segment that this box saw
	ZeroPTS   = Zero{kind: "pts"}   // the stream's own PTS
)

// ParseZero reads "first", "pts" or an RFC 3339 instant.
func ParseZero(s string) (Zero, error) {
	switch s {
	case "", ZeroFirst.kind:
		return ZeroFirst, nil
	case ZeroPTS.kind:
		return ZeroPTS, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return Zero{}, fmt.Errorf("zero %q is none of first, pts and an RFC 3339 time such as 2026-11-23T14:00:00Z", s)
	}
	return Zero{kind: "at", instant: t.UTC()}, nil
}

// Shifted returns z for a stream whose PTS were put later by d when it was packaged.
func (z Zero) Shifted(d time.Duration) Zero { z.shift = d; return z }

func (z Zero) String() string {
	if z.kind == "at" {
		return z.instant.Format(time.RFC3339Nano)
	}
	return z.kind
}

// Clock maps the PTS of one media's segments to positions. Positions never go back: not at the PTS wrap, at a
// discontinuity, when the origin starts anew, when another one takes over, or when its program date-time does. Its
// state can be stored, so that a restart moves nothing. It is used by one goroutine at a time.
type Clock struct {
	zero Zero
	anchor
}

// anchor is the stored state of a clock.
type anchor struct {
	Zero          string            `json:"zero"`
	Origin        int64             `json:"origin"` // unwrapped PTS of position 0, in ticks
	PTS           int64             `json:"pts"`    // unwrapped PTS of the newest segment's end
	End           timeline.Position `json:"end"`    // of the newest picture
	Next          uint64            `json:"next"`   // media sequence number to be read next
	Part          int               `json:"part,omitempty"`
	Discontinuity uint64            `json:"discontinuity"`
	Wall          time.Time         `json:"wall"`             // program date-time of End, if known
	Seen          time.Time         `json:"seen,omitzero"`    // when the newest segment came
	Source        string            `json:"source,omitempty"` // digest of the playlist that Next and Discontinuity are of
	Family        string            `json:"family,omitempty"` // digest of the multivariant playlist whose variants share PTS
	Breaks        breaks            `json:"breaks,omitzero"`
	Announced     announcer         `json:"announced,omitzero"`
	Doubted       int               `json:"doubted,omitempty"` // pieces in a row whose program date-time is further ahead than can be
	Started       bool              `json:"started"`
}

// errSeen is returned for a piece whose pictures were all seen.
var errSeen = errors.New("already seen")

// NewClock returns a clock that goes on from state, or begins anew where state is empty. The error wraps ErrClock where state was
// made for another zero.
func NewClock(zero Zero, state []byte) (*Clock, error) {
	c := &Clock{zero: zero}
	if len(state) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(state, &c.anchor); err != nil {
		return nil, fmt.Errorf("read stored clock: %w", err)
	}
	if c.Zero != zero.String() {
		return nil, fmt.Errorf("%w: its stored positions count from zero %s, the configuration says %s: set it back, or give the event a new media id", ErrClock, c.Zero, zero)
	}
	return c, nil
}

// State returns what NewClock needs to go on.
func (c *Clock) State() []byte {
	c.Zero = c.zero.String()
	b, err := json.Marshal(c.anchor)
	if err != nil {
		panic(err) // plain fields always encode
	}
	return b
}

func (c *Clock) next() cursor { return cursor{c.Next, c.Part} }

// before returns the state from which the piece p, just placed with its first picture at PTS start and position from,
// is read again.
func (c *Clock) before(p *piece, start int64, from timeline.Position) []byte {
	b := *c
	b.PTS, b.End, b.Next, b.Part, b.Wall = start, from, p.at.sequence, p.at.part, p.wall
	return b.State()
}

// PositionAt returns the position at wall-clock time t; ok is false while the stream has told no wall clock.
func (c *Clock) PositionAt(t time.Time) (p timeline.Position, ok bool) {
	if c.zero.kind == "at" {
		return timeline.FromDuration(t.Sub(c.zero.instant)), true
	}
	if c.Wall.IsZero() {
		return 0, false
	}
	return c.End + timeline.FromDuration(t.Sub(c.Wall)), true
}

// Timestamps returns the PTS of position 0 in the newest stretch, unwrapped, in ticks of 90 kHz, and the number of that
// stretch's discontinuity sequence; ok is false before the first segment.
func (c *Clock) Timestamps() (zero int64, discontinuity uint64, ok bool) {
	return c.Origin, c.Discontinuity, c.Started
}

// placed is where a piece lies on the clock.
type placed struct {
	timeline.Span
	jump  bool                              // it does not continue the piece before
	at    func(pts int64) timeline.Position // from its PTS to positions
	start int64                             // unwrapped PTS of its first new picture
}

// place puts a piece that arrived at now, with pictures from PTS first until PTS end, in ticks, on the clock. Pictures
// that were seen before lie before the span. The error is errSeen where all were, or wraps ErrClock.
func (c *Clock) place(p *piece, now time.Time, first, end int64) (placed, error) {
	if c.zero.kind == "at" && p.wall.IsZero() && !c.continues(p, first) {
		return placed{}, fmt.Errorf("%w: zero is a time of day, but the playlist has no EXT-X-PROGRAM-DATE-TIME: have the packager write it, or set zero: first", ErrClock)
	}
	was, origin := c.anchor, c.Origin
	length := end - first
	start := was.PTS + container.Unwrap(first-was.PTS)
	out := placed{jump: !was.Started}
	switch {
	case !was.Started:
		start = first
		origin = first
		if c.zero.kind == "pts" {
			origin = c.zero.shift.Milliseconds() * ticksPerMilli
		}
	case c.breaks(p, start):
		out.jump = true
		origin = start - int64(was.End+c.hole(p, now))*ticksPerMilli
	}
	anchored := origin
	origin, err := c.told(p, now, start, origin)
	if err != nil {
		c.pass(p, anchored, start+length)
		return placed{}, err
	}
	out.Span = timeline.Span{From: toPosition(start - origin), Until: toPosition(start + length - origin)}
	out.start = start
	if was.Started {
		if out.Until <= was.End {
			c.pass(p, origin, start+length)
			return placed{}, errSeen
		}
		if out.From < was.End {
			out.From = was.End
			out.start = origin + int64(was.End)*ticksPerMilli
		}
		out.jump = out.jump || out.From > was.End+touching
	}
	from := out.From
	out.at = func(pts int64) timeline.Position {
		at := toPosition(start + container.Unwrap(pts-first) - origin)
		if at < from && at >= from-touching { // packagers round
			return from
		}
		return at
	}
	c.Origin, c.PTS, c.End, c.Seen = origin, start+length, out.Until, now
	c.Wall = time.Time{}
	if !p.wall.IsZero() {
		c.Wall = p.wall.Add(time.Duration(length) * time.Second / ticksPerSecond)
	}
	c.Started = true
	c.advance(p)
	return out, nil
}

// advance notes that p was read.
func (c *Clock) advance(p *piece) {
	c.Next, c.Part, c.Discontinuity, c.Source, c.Family = p.behind.sequence, p.behind.part, p.number, p.source, p.family
}

// pass goes over a piece until PTS end that shows nothing new. What follows it counts by the same origin.
func (c *Clock) pass(p *piece, origin, end int64) {
	c.Origin, c.PTS = origin, end
	c.advance(p)
}

// told returns the origin by the program date-time where that is what positions count by.
func (c *Clock) told(p *piece, now time.Time, start, origin int64) (int64, error) {
	if c.zero.kind != "at" || p.wall.IsZero() {
		return origin, nil
	}
	said := start - int64(timeline.FromDuration(p.wall.Sub(c.zero.instant)))*ticksPerMilli
	if !c.Started {
		return said, nil
	}
	back := c.End - toPosition(start-said)
	if p.live && !c.Seen.IsZero() && -back > timeline.FromDuration(max(0, now.Sub(c.Seen))+startBehind*p.length+maxHeld) {
		if c.Doubted++; c.Doubted < believedAfter {
			return origin, nil
		}
	}
	c.Doubted = 0
	switch {
	case back <= timeline.FromDuration(p.duration)+touching, p.source != c.Source && back <= timeline.FromDuration(maxHeld):
		return said, nil
	case p.source != c.Source:
		return origin, nil
	case back <= timeline.FromDuration(maxHeld):
		return 0, fmt.Errorf("%w: EXT-X-PROGRAM-DATE-TIME went back: what it says was seen before is left out until %v", ErrClock, c.End)
	}
	return origin, nil
}

// ahead returns how much of p lies behind the newest picture, by what its playlist says.
func (c *Clock) ahead(p *piece) timeline.Position {
	d := timeline.FromDuration(p.duration)
	switch {
	case p.source != "" && p.source != c.Source, p.at.sequence < c.Next:
		return 0
	case p.at.sequence == c.Next && p.at.part < c.Part:
		if p.partial || c.Wall.IsZero() || p.wall.IsZero() {
			return 0
		}
		return max(0, timeline.FromDuration(p.wall.Add(p.duration).Sub(c.Wall)))
	}
	return d
}

// continues reports whether a piece with pictures from PTS first on needs no new anchor.
func (c *Clock) continues(p *piece, first int64) bool {
	return c.Started && !c.breaks(p, c.PTS+container.Unwrap(first-c.PTS))
}

// breaks reports whether a piece that begins at the unwrapped PTS start begins a new stretch of the stream's clock.
func (c *Clock) breaks(p *piece, start int64) bool {
	late := start - c.PTS
	if c.Source != "" && p.source != c.Source {
		return c.breaksAcross(p, late)
	}
	if p.broken || p.at.sequence < c.Next {
		return true
	}
	overlap := int64(ptsOverlap)
	if p.at.sequence == c.Next && p.at.part < c.Part { // it was begun in parts
		overlap += ticks(p.length)
	}
	missed := c.missed(p) // an estimate
	return late < -overlap || late > missed+missed/2+ptsSlack
}

// breaksAcross is breaks for a piece of another playlist, whose numbers mean nothing here. Variants of one multivariant
// playlist have the same PTS for the same picture (RFC 8216 section 6.2.4); of others the program date-time tells.
func (c *Clock) breaksAcross(p *piece, late int64) bool {
	const (
		few  = 4 // segments
		away = 10 * 60 * ticksPerSecond
	)
	early := late < -few*ticks(p.length)-ptsOverlap
	switch {
	case p.family == c.Family && !early && late <= few*ticks(p.length)+ptsSlack:
		return false
	case c.Wall.IsZero() || p.wall.IsZero():
		return early || late > away
	}
	d := late - ticks(p.wall.Sub(c.Wall))
	return max(d, -d) > ptsOverlap
}

// missed returns how long the segments between the newest one and p last, in ticks.
func (c *Clock) missed(p *piece) int64 {
	const sane = 100_000 // segments; more is a new numbering, not a hole
	if p.follows == c.next() || p.at.sequence < c.Next || p.at.sequence-c.Next > sane {
		return 0
	}
	return int64(p.at.sequence-c.Next) * ticks(p.length)
}

// hole returns how much of the event lies between the newest picture and p across a break: by the wall clock where
// both tell it, else by what the playlist skipped. Of a live stream it cannot be more than went by since, and a little. It
// is negative where another playlist begins before what was seen.
func (c *Clock) hole(p *piece, now time.Time) timeline.Position {
	limit, skipped := 24*time.Hour, 24*time.Hour
	if p.live && !c.Seen.IsZero() {
		skipped = min(skipped, max(0, now.Sub(c.Seen))+startBehind*p.length)
		limit = min(limit, skipped+maxHeld)
	}
	least := time.Duration(0)
	if c.Source != "" && p.source != c.Source {
		least = -limit
	}
	if !c.Wall.IsZero() && !p.wall.IsZero() {
		if d := p.wall.Sub(c.Wall); d >= least && d <= limit {
			return timeline.FromDuration(d)
		}
	}
	if c.Source != "" && p.source != c.Source {
		return 0
	}
	return toPosition(min(c.missed(p), ticks(skipped)))
}

func ticks(d time.Duration) int64 { return d.Milliseconds() * ticksPerMilli }

// toPosition rounds ticks to milliseconds.
func toPosition(ticks int64) timeline.Position {
	if ticks < 0 {
		return -toPosition(-ticks)
	}
	return timeline.Position((ticks + ticksPerMilli/2) / ticksPerMilli)
}
