package playlist

import (
	"fmt"
	"time"
)

// Merge completes a delta update with the playlist loaded before it, which must be complete itself (rfc8216bis section
// 6.3.7). Where that one does not hold all that is skipped, the error wraps ErrFormat, m is as it was, and the whole
// playlist must be loaded. before is not changed; the two share what they point to.
func (m *Media) Merge(before *Media) error {
	if m.Skipped == 0 {
		return nil
	}
	from := m.Sequence - before.Sequence
	until := from + uint64(m.Skipped)
	if before.Skipped > 0 || m.Sequence < before.Sequence || until > uint64(len(before.Segments)) {
		return fmt.Errorf("%w: it skips segments %d to %d, and the one before does not hold them all",
			ErrFormat, m.Sequence, m.Sequence+uint64(m.Skipped)-1)
	}
	skipped := before.Segments[from:until]
	last := &skipped[len(skipped)-1]
	if skipped[0].Discontinuity < m.Discontinuity {
		return fmt.Errorf("%w: it counts discontinuities otherwise than the one before", ErrFormat)
	}
	if len(skipped)+len(m.Segments) > MaxSegments {
		return fmt.Errorf("%w: it names more than %d segments", ErrFormat, MaxSegments)
	}
	if err := m.mergeRanges(before.Ranges); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	m.inherit(last)
	m.Segments = append(append(make([]Segment, 0, len(skipped)+len(m.Segments)), skipped...), m.Segments...)
	for i := range skipped {
		m.Target = max(m.Target, skipped[i].Duration.Round(time.Second))
	}
	m.Skipped, m.RemovedRanges, m.Inherited = 0, nil, Inherited{}
	m.finish()
	return nil
}

// inherit gives the listed segments what the last skipped one hands down.
func (m *Media) inherit(last *Segment) {
	list := make([]*Segment, 0, len(m.Segments)+1)
	for i := range m.Segments {
		list = append(list, &m.Segments[i])
	}
	if !m.Ended {
		list = append(list, &m.Next)
	}
	in := m.Inherited
	end := last.Bytes.Offset + last.Bytes.Length
	for i, s := range list {
		s.Discontinuity += last.Discontinuity - m.Discontinuity
		if i < in.Keys {
			s.Key = last.Key
		}
		if i < in.Maps {
			s.Map = last.Map
		}
		if i < in.Offsets && *s.URL == *last.URL {
			s.Bytes.Offset, end = end, end+s.Bytes.Length
		}
	}
	for _, section := range in.MapKeys {
		section.Key = last.Key
	}
}
