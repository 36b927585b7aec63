package origin

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
)

// media writes the playlist as it was when n segments were complete; with all of them, the parts of the one that has
// begun come too. With delta set it leaves out what a client has that loaded the last one (EXT-X-SKIP).
func (o *Origin) media(s *stream, n int, delta bool) []byte {
	n = max(0, min(n, len(s.list)))
	now := n == len(s.list)
	start := s.windowStart(n)
	gone, shown := s.list[:start], s.list[start:n]
	var b bytes.Buffer
	o.writeHead(&b, s)
	if len(shown) > 0 {
		fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n", shown[0].sequence)
	} else if now && s.pending != nil {
		fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n", s.pending.sequence)
	}
	if d := s.goneBreaks + breaks(gone); d > 0 && !o.style.HideDiscontinuities {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", d)
	}
	for _, tag := range o.tags {
		b.WriteString(tag + "\n")
	}
	if now && s.pending != nil {
		shown = append(shown[:len(shown):len(shown)], s.pending)
	}
	o.writeSegments(&b, s, shown, now, delta)
	if now && !o.ended {
		o.writeHints(&b, s)
	}
	if o.ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.Bytes()
}

func (o *Origin) writeHead(b *bytes.Buffer, s *stream) {
	version := 6
	if o.style.Part > 0 || o.style.Delta {
		version = 9 // for EXT-X-SKIP (rfc8216bis section 8)
	}
	fmt.Fprintf(b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n", version, s.target())
	var control []string
	if o.style.Part > 0 {
		control = append(control, "CAN-BLOCK-RELOAD=YES", fmt.Sprintf("PART-HOLD-BACK=%.3f", 3*s.partTarget().Seconds()))
	}
	if o.style.Part > 0 || o.style.Delta {
		control = append(control, fmt.Sprintf("CAN-SKIP-UNTIL=%.1f", s.skipUntil().Seconds()))
	}
	if control != nil {
		fmt.Fprintf(b, "#EXT-X-SERVER-CONTROL:%s\n", strings.Join(control, ","))
	}
	if o.style.Part > 0 {
		fmt.Fprintf(b, "#EXT-X-PART-INF:PART-TARGET=%.5f\n", s.partTarget().Seconds())
	}
	if o.style.Type != "" {
		fmt.Fprintf(b, "#EXT-X-PLAYLIST-TYPE:%s\n", o.style.Type)
	}
}

// writeSegments writes segments, the last of which may be pending. Of now's the parts near the live edge come too.
func (o *Origin) writeSegments(b *bytes.Buffer, s *stream, shown []*published, now, delta bool) {
	behind := time.Duration(0) // from the end of the playlist to the end of a segment
	for _, p := range shown {
		behind += p.Duration
	}
	skip := 0
	if delta {
		for left := behind; skip < len(shown)-1 && left-shown[skip].Duration > s.skipUntil(); skip++ {
			left -= shown[skip].Duration
		}
	}
	if skip > 0 {
		fmt.Fprintf(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skip)
	}
	key, nowhere := "", new(bytes.Buffer)
	for i, p := range shown {
		behind -= p.Duration
		to := b
		if i < skip {
			nowhere.Reset()
			to = nowhere
		}
		key = s.writeKey(to, p.sequence, key)
		if i == 0 && s.clip.Init != nil {
			fmt.Fprintf(to, "#EXT-X-MAP:URI=%q\n", s.uri(InitPath))
		}
		// Parts leave three target durations from the live edge (rfc8216bis section 6.2.2).
		o.writeSegment(to, s, p, i == 0, now && behind < 3*time.Duration(s.target())*time.Second)
	}
}

func (o *Origin) writeSegment(b *bytes.Buffer, s *stream, p *published, first, withParts bool) {
	for _, tag := range p.marks {
		b.WriteString(tag + "\n")
	}
	if p.Discontinuity && !o.style.HideDiscontinuities {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	if at := s.clock(p); !at.IsZero() {
		fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	if p.Gap {
		b.WriteString("#EXT-X-GAP\n")
	}
	if withParts {
		o.writeParts(b, s, p)
	}
	if p == s.pending {
		return
	}
	path := SegmentPath(p.sequence)
	if o.style.ByteRanges {
		path = wholePath
		fmt.Fprintf(b, "#EXT-X-BYTERANGE:%d", len(p.Body))
		if first {
			fmt.Fprintf(b, "@%d", p.offset)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "#EXTINF:%.6f,\n%s\n", p.Duration.Seconds(), s.uri(path))
}

// writeKey writes the segment's EXT-X-KEY where it differs from the one before.
func (s *stream) writeKey(b *bytes.Buffer, sequence uint64, before string) string {
	tag := ""
	if k := s.key(sequence); k != nil {
		tag = fmt.Sprintf("#EXT-X-KEY:METHOD=AES-128,URI=%q", s.uri(KeyPath(k.Name)))
		if k.IV != "" {
			tag += ",IV=" + k.IV
		}
	} else if before != "" {
		tag = "#EXT-X-KEY:METHOD=NONE"
	}
	if tag != "" && tag != before {
		b.WriteString(tag + "\n")
	}
	return tag
}

// target is the target duration in seconds: no segment of the clip is longer when rounded (RFC 8216 section 4.3.3.1).
func (s *stream) target() int {
	if s.style.Target > 0 {
		return s.style.Target
	}
	longest := time.Second
	for _, one := range s.clip.Segments {
		longest = max(longest, one.Duration)
	}
	return int(math.Round(longest.Seconds()))
}

// partTarget is the duration of the longest part (rfc8216bis section 4.4.3.7).
func (s *stream) partTarget() (longest time.Duration) {
	for _, list := range s.parts {
		for _, p := range list {
			longest = max(longest, p.duration)
		}
	}
	return longest
}

// skipUntil is the skip boundary: at least six target durations (rfc8216bis section 4.4.3.8).
func (s *stream) skipUntil() time.Duration { return 6 * time.Duration(s.target()) * time.Second }

func (s *stream) uri(path string) string {
	path = s.prefix + path
	if s.style.Query != "" {
		return path + "?" + s.style.Query
	}
	return path
}
