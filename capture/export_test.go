package capture

import (
	"time"

	"spotter/capture/container"
	"spotter/capture/playlist"
	"spotter/timeline"
)

// Reference is what a clock wants to know of a segment.
type Reference struct {
	Sequence, Discontinuity uint64
	Duration                time.Duration
	Wall                    time.Time
	Source, Family          string
	Broken                  bool
}

// Place is Clock.place.
func (c *Clock) Place(r Reference, first, end int64) (timeline.Span, bool, func(int64) timeline.Position, error) {
	p := whole(&playlist.Segment{Sequence: r.Sequence, Discontinuity: r.Discontinuity, Duration: r.Duration, Wall: r.Wall})
	p.source, p.family, p.length = r.Source, r.Family, r.Duration
	p.broken = r.Broken || c.Started && r.Discontinuity != c.Discontinuity
	at, err := c.place(&p, time.Time{}, first, end)
	return at.Span, at.jump, at.at, err
}

// Choose is choose.
func Choose(list []playlist.Variant) []playlist.Variant { return choose(list) }

// NewSegment returns a segment as a follower hands it on.
func NewSegment(s timeline.Span, jump bool, units []container.Unit, place func(int64) timeline.Position) *Segment {
	return &Segment{Span: s, Jump: jump, Video: &container.Video{Codec: container.H264, Units: units}, place: place}
}

// Extent is extent.
func Extent(units []container.Unit, announced time.Duration) (first, end int64) {
	return extent(units, announced)
}

// Decrypt is decrypt.
func Decrypt(body, key []byte, iv string, sequence uint64) ([]byte, error) {
	return decrypt(body, key, iv, sequence)
}

// Phase is phase.
type Phase struct{ p phase }

// Observe is phase.observe.
func (x *Phase) Observe(list *playlist.Media, began, answered time.Time) {
	x.p.observe(list, began, answered)
}

// Wait is phase.wait.
func (x *Phase) Wait(least time.Duration) time.Duration { return x.p.wait(least) }
