package capture

import (
	"strconv"
	"strings"
	"time"

	"spotter/capture/container"
	"spotter/capture/playlist"
	"spotter/capture/scte35"
	"spotter/timeline"
)

const (
	// earlyBreak is how long before its time a beginning or end may be announced.
	earlyBreak = timeline.Position(3600_000)
	nameLength = 64 // bytes
	// interstitialClass marks what a client plays in the place of the stream (Apple's HLS interstitials): the stream's own
	// pictures go on.
	interstitialClass = "com.apple.hls.interstitial"
)

// marks are what stands at one segment.
type marks struct {
	span   timeline.Span
	cues   []playlist.Cue
	ranges []playlist.DateRange
	inband []container.Cue
	// at places a PTS of the segment's clock, and wall a program date-time; either may be nil.
	at   func(pts int64) timeline.Position
	wall func(time.Time) (timeline.Position, bool)
}

// signKind is what a sign does.
type signKind int

const (
	signEnd signKind = iota + 1 // stands first: at one position ends come before beginnings
	signStart
	signGoesOn
	signCancel
)

// sign is one thing that a stream says of one break, in whatever dialect.
type sign struct {
	Kind  signKind          `json:"kind"`
	At    timeline.Position `json:"at"`
	Names []string          `json:"names,omitempty"`
	Rank  scte35.Rank       `json:"rank,omitempty"`
	Plan  timeline.Position `json:"plan,omitempty"` // length; 0 where not said
	Own   bool              `json:"own,omitempty"`  // its first name is its own for ever, and an end is of that name alone
}

// signs reads all dialects. What lies beyond belief is left out.
func (m *marks) signs() []sign {
	var out []sign
	for i := range m.cues {
		out = append(out, m.cue(&m.cues[i])...)
	}
	for _, c := range m.inband {
		if m.at == nil {
			break
		}
		if s, err := scte35.Parse(c.Section); err == nil {
			out = append(out, events(s, m.place(c, s))...)
		}
	}
	for i := range m.ranges {
		out = append(out, m.dateRange(&m.ranges[i])...)
	}
	believed := out[:0]
	for _, s := range out {
		if s.At < m.span.Until+earlyBreak && s.At >= m.span.From-longestBreak {
			believed = append(believed, s)
		}
	}
	return believed
}

// place returns where a section of the transport stream takes effect.
func (m *marks) place(c container.Cue, s scte35.Splice) timeline.Position {
	if s.Timed {
		return m.at(s.PTS)
	}
	return m.at(c.PTS)
}

// events returns what a section tells, at the position where it takes effect.
func events(s scte35.Splice, at timeline.Position) []sign {
	var out []sign
	for _, e := range s.Events {
		one := sign{Kind: signStart, At: at, Names: []string{eventName(e.ID)}, Rank: e.Rank, Plan: timeline.FromDuration(e.Duration)}
		switch e.Kind {
		case scte35.In:
			one.Kind, one.Plan = signEnd, 0
		case scte35.Cancel:
			one.Kind = signCancel
		}
		out = append(out, one)
	}
	return out
}

// cue reads a playlist's tag, which stands where it takes effect.
func (m *marks) cue(c *playlist.Cue) []sign {
	splice, err := scte35.Parse(c.Splice)
	told := events(splice, m.span.From)
	if c.Kind == 0 && err == nil {
		return told // the section alone says what it is
	}
	s := sign{At: m.span.From, Names: named(c.ID), Plan: max(0, timeline.FromDuration(c.Duration))}
	switch c.Kind {
	case playlist.CueOut:
		s.Kind = signStart
	case playlist.CueContinue:
		s.Kind = signGoesOn
		s.At -= max(0, timeline.FromDuration(c.Elapsed))
	case playlist.CueIn:
		s.Kind = signEnd
	default:
		return nil
	}
	for _, e := range told {
		if e.Kind != s.Kind && (e.Kind != signStart || s.Kind != signGoesOn) {
			continue
		}
		s.Names = append(s.Names, e.Names...)
		if s.Kind == signStart && s.Rank == scte35.RankNone {
			s.Rank = e.Rank
		}
		if s.Plan == 0 {
			s.Plan = e.Plan
		}
	}
	return []sign{s}
}

