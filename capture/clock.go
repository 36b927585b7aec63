package capture

import (
	"encoding/json"
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

// Clock maps the PTS of one media's segments to positions. Positions do not go back: not at the PTS wrap, at a
// discontinuity, or when the origin starts anew. Two things alone can overlap what came before: segments whose PTS do,
// by up to a second, and with an RFC 3339 zero a program date-time that goes back, because boxes must agree on it. Its
// state can be stored, so that a restart moves nothing. It is used by one goroutine at a time.
type Clock struct {
	zero Zero
	anchor
}

// anchor is the stored state of a clock.
type anchor struct {
	Zero          string            `json:"zero"`
	Origin        int64             `json:"origin"` // unwrapped PTS of position 0, in ticks
	PTS           int64             `json:"pts"`    // unwrapped PTS of End
	End           timeline.Position `json:"end"`    // of the newest segment
	Next          uint64            `json:"next"`   // media sequence number to be read next
	Discontinuity uint64            `json:"discontinuity"`
	Wall          time.Time         `json:"wall"` // program date-time of End, if known
	Started       bool              `json:"started"`
}

// NewClock returns a clock that goes on from state, or begins anew where state is empty or was made for another zero.
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

// before returns the state from which the segment r, just placed with its first picture at PTS start and position from,
// is read again.
func (c *Clock) before(r *reference, start int64, from timeline.Position) []byte {
	b := *c
	b.PTS, b.End, b.Next, b.Wall = start, from, r.sequence, r.wall
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

// place puts a segment with pictures from PTS first until PTS end, in ticks, on the clock. It returns the segment's
// span, whether it fails to continue the one before, and the function from the segment's PTS to positions.
func (c *Clock) place(r *reference, first, end int64) (s timeline.Span, jump bool, at func(int64) timeline.Position, err error) {
	if c.zero.kind == "at" && r.wall.IsZero() && !c.continues(r, first) {
		return s, false, nil, fmt.Errorf("%w: zero is a time of day, but the playlist has no EXT-X-PROGRAM-DATE-TIME: have the packager write it, or set zero: first", ErrClock)
	}
	was := c.anchor
	length := end - first
	start := was.PTS + container.Unwrap(first-was.PTS)
	switch {
	case !was.Started:
		start, jump = first, true
		c.Origin = first
		if c.zero.kind == "pts" {
			c.Origin = c.zero.shift.Milliseconds() * ticksPerMilli
		}
	case c.breaks(r, start):
		jump = true
		c.Origin = start - int64(was.End+c.hole(r))*ticksPerMilli
	}
	if c.zero.kind == "at" && !r.wall.IsZero() {
		c.Origin = start - int64(timeline.FromDuration(r.wall.Sub(c.zero.instant)))*ticksPerMilli
	}
	origin := c.Origin
	at = func(pts int64) timeline.Position {
		return toPosition(start + container.Unwrap(pts-first) - origin)
	}
	s = timeline.Span{From: toPosition(start - origin), Until: toPosition(start + length - origin)}
	if !jump {
		const touching = 100 // milliseconds: packagers round
		jump = s.From < was.End-touching || s.From > was.End+touching
	}
	c.Started, c.Next, c.Discontinuity = true, r.sequence+1, r.discontinuity
	c.PTS, c.End, c.Wall = start+length, s.Until, time.Time{}
	if !r.wall.IsZero() {
		c.Wall = r.wall.Add(time.Duration(length) * time.Second / ticksPerSecond)
	}
	return s, jump, at, nil
}

// continues reports whether a segment with pictures from PTS first on needs no new anchor.
func (c *Clock) continues(r *reference, first int64) bool {
	return c.Started && !c.breaks(r, c.PTS+container.Unwrap(first-c.PTS))
}

// breaks reports whether a segment that begins at the unwrapped PTS start begins a new stretch of the stream's clock.
func (c *Clock) breaks(r *reference, start int64) bool {
	if r.discontinuity != c.Discontinuity || r.sequence < c.Next {
		return true
	}
	missed := c.missed(r) // an estimate
	late := start - c.PTS
	return late < -ptsOverlap || late > missed+missed/2+ptsSlack
}

// missed returns how long the segments between the newest one and r last, in ticks, taking them to be as long as r.
func (c *Clock) missed(r *reference) int64 {
	const sane = 100_000 // segments; more is a new numbering, not a hole
	if r.sequence < c.Next || r.sequence-c.Next > sane {
		return 0
	}
	return int64(r.sequence-c.Next) * r.duration.Milliseconds() * ticksPerMilli
}

// hole returns how much of the event lies between the newest segment and r across a break: by the wall clock where
// both tell it, else by what the playlist skipped.
func (c *Clock) hole(r *reference) timeline.Position {
	const sane = 24 * time.Hour
	if !c.Wall.IsZero() && !r.wall.IsZero() {
		if d := r.wall.Sub(c.Wall); d >= 0 && d < sane {
			return timeline.FromDuration(d)
		}
	}
	return toPosition(c.missed(r))
}

// toPosition rounds ticks to milliseconds.
func toPosition(ticks int64) timeline.Position {
	if ticks < 0 {
		return -toPosition(-ticks)
	}
	return timeline.Position((ticks + ticksPerMilli/2) / ticksPerMilli)
}
