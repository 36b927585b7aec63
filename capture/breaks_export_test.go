package capture

import (
	"encoding/json"
	"time"

	"spotter/capture/container"
	"spotter/capture/playlist"
	"spotter/timeline"
)

// Breaks is the tracker of advertisement breaks.
type Breaks struct{ breaks }

// Marks are what stands at one segment; its clock's PTS and its wall clock both begin at position 0.
type Marks struct {
	From, Until timeline.Position
	Cues        []playlist.Cue
	Ranges      []playlist.DateRange
	Inband      []container.Cue
}

// Epoch is the wall clock's time at position 0.
var Epoch = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// Add takes up one segment's marks.
func (b *Breaks) Add(m Marks) []timeline.Break {
	return b.add(marks{
		span: timeline.Span{From: m.From, Until: m.Until}, cues: m.Cues, ranges: m.Ranges, inband: m.Inband,
		at: func(pts int64) timeline.Position {
			return timeline.Position(container.Unwrap(pts) / (container.Clock / 1000))
		},
		wall: func(t time.Time) (timeline.Position, bool) { return timeline.FromDuration(t.Sub(Epoch)), true },
	})
}

// Covers reports whether p lies in a break.
func (b *Breaks) Covers(p timeline.Position) bool { return b.covers(p) }

// Restarted returns the tracker as it is read back after a restart.
func (b *Breaks) Restarted() (*Breaks, int, error) {
	text, err := json.Marshal(&b.breaks)
	if err != nil {
		return nil, 0, err
	}
	out := new(Breaks)
	return out, len(text), json.Unmarshal(text, &out.breaks)
}
