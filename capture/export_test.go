package capture

import (
	"context"
	"net"
	"net/url"
	"time"

	"spotter/capture/container"
	"spotter/timeline"
)

// Range is byteRange, which Getter's one method takes.
type Range = byteRange

// MakeRange returns a sub-range of a resource.
func MakeRange(offset, length int64) Range { return Range{offset, length} }

// Playlist shows tests what parsePlaylist read.
type Playlist struct {
	Target            time.Duration
	Sequence          uint64
	VOD, Event, Ended bool
	Segments          []Reference
	Variants          []Variant
}

// Reference is a reference with exported fields.
type Reference struct {
	Sequence, Discontinuity uint64
	URL                     string
	Offset, Length          int64
	Duration                time.Duration
	Wall                    time.Time
	Method, Key, IV         string
	Map                     string
	MapOffset, MapLength    int64
	Gap                     bool
}

// Variant is a variant with exported fields.
type Variant struct {
	URL                      string
	Bandwidth, Width, Height int
	Codecs                   string
}

// ParsePlaylist is parsePlaylist.
func ParsePlaylist(body []byte, base string) (*Playlist, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	list, variants, err := parsePlaylist(body, u)
	if err != nil {
		return nil, err
	}
	var out Playlist
	for _, v := range variants {
		out.Variants = append(out.Variants, Variant{v.url.String(), v.bandwidth, v.width, v.height, v.codecs})
	}
	if list == nil {
		return &out, nil
	}
	out.Target, out.Sequence, out.VOD, out.Event, out.Ended = list.target, list.sequence, list.vod, list.event, list.ended
	for _, r := range list.segments {
		s := Reference{
			Sequence: r.sequence, Discontinuity: r.discontinuity, URL: r.url.String(), Offset: r.bytes.offset,
			Length: r.bytes.length, Duration: r.duration, Wall: r.wall, Gap: r.gap,
		}
		if r.key != nil {
			s.Method, s.Key, s.IV = r.key.method, r.key.url.String(), r.key.iv
		}
		if r.init != nil {
			s.Map, s.MapOffset, s.MapLength = r.init.url.String(), r.init.bytes.offset, r.init.bytes.length
		}
		out.Segments = append(out.Segments, s)
	}
	return &out, nil
}

// Choose is choose.
func Choose(list []Variant) []Variant {
	in := make([]variant, len(list))
	for i, v := range list {
		in[i] = variant{url: &url.URL{Path: v.URL}, bandwidth: v.Bandwidth, width: v.Width, height: v.Height, codecs: v.Codecs}
	}
	var out []Variant
	for _, v := range choose(in) {
		out = append(out, Variant{v.url.Path, v.bandwidth, v.width, v.height, v.codecs})
	}
	return out
}

// Place is Clock.place.
func (c *Clock) Place(r Reference, first, end int64) (timeline.Span, bool, func(int64) timeline.Position, error) {
	return c.place(&reference{sequence: r.Sequence, discontinuity: r.Discontinuity, duration: r.Duration, wall: r.Wall}, first, end)
}

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

// NewHTTPOver returns NewHTTP's getter on another network.
func NewHTTPOver(dial func(ctx context.Context, network, address string) (net.Conn, error)) *HTTP {
	h := NewHTTP("spotter-test")
	transport := h.client.Transport.(agent).Transport
	transport.DialContext = dial
	transport.Proxy = nil
	return h
}
