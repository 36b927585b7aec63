package origin

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// windowStart returns the index of the first segment of a playlist that ends after n of them.
func (o *Origin) windowStart(n int) int {
	if o.style.Window == 0 {
		return 0
	}
	return max(0, n-o.style.Window)
}

// media writes the playlist as it was when n segments were published.
func (o *Origin) media(n int) []byte {
	n = max(0, min(n, len(o.list)))
	start := o.windowStart(n)
	gone, shown := o.list[:start], o.list[start:n]
	var b bytes.Buffer
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n", o.target())
	if o.style.Type != "" {
		fmt.Fprintf(&b, "#EXT-X-PLAYLIST-TYPE:%s\n", o.style.Type)
	}
	if len(shown) > 0 {
		fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n", shown[0].sequence)
	}
	discontinuities := 0
	for _, p := range gone {
		if p.Discontinuity {
			discontinuities++
		}
	}
	if discontinuities > 0 {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", discontinuities)
	}
	key := ""
	for i, p := range shown {
		key = o.writeKey(&b, p.sequence, key)
		if i == 0 && o.clip.Init != nil {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", o.uri(InitPath))
		}
		o.writeSegment(&b, p, i == 0)
	}
	if o.ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.Bytes()
}

func (o *Origin) writeSegment(b *bytes.Buffer, p published, first bool) {
	if p.Discontinuity {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	if !p.wall.IsZero() {
		fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", p.wall.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	if p.Gap {
		b.WriteString("#EXT-X-GAP\n")
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
	fmt.Fprintf(b, "#EXTINF:%.6f,\n%s\n", p.Duration.Seconds(), o.uri(path))
}

// writeKey writes the segment's EXT-X-KEY where it differs from the one before.
func (o *Origin) writeKey(b *bytes.Buffer, sequence uint64, before string) string {
	tag := ""
	if k := o.key(sequence); k != nil {
		tag = fmt.Sprintf("#EXT-X-KEY:METHOD=AES-128,URI=%q", o.uri(KeyPath(k.Name)))
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

func (o *Origin) multivariant() []byte {
	b := bytes.NewBufferString("#EXTM3U\n")
	for _, attributes := range o.style.Variants {
		fmt.Fprintf(b, "#EXT-X-STREAM-INF:%s\n%s\n", attributes, o.uri(Media))
	}
	return b.Bytes()
}

// target is the target duration in seconds: no segment of the clip is longer when rounded (RFC 8216 section 4.3.3.1).
func (o *Origin) target() int {
	longest := time.Second
	for _, s := range o.clip.Segments {
		longest = max(longest, s.Duration)
	}
	return int(math.Round(longest.Seconds()))
}

func (o *Origin) uri(path string) string {
	if o.style.Query != "" {
		return path + "?" + o.style.Query
	}
	return path
}