// dateRange reads an EXT-X-DATERANGE (rfc8216bis section 4.4.5.1), which every reload lists again.
func (m *marks) dateRange(r *playlist.DateRange) []sign {
	if m.wall == nil || r.Class == interstitialClass || r.Out == nil && r.In == nil && r.Command == nil {
		return nil
	}
	start, ok := m.wall(r.Start)
	if !ok {
		return nil
	}
	names := named(r.ID)
	if len(names) == 0 {
		return nil
	}
	s := sign{Kind: signStart, At: start, Names: names, Own: true, Plan: max(0, timeline.FromDuration(r.Planned))}
	section := r.Out
	switch {
	case r.Out == nil && r.Command != nil:
		section = r.Command
	case r.Out == nil: // an end that has a range to itself
		s.Kind, s.Plan, s.Own = signEnd, 0, false
		section = r.In
	}
	if splice, err := scte35.Parse(section); err == nil {
		i := indexKind(splice.Events, s.Kind)
		if r.Out == nil && r.Command != nil && i < 0 {
			s.Kind, s.Plan, s.Own = signEnd, 0, false
			i = indexKind(splice.Events, s.Kind)
		}
		if i < 0 {
			return nil // it tells of something else
		}
		e := splice.Events[i]
		s.Names, s.Rank = append(s.Names, eventName(e.ID)), e.Rank
		if s.Kind == signStart && s.Plan == 0 {
			s.Plan = timeline.FromDuration(e.Duration)
		}
	} else if r.Out == nil && r.Command != nil {
		return nil
	}
	if s.Kind == signEnd {
		return []sign{s}
	}
	if until, ok := m.rangeEnd(r, start); ok {
		if until == start {
			return nil
		}
		s.Plan = until - start
		return []sign{s, {Kind: signEnd, At: until, Names: s.Names, Own: true}}
	}
	return []sign{s}
}

// rangeEnd returns where a range ends, where it says so.
func (m *marks) rangeEnd(r *playlist.DateRange, start timeline.Position) (p timeline.Position, ok bool) {
	switch {
	case !r.End.IsZero():
		p, ok = m.wall(r.End)
	case r.Duration >= 0:
		p, ok = start+timeline.FromDuration(r.Duration), true
	case r.In != nil && m.at != nil:
		if splice, err := scte35.Parse(r.In); err == nil && splice.Timed {
			p, ok = m.at(splice.PTS), true
		}
	case r.EndOnNext:
		var next time.Time
		for i := range m.ranges {
			o := &m.ranges[i]
			if o.Class == r.Class && o.Start.After(r.Start) && (next.IsZero() || o.Start.Before(next)) {
				next = o.Start
			}
		}
		if !next.IsZero() {
			p, ok = m.wall(next)
		}
	}
	return p, ok && p >= start && p-start <= longestBreak
}

// indexKind returns the outermost event that such a sign stands for, or -1.
func indexKind(list []scte35.Event, k signKind) int {
	want := scte35.Out
	if k == signEnd {
		want = scte35.In
	}
	found := -1
	for i, e := range list {
		if e.Kind == want && (found < 0 || level(e.Rank) < level(list[found].Rank)) {
			found = i
		}
	}
	return found
}

// eventName writes an SCTE 35 event id as playlists do.
func eventName(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// named returns the names that are there, short enough to be kept.
func named(names ...string) []string {
	var out []string
	for _, n := range names {
		if len(n) > nameLength {
			n = n[:nameLength]
		}
		if n = strings.ToValidUTF8(n, ""); n != "" {
			out = append(out, n)
		}
	}
	return out
}
