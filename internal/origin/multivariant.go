package origin

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Steering is a content steering manifest (rfc8216bis section 7.1).
type Steering struct {
	TTL       int // seconds
	ReloadURI string
	Priority  []string // pathways, best first
	Clones    []Clone
}

// Clone is a pathway that the multivariant playlist does not have.
type Clone struct {
	BaseID string         `json:"BASE-ID"`
	ID     string         `json:"ID"`
	URI    map[string]any `json:"URI-REPLACEMENT"` // HOST, PARAMS
}

// SetSteering says what is at SteeringPath from now on.
func (o *Origin) SetSteering(s Steering) { o.each(func(*stream) { o.steering = s }) }

func (o *Origin) manifest() []byte {
	b, err := json.Marshal(struct {
		Version  int      `json:"VERSION"`
		TTL      int      `json:"TTL"`
		Reload   string   `json:"RELOAD-URI,omitempty"`
		Priority []string `json:"PATHWAY-PRIORITY"`
		Clones   []Clone  `json:"PATHWAY-CLONES,omitempty"`
	}{1, o.steering.TTL, o.steering.ReloadURI, o.steering.Priority, o.steering.Clones})
	if err != nil {
		panic(err) // the test's replacement is no JSON
	}
	return b
}

func (o *Origin) multivariant() []byte {
	b := bytes.NewBufferString("#EXTM3U\n")
	for _, tag := range o.style.MultivariantTags {
		b.WriteString(tag + "\n")
	}
	main := o.streams[0]
	if o.style.Pathway != "" {
		fmt.Fprintf(b, "#EXT-X-CONTENT-STEERING:SERVER-URI=%q,PATHWAY-ID=%q\n", main.uri(SteeringPath), o.style.Pathway)
	}
	for _, attributes := range o.style.Variants {
		fmt.Fprintf(b, "#EXT-X-STREAM-INF:%s\n%s\n", attributes, main.uri(Media))
	}
	for i, r := range o.style.Renditions {
		fmt.Fprintf(b, "#EXT-X-STREAM-INF:%s\n%s\n", r.Attributes, o.streams[1+i].uri(Media))
	}
	if o.style.IFrames {
		for _, s := range o.streams {
			fmt.Fprintf(b, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%d,URI=%q\n", s.keyRate(), s.uri(IFrames))
		}
	}
	return b.Bytes()
}

// keyframe is an I-frame of a segment.
type keyframe struct {
	unit
	lasts float64 // seconds to the next one, or to the segment's end
}

func (p *published) keyframes() []keyframe { return keyframes(p.units) }

func keyframes(units []unit) (list []keyframe) {
	for _, u := range units {
		if u.key {
			list = append(list, keyframe{unit: u})
		}
		if n := len(list); n > 0 {
			list[n-1].lasts += u.duration.Seconds()
		}
	}
	return list
}

// keyRate is the peak of the I-frames' bits a second.
func (s *stream) keyRate() int {
	peak := 1
	for _, units := range s.units {
		for _, k := range keyframes(units) {
			if k.lasts > 0 {
				peak = max(peak, int(float64(8*(k.keyEnd-k.from))/k.lasts))
			}
		}
	}
	return peak
}

// iframes writes the I-frame playlist: each keyframe as a sub-range of its segment (rfc8216bis section 4.4.3.6). Its
// numbers are not those of the segments.
func (o *Origin) iframes(s *stream) []byte {
	var b bytes.Buffer
	start := s.windowStart(len(s.list))
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n", s.target())
	if o.style.Type != "" {
		fmt.Fprintf(&b, "#EXT-X-PLAYLIST-TYPE:%s\n", o.style.Type)
	}
	fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-I-FRAMES-ONLY\n", s.keysBefore(start))
	if d := s.goneBreaks + breaks(s.list[:start]); d > 0 && !o.style.HideDiscontinuities {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", d)
	}
	for i, p := range s.list[start:] {
		if i == 0 && s.clip.Init != nil {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", s.uri(InitPath))
		}
		if p.Discontinuity && !o.style.HideDiscontinuities {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		for j, k := range p.keyframes() {
			if at := s.clock(p); !at.IsZero() && j == 0 {
				fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", at.Add(k.at-p.units[0].at).UTC().Format("2006-01-02T15:04:05.000Z"))
			}
			if p.Gap {
				b.WriteString("#EXT-X-GAP\n")
			}
			fmt.Fprintf(&b, "#EXTINF:%.6f,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", k.lasts, k.keyEnd-k.from, k.from, s.uri(SegmentPath(p.sequence)))
		}
	}
	if o.ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.Bytes()
}

// keysBefore is how many I-frames left the playlist.
func (s *stream) keysBefore(start int) (n int) {
	n = s.goneKeys
	for _, p := range s.list[:start] {
		n += len(p.keyframes())
	}
	return n
}
