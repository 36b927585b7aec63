package capture

import (
	"bytes"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafov/m3u8"
)

// This file alone knows the playlist library. What the library leaves out is read by custom decoders below.

// Tags that are read here and not by the library.
const (
	targetTag    = "#EXT-X-TARGETDURATION:"
	byteRangeTag = "#EXT-X-BYTERANGE:"
	gapTag       = "#EXT-X-GAP"
)

// variant is one EXT-X-STREAM-INF of a multivariant playlist.
type variant struct {
	url           *url.URL
	bandwidth     int
	width, height int
	codecs        string
}

// mediaPlaylist is one load of a media playlist.
type mediaPlaylist struct {
	target   time.Duration
	sequence uint64
	vod      bool // EXT-X-PLAYLIST-TYPE:VOD
	event    bool // EXT-X-PLAYLIST-TYPE:EVENT: segments stay
	ended    bool // EXT-X-ENDLIST
	segments []reference
}

// reference is one segment as its playlist names it.
type reference struct {
	sequence      uint64
	discontinuity uint64 // discontinuity sequence number
	url           *url.URL
	bytes         byteRange
	duration      time.Duration
	wall          time.Time // EXT-X-PROGRAM-DATE-TIME, given or carried on; zero if none
	key           *keyReference
	init          *initReference
	gap           bool
}

// byteRange is a sub-range of a resource; length 0 means all of it.
type byteRange struct{ offset, length int64 }

// keyReference is an EXT-X-KEY of METHOD=AES-128, or a method that is refused.
type keyReference struct {
	method string
	url    *url.URL
	iv     string // hexadecimal as written, or empty: the media sequence number
}

// initReference is an EXT-X-MAP.
type initReference struct {
	url   *url.URL
	bytes byteRange
}

// last returns the sequence number of the newest segment.
func (p *mediaPlaylist) last() uint64 { return p.sequence + uint64(len(p.segments)) - 1 }

// slides reports whether segments leave the playlist, so that a slow reader loses them.
func (p *mediaPlaylist) slides() bool { return !p.ended && !p.vod && !p.event }

// duration returns the sum of the segments' durations.
func (p *mediaPlaylist) duration() (d time.Duration) {
	for i := range p.segments {
		d += p.segments[i].duration
	}
	return d
}

// parsePlaylist reads a playlist whose URIs are relative to base. Exactly one of the results is not nil. Errors wrap
// ErrPlaylist.
func parsePlaylist(body []byte, base *url.URL) (*mediaPlaylist, []variant, error) {
	text, err := normalize(body)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
	}
	list, _, err := m3u8.DecodeWith(*bytes.NewBuffer(text), false, []m3u8.CustomDecoder{
		rawTag{name: targetTag},
		rawTag{name: byteRangeTag, segment: true},
		rawTag{name: gapTag, segment: true},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
	}
	switch list := list.(type) {
	case *m3u8.MediaPlaylist:
		p, err := readMedia(list, base)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
		}
		return p, nil, nil
	case *m3u8.MasterPlaylist:
		v, err := readVariants(list, base)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
		}
		return nil, v, nil
	}
	return nil, nil, fmt.Errorf("%w: unknown kind", ErrPlaylist)
}

// normalize checks the first line and drops what the library would trip over: a byte order mark, blank lines (it
// would give the tags before one to the wrong segment), URI lines that follow no tag of theirs and, of a multivariant
// playlist, all tags but those of variants (it takes some for a media playlist's, and its work on EXT-X-MEDIA grows
// with the cube of their number).
func normalize(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if !bytes.HasPrefix(body, []byte("#EXTM3U")) {
		return nil, fmt.Errorf("it does not begin with #EXTM3U")
	}
	multivariant := hasTag(body, "#EXT-X-STREAM-INF:")
	if multivariant && hasTag(body, "#EXTINF:") {
		return nil, fmt.Errorf("it names both segments and variants")
	}
	out := make([]byte, 0, len(body)+1)
	expectURI, segments := false, 0
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case bytes.HasPrefix(line, []byte("#EXTINF:")), bytes.HasPrefix(line, []byte("#EXT-X-STREAM-INF:")):
			expectURI = true
		case line[0] != '#':
			if !expectURI {
				continue
			}
			expectURI = false
			if segments++; segments > MaxSegments {
				return nil, fmt.Errorf("it names more than %d segments", MaxSegments)
			}
		case multivariant && !bytes.HasPrefix(line, []byte("#EXTM3U")):
			continue
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

func hasTag(body []byte, tag string) bool {
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(tag)) {
			return true
		}
	}
	return false
}

