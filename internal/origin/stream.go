package origin

import "time"

// stream is what is published below one prefix. Origin's lock guards it.
type stream struct {
	prefix string
	style  Style
	clip   Clip
	units  [][]unit // of the clip's segments
	parts  [][]part
	counts map[uint16]int
	length time.Duration // of the clip
	first  uint64        // number of the first segment

	list       []*published // complete ones that are still to be had
	goneBreaks int          // discontinuities of those that are not
	goneKeys   int          // and their I-frames
	pending    *published   // of which out parts are out
	out        int
	offset     int // of the next segment in the one resource of ByteRanges

	next   int // segment of the clip
	loops  int // how often the clip was played
	wall   time.Time
	broken bool // the next segment starts after a discontinuity
	marks  []string
}

// published is a segment in its place.
type published struct {
	Segment
	sequence uint64
	wall     time.Time
	offset   int // in the one resource of ByteRanges
	loops    int // with Style.Continuous: how often its clip was played before; -1: not of the clip
	marks    []string
	units    []unit
	parts    []part
}

func newStream(prefix string, clip Clip, style Style) *stream {
	s := &stream{prefix: prefix, style: style, clip: clip, length: clip.Duration(), first: style.First, wall: style.Start}
	for _, one := range clip.Segments {
		units := clip.units(one)
		s.units = append(s.units, units)
		s.parts = append(s.parts, s.cut(units))
	}
	if style.Continuous && clip.Init == nil {
		s.counts = tsCounts(clip.Segments)
	}
	return s
}

func (s *stream) cut(units []unit) []part {
	if s.style.Part == 0 {
		return nil
	}
	return parts(units, s.style.Part)
}

// begin takes the next segment of the clip, unless one has begun.
func (s *stream) begin() {
	if s.pending != nil {
		return
	}
	one := s.clip.Segments[s.next]
	s.pending = s.place(one, s.next)
	s.turn()
}

// place gives a segment its place behind the others; index is its place in the clip, or -1.
func (s *stream) place(one Segment, index int) *published {
	one.Discontinuity = one.Discontinuity || s.broken
	p := &published{Segment: one, sequence: s.edge(), wall: s.wall, offset: s.offset, loops: -1, marks: s.marks}
	if index >= 0 {
		p.units, p.parts = s.units[index], s.parts[index]
		if s.style.Continuous {
			p.loops = s.loops
		}
	} else {
		p.units = s.clip.units(one)
		p.parts = s.cut(p.units)
	}
	s.broken, s.marks = false, nil
	s.offset += len(one.Body)
	s.pass(one.Duration)
	return p
}

// turn goes on to the next segment of the clip.
func (s *stream) turn() {
	if s.next++; s.next == len(s.clip.Segments) {
		s.next, s.broken = 0, s.broken || !s.style.Continuous
		s.loops++
	}
}

// pass lets the program date-time go on.
func (s *stream) pass(d time.Duration) {
	if !s.wall.IsZero() {
		s.wall = s.wall.Add(d)
	}
}

// complete makes the segment that has begun available as a whole.
func (s *stream) complete() {
	s.list, s.pending, s.out = append(s.list, s.pending), nil, 0
	// What nothing can ask for any more goes, so that a day's stream needs no more memory than a minute's.
	keep := 3*s.style.Window + 32
	if s.style.Window == 0 || s.style.ByteRanges || len(s.list) < 2*keep {
		return
	}
	s.forget(len(s.list) - keep)
}

// forget lets the first n segments go.
func (s *stream) forget(n int) {
	s.goneBreaks += breaks(s.list[:n])
	s.goneKeys = s.keysBefore(n)
	s.list = append([]*published(nil), s.list[n:]...)
}

func (s *stream) restart(first uint64) {
	s.list, s.pending, s.out, s.goneBreaks, s.goneKeys, s.offset = nil, nil, 0, 0, 0, 0
	s.next, s.loops, s.first = 0, 0, first
}

func (s *stream) renumber(first uint64) {
	s.forget(s.windowStart(len(s.list)))
	s.first = first
	for i, p := range s.list {
		p.sequence = first + uint64(i)
	}
	if s.pending != nil {
		s.pending.sequence = first + uint64(len(s.list))
	}
}

// edge is the number of the segment that is not complete yet.
func (s *stream) edge() uint64 {
	if n := len(s.list); n > 0 {
		return s.list[n-1].sequence + 1
	}
	return s.first
}

// windowStart returns the index of the first segment of a playlist that ends after n of them.
func (s *stream) windowStart(n int) int {
	if s.style.Window == 0 {
		return 0
	}
	return max(0, n-s.style.Window)
}

// find returns a segment that can be had. What left the playlist stays for as long again, as RFC 8216 section 6.2.2 asks.
func (s *stream) find(sequence uint64) *published {
	for _, p := range s.list[s.windowStart(len(s.list)-s.style.Window):] {
		if p.sequence == sequence {
			return p
		}
	}
	return nil
}

// body is the bytes of a segment as they are served, but for encryption.
func (s *stream) body(p *published) []byte {
	if p.loops <= 0 || len(p.Body) == 0 {
		return p.Body
	}
	return s.clip.restamp(p.Body, time.Duration(p.loops)*s.length, s.counts, p.loops)
}

// clock is the program date-time that the playlist says, zero for none.
func (s *stream) clock(p *published) time.Time {
	if p.wall.IsZero() || s.style.ClockEvery > 0 && p.sequence%s.style.ClockEvery != 0 {
		return time.Time{}
	}
	return p.wall.Add(time.Duration(float64(p.wall.Sub(s.style.Start)) * s.style.Drift / 1e6))
}

func breaks(list []*published) (n int) {
	for _, p := range list {
		if p.Discontinuity {
			n++
		}
	}
	return n
}
