package capture

import (
	"net/url"
	"time"

	"spotter/capture/playlist"
)

// cursor is a place in a stream of segments: before a part of a segment, at part 0 before all of it.
type cursor struct {
	sequence uint64
	part     int
}

// piece is what is fetched at a time: a media segment, or of a low-latency stream a part of one.
type piece struct {
	at      cursor
	follows cursor // what was read up to here is continued by it
	behind  cursor // the place behind it
	partial bool   // it is a part

	source, family string // digests of the playlist, and of what led to it
	url            *url.URL
	bytes          playlist.Range
	duration       time.Duration
	length         time.Duration // of a whole segment, about
	wall           time.Time
	key            *playlist.Key
	init           *playlist.Map
	number         uint64 // discontinuity sequence number
	broken         bool   // a discontinuity lies between it and what it follows
	gap            bool   // EXT-X-GAP
	live           bool   // the playlist may still grow
	cues           []playlist.Cue
	ranges         []playlist.DateRange // those of its playlist
	before         *playlist.Segment    // the whole segment before it, where its playlist has that
}

// whole returns the piece that is all of a segment.
func whole(s *playlist.Segment) piece {
	return piece{
		at: cursor{sequence: s.Sequence}, behind: cursor{sequence: s.Sequence + 1},
		url: s.URL, bytes: s.Bytes, duration: s.Duration, wall: s.Wall, key: s.Key, init: s.Map,
		number: s.Discontinuity, gap: s.Gap, cues: s.Cues,
	}
}

// parts returns the pieces that are the parts of a segment from the one of index from on. The segment tells what holds
// for all of them.
func parts(s *playlist.Segment, list []playlist.Part, from int, complete bool) (out []piece) {
	wall := s.Wall
	for i, p := range list {
		part := whole(s)
		part.partial, part.url, part.bytes, part.duration, part.wall = true, p.URL, p.Bytes, p.Duration, wall
		part.gap = s.Gap || p.Gap
		part.at.part = i
		if part.behind = (cursor{s.Sequence, i + 1}); complete && i == len(list)-1 {
			part.behind = cursor{sequence: s.Sequence + 1}
		}
		if i > 0 {
			part.cues = nil
		}
		if !wall.IsZero() {
			wall = wall.Add(p.Duration)
		}
		if i >= from {
			out = append(out, part)
		}
	}
	return out
}

// pieces returns what a playlist offers from a place on, in order, and the place behind it. Whole segments come as
// such, those that are not complete yet or were begun in parts come as parts. A segment that was begun, and whose
// parts are listed no more, comes whole: the clock leaves out what was read.
func pieces(list *playlist.Media, next cursor) (out []piece, behind cursor) {
	behind = next
	for i := range list.Segments {
		s := &list.Segments[i]
		switch {
		case s.Sequence < next.sequence:
			continue
		case s.Sequence == next.sequence && next.part > 0 && len(s.Parts) >= next.part:
			out = append(out, parts(s, s.Parts, next.part, true)...)
		default:
			out = append(out, whole(s))
		}
		behind = cursor{sequence: s.Sequence + 1}
	}
	if len(list.Parts) > 0 && list.Next.Sequence >= next.sequence {
		from := 0
		if list.Next.Sequence == next.sequence {
			from = next.part
		}
		if rest := parts(&list.Next, list.Parts, from, false); len(rest) > 0 {
			out = append(out, rest...)
			behind = rest[len(rest)-1].behind
		}
	}
	for i := range out {
		out[i].follows = next
		out[i].before = segmentBefore(list, out[i].at.sequence)
		next = out[i].behind
	}
	return out, behind
}

// segmentBefore returns the whole segment of a playlist before the one of a sequence number, or nil.
func segmentBefore(list *playlist.Media, sequence uint64) *playlist.Segment {
	if len(list.Segments) == 0 {
		return nil
	}
	first := list.Segments[0].Sequence
	if i := sequence - 1 - first; sequence > first && i < uint64(len(list.Segments)) {
		return &list.Segments[i]
	}
	return nil
}

// typical returns how long a segment of a playlist is, about.
func typical(list *playlist.Media) time.Duration {
	if n := len(list.Segments); n > 0 {
		return list.Duration() / time.Duration(n)
	}
	return list.Target
}