func readVariants(list *m3u8.MasterPlaylist, base *url.URL) ([]variant, error) {
	var out []variant
	for _, v := range list.Variants {
		if v == nil || v.Iframe || v.URI == "" {
			continue
		}
		u, err := base.Parse(v.URI)
		if err != nil {
			return nil, fmt.Errorf("variant's URI: %w", withoutURL(err))
		}
		r := variant{url: u, bandwidth: int(v.Bandwidth), codecs: v.Codecs}
		if w, h, ok := strings.Cut(strings.ToLower(v.Resolution), "x"); ok {
			r.width, _ = strconv.Atoi(w)
			r.height, _ = strconv.Atoi(h)
		}
		if out = append(out, r); len(out) > MaxVariants {
			return nil, fmt.Errorf("it names more than %d variants", MaxVariants)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("it names neither segments nor variants")
	}
	return out, nil
}

func readMedia(list *m3u8.MediaPlaylist, base *url.URL) (*mediaPlaylist, error) {
	p := &mediaPlaylist{
		sequence: list.SeqNo,
		vod:      list.MediaType == m3u8.VOD,
		event:    list.MediaType == m3u8.EVENT,
		ended:    list.Closed,
	}
	if tag, ok := list.Custom[targetTag].(rawTag); ok { // the library raises its own to the longest segment's ceiling
		target, _ := strconv.ParseFloat(strings.TrimSpace(tag.value), 64)
		p.target = seconds(target)
	}
	r := mediaReader{base: base, discontinuity: list.DiscontinuitySeq}
	for i, s := range list.Segments[:list.Count()] {
		ref, err := r.next(s)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", p.sequence+uint64(i), err)
		}
		ref.sequence = p.sequence + uint64(i)
		p.segments = append(p.segments, ref)
		p.target = max(p.target, ref.duration.Round(time.Second))
	}
	if p.target <= 0 {
		return nil, fmt.Errorf("it has no EXT-X-TARGETDURATION")
	}
	// Segments before the first EXT-X-PROGRAM-DATE-TIME of their stretch count back from it (RFC 8216 section 6.3.3).
	for i := len(p.segments) - 2; i >= 0; i-- {
		r, after := &p.segments[i], &p.segments[i+1]
		if r.wall.IsZero() && !after.wall.IsZero() && r.discontinuity == after.discontinuity {
			r.wall = after.wall.Add(-r.duration)
		}
	}
	return p, nil
}

// mediaReader carries what holds from one segment to the next.
type mediaReader struct {
	base          *url.URL
	discontinuity uint64
	wall          time.Time
	key           *keyReference
	init          *initReference
	offset        int64 // where the last byte range ended
}

func (r *mediaReader) next(s *m3u8.MediaSegment) (ref reference, err error) {
	if s.Discontinuity {
		r.discontinuity++
		r.wall = time.Time{}
	}
	if !s.ProgramDateTime.IsZero() {
		r.wall = s.ProgramDateTime
	}
	ref = reference{discontinuity: r.discontinuity, duration: seconds(s.Duration), wall: r.wall}
	if !r.wall.IsZero() {
		r.wall = r.wall.Add(ref.duration)
	}
	if ref.url, err = r.base.Parse(s.URI); err != nil {
		return ref, fmt.Errorf("URI: %w", withoutURL(err))
	}
	if tag, ok := s.Custom[byteRangeTag].(rawTag); ok {
		if ref.bytes, err = r.byteRange(tag.value); err != nil {
			return ref, err
		}
	}
	_, ref.gap = s.Custom[gapTag]
	if s.Key != nil {
		if err = r.setKey(s.Key); err != nil {
			return ref, err
		}
	}
	if s.Map != nil {
		u, err := r.base.Parse(s.Map.URI)
		if err != nil {
			return ref, fmt.Errorf("EXT-X-MAP: %w", withoutURL(err))
		}
		r.init = &initReference{url: u, bytes: byteRange{s.Map.Offset, s.Map.Limit}}
	}
	ref.key, ref.init = r.key, r.init
	return ref, nil
}

func (r *mediaReader) setKey(k *m3u8.Key) error {
	if r.key = nil; k.Method == "NONE" {
		return nil
	}
	u, err := r.base.Parse(k.URI)
	if err != nil {
		return fmt.Errorf("EXT-X-KEY: %w", withoutURL(err))
	}
	r.key = &keyReference{method: k.Method, url: u, iv: k.IV}
	return nil
}

// byteRange reads "length[@offset]"; without an offset it begins where the last range ended (RFC 8216 section
// 4.3.2.2), and the first at 0, as other players take it.
func (r *mediaReader) byteRange(s string) (byteRange, error) {
	length, offset, _ := strings.Cut(strings.TrimSpace(s), "@")
	var b byteRange
	var err error
	if b.length, err = strconv.ParseInt(length, 10, 64); err != nil || b.length <= 0 {
		return b, fmt.Errorf("EXT-X-BYTERANGE %.40q has no length", s)
	}
	b.offset = r.offset
	if offset != "" {
		if b.offset, err = strconv.ParseInt(offset, 10, 64); err != nil || b.offset < 0 {
			return b, fmt.Errorf("EXT-X-BYTERANGE %.40q has no offset", s)
		}
	}
	if b.length > math.MaxInt64-b.offset {
		return b, fmt.Errorf("EXT-X-BYTERANGE %.40q ends beyond any file", s)
	}
	r.offset = b.offset + b.length
	return b, nil
}

// seconds turns a playlist's number into a duration; what is not one is 0.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s < 0 || s > 24*3600 {
		return 0
	}
	return time.Duration(math.Round(s * float64(time.Second)))
}

// rawTag decodes a tag that the library does not know, or reads too loosely, to the text behind its name.
type rawTag struct {
	name, value string
	segment     bool
}

func (t rawTag) TagName() string  { return t.name }
func (t rawTag) SegmentTag() bool { return t.segment }
func (t rawTag) String() string   { return t.name + t.value }
func (t rawTag) Encode() *bytes.Buffer {
	return bytes.NewBufferString(t.String())
}

func (t rawTag) Decode(line string) (m3u8.CustomTag, error) {
	t.value = strings.TrimPrefix(line, t.name)
	return t, nil
}
