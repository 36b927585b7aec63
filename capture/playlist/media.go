package playlist

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"
)

// maxSegment is what a segment lasts at most; a longer EXTINF is no duration.
const maxSegment = 24 * time.Hour

// readMedia reads the tags of rfc8216bis sections 4.4.3 to 4.4.5.
func readMedia(s *source, base *url.URL, imported map[string]string) (*Media, error) {
	m := &Media{
		Sequence: s.sequence, Discontinuity: s.discontinuity,
		VOD: s.vod, Event: s.event, Ended: s.ended, IFramesOnly: s.iframes,
	}
	if m.Sequence > math.MaxInt64 || m.Discontinuity > math.MaxInt64 {
		return nil, errors.New("its sequence numbers are beyond 2^63")
	}
	if len(s.uris) > 0 {
		m.Segments = make([]Segment, 0, len(s.uris))
	}
	r := mediaReader{scope: newScope(base, imported), out: m, discontinuity: m.Discontinuity, rangeOf: map[string]int{}}
	if err := s.walk("segment", m.Sequence, r.tag, r.line); err != nil {
		return nil, err
	}
	next := r.take()
	m.Parts = next.Parts
	if !m.Ended {
		m.Next = next
	}
	if m.Target <= 0 {
		return nil, errors.New("it has neither variants nor an EXT-X-TARGETDURATION")
	}
	m.finish()
	return m, nil
}

// mediaReader carries what holds from one line to the next.
type mediaReader struct {
	scope
	out           *Media
	discontinuity uint64
	target        time.Duration // as written
	keys          keyring
	header        *Map
	keyed, mapped bool // a tag has said so; in a delta update the skipped ones may have
	ends          ends // of segments
	partEnds      ends
	parts         int            // of the whole playlist
	rangeOf       map[string]int // index of a date range by its ID

	next      Segment // what the tags since the last URI line say of the next
	byteRange string
	cues      cues
}

func (r *mediaReader) tag(t tag) (err error) {
	m := r.out
	switch t.name {
	case "EXT-X-DEFINE":
		err = r.define(t.value)
	case "EXT-X-START":
		m.Start, err = r.start(t.value)
	case "EXT-X-TARGETDURATION":
		if d, ok := seconds(t.value); ok && d <= maxSegment {
			r.target = d
			m.Target = max(m.Target, d, time.Second) // packagers round segments of less than half a second to 0
		}
	case "EXT-X-DISCONTINUITY":
		r.discontinuity++
	case "EXT-X-PROGRAM-DATE-TIME":
		if t, ok := date(t.value); ok {
			r.next.Wall = t
		}
	case "EXT-X-BYTERANGE":
		r.byteRange = t.value
	case "EXT-X-GAP":
		r.next.Gap = true
	case "EXT-X-KEY":
		err = r.setKey(t.value)
	case "EXT-X-MAP":
		err = r.setMap(t.value)
	case "EXT-X-DATERANGE":
		err = r.dateRange(t.value)
	case "EXT-X-PART":
		err = r.part(t.value)
	case "EXT-X-PART-INF", "EXT-X-PRELOAD-HINT", "EXT-X-SERVER-CONTROL", "EXT-X-SKIP":
		err = r.lowLatency(t)
	default:
		r.cues.tag(t.name, t.value)
	}
	return err
}

func (r *mediaReader) setKey(value string) error {
	k, err := r.key(value)
	if err != nil {
		return err
	}
	r.keyed = true
	return r.keys.set(k)
}

func (r *mediaReader) setMap(value string) (err error) {
	if r.header, err = r.initialization(value); err != nil {
		return err
	}
	r.mapped = true
	if r.header.Key = r.keys.choice(); !r.keyed && r.out.Skipped > 0 {
		r.out.Inherited.MapKeys = append(r.out.Inherited.MapKeys, r.header)
	}
	return nil
}

// line reads the URI line of a segment.
func (r *mediaReader) line(l uriLine) (err error) {
	s, m := r.take(), r.out
	if s.URL, err = r.scope.line(l.uri); err != nil {
		return err
	}
	s.Duration = r.target // where EXTINF has no number
	if d := nanoseconds(l.duration); l.duration >= 0 && l.duration <= maxSegment.Seconds() && (r.target <= 0 || d <= 10*max(r.target, time.Second)) {
		s.Duration = d
		m.Target = max(m.Target, d.Round(time.Second))
	}
	if r.byteRange != "" {
		placed := false
		if s.Bytes, placed, err = r.ends.place(r.byteRange, l.uri); err != nil {
			return fmt.Errorf("EXT-X-BYTERANGE: %w", err)
		}
		if in := &m.Inherited; m.Skipped > 0 && !placed && in.Offsets == len(m.Segments) {
			in.Offsets++
		}
		r.byteRange = ""
	}
	m.Segments = append(m.Segments, s)
	return nil
}

// take returns what is known of the next segment, and begins the one after it.
func (r *mediaReader) take() Segment {
	s, m := r.next, r.out
	r.next = Segment{}
	s.Sequence = m.Sequence + uint64(m.Skipped) + uint64(len(m.Segments))
	s.Discontinuity, s.Key, s.Map, s.Cues = r.discontinuity, r.keys.choice(), r.header, r.cues.take()
	if m.Skipped > 0 {
		if !r.keyed {
			m.Inherited.Keys = len(m.Segments) + 1
		}
		if !r.mapped {
			m.Inherited.Maps = len(m.Segments) + 1
		}
	}
	return s
}

// finish carries what reaches across segments.
func (m *Media) finish() {
	m.walls()
	if m.Skipped == 0 {
		m.dropUndated()
	}
}

// walls counts the program date-times of segments that have none of their own, forth and then back from a neighbour of
// the same stretch between discontinuities (section 6.3.3).
func (m *Media) walls() {
	count := func(s, from *Segment, d time.Duration) {
		if s.Wall.IsZero() && !from.Wall.IsZero() && s.Discontinuity == from.Discontinuity {
			s.Wall = from.Wall.Add(d)
		}
	}
	n := len(m.Segments)
	for i := 1; i < n; i++ {
		count(&m.Segments[i], &m.Segments[i-1], m.Segments[i-1].Duration)
	}
	if n > 0 && !m.Ended {
		count(&m.Next, &m.Segments[n-1], m.Segments[n-1].Duration)
		count(&m.Segments[n-1], &m.Next, -m.Segments[n-1].Duration)
	}
	for i := n - 2; i >= 0; i-- {
		count(&m.Segments[i], &m.Segments[i+1], -m.Segments[i].Duration)
	}
}
