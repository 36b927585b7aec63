package playlist

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/grafov/m3u8"
)

// This file alone knows the playlist library. The library finds the URI lines and reads the plain tags; what it does
// not know, reads too loosely or reads in superlinear time comes to a custom decoder, in the playlist's order.

// source is a playlist as the library and the custom decoder leave it.
type source struct {
	multivariant               bool
	sequence, discontinuity    uint64
	vod, event, ended, iframes bool
	uris                       []uriLine
	tags                       []tag
}

// uriLine is a line that names a segment or a variant.
type uriLine struct {
	uri      string
	duration float64 // seconds; negative where EXTINF has no number
}

// tag is a tag that is read in this package.
type tag struct {
	before      int // index of the URI line behind it
	name, value string
}

// mark begins the tags that the custom decoder takes. To the library such a line is a comment.
const mark = "#+"

// ours reports whether a tag is read in this package; the library would know only some of them, and those not fully.
func ours(name string, multivariant bool) bool {
	switch name {
	case "EXT-X-DEFINE", "EXT-X-START":
		return true
	case "EXT-X-I-FRAME-STREAM-INF", "EXT-X-CONTENT-STEERING", "EXT-X-SESSION-KEY":
		return multivariant
	case "EXT-X-TARGETDURATION", "EXT-X-BYTERANGE", "EXT-X-KEY", "EXT-X-MAP", "EXT-X-DISCONTINUITY", "EXT-X-GAP",
		"EXT-X-PROGRAM-DATE-TIME", "EXT-X-DATERANGE", "EXT-X-PART-INF", "EXT-X-PART", "EXT-X-PRELOAD-HINT",
		"EXT-X-SERVER-CONTROL", "EXT-X-SKIP":
		return !multivariant
	}
	return !multivariant && isCue(name)
}

// libraries reports whether the library reads a tag of a media playlist.
func libraries(name string) bool {
	switch name {
	case "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-PLAYLIST-TYPE", "EXT-X-ENDLIST", "EXT-X-I-FRAMES-ONLY":
		return true
	}
	return false
}

// decode splits a playlist into its URI lines and its tags.
func decode(body []byte) (*source, error) {
	body, err := begin(body)
	if err != nil {
		return nil, err
	}
	variants, segments := kinds(body)
	if variants && segments {
		return nil, errors.New("it names both segments and variants")
	}
	text, uris, err := prepare(body, variants)
	if err != nil {
		return nil, err
	}
	if variants {
		return decodeMultivariant(text)
	}
	return decodeMedia(text, uris)
}

// begin drops what stands before #EXTM3U: a byte order mark, blank lines and comments.
func begin(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return nil, errors.New("it is empty")
	case body[0] == '<':
		return nil, errors.New("it is a page of HTML or XML")
	}
	for rest := body; len(rest) > 0 && rest[0] == '#'; {
		if bytes.HasPrefix(rest, []byte("#EXTM3U")) {
			return rest, nil
		}
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
		rest = bytes.TrimLeft(rest, " \t\r\n")
	}
	return nil, errors.New("it does not begin with #EXTM3U")
}

// kinds reports of which kinds the tags before URI lines are.
func kinds(body []byte) (variants, segments bool) {
	for line := range bytes.Lines(body) {
		switch name, _ := cutTag(bytes.TrimSpace(line)); string(name) {
		case "EXT-X-STREAM-INF":
			variants = true
		case "EXTINF":
			segments = true
		}
	}
	return variants, segments
}

// cutTag splits a line into a tag's name and value; what is no tag has no name.
func cutTag(line []byte) (name, value []byte) {
	if !bytes.HasPrefix(line, []byte("#EXT")) {
		return nil, nil
	}
	name, value, _ = bytes.Cut(line[1:], []byte(":"))
	return bytes.TrimSpace(name), bytes.TrimSpace(value)
}

// prepare writes for the library what it reads well: URI lines with the tag that makes them one, plain tags cut to what
// they may hold, and the tags of this package behind the mark. All else is left out. A URI line without EXTINF is a
// segment all the same: left out, it would shift the media sequence numbers of those behind it.
func prepare(body []byte, multivariant bool) (text []byte, uris int, err error) {
	most, what := MaxSegments, "segments"
	if multivariant {
		most, what = MaxVariants, "variants"
	}
	out := make([]byte, 0, len(body)+len(body)/4+64)
	announced := false
	var inf []byte // value of the EXTINF or EXT-X-STREAM-INF that waits for its URI line
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		name, value := cutTag(line)
		switch {
		case len(line) == 0:
		case line[0] != '#':
			if multivariant && !announced {
				continue
			}
			if uris++; uris > most {
				return nil, 0, fmt.Errorf("it names more than %d %s", most, what)
			}
			if multivariant {
				out = join(out, mark+"EXT-X-STREAM-INF:", inf, "\n#EXT-X-STREAM-INF:\n", line)
			} else {
				out = join(out, "#EXTINF:", digits(inf), ",\n", line)
			}
			announced, inf = false, nil
		case string(name) == "EXTINF", string(name) == "EXT-X-STREAM-INF":
			announced, inf = true, value
		case ours(string(name), multivariant):
			out = join(out, mark, name, ":", value)
		case !multivariant && libraries(string(name)):
			out = join(out, "", line[:min(len(line), 100)], "", nil)
		}
	}
	return out, uris, nil
}

func join(out []byte, a string, b []byte, c string, d []byte) []byte {
	return append(append(append(append(append(out, a...), b...), c...), d...), '\n')
}

// digits returns the decimal number that a value begins with, or -1.
func digits(value []byte) []byte {
	if n := decimal(string(value[:min(len(value), 64)])); n > 0 {
		return value[:n]
	}
	return []byte("-1")
}

func decodeMedia(text []byte, segments int) (*source, error) {
	list, err := m3u8.NewMediaPlaylist(0, uint(segments)+1)
	if err != nil {
		return nil, err
	}
	c := &collector{count: func() int { return int(list.Count()) }}
	list.WithCustomDecoders([]m3u8.CustomDecoder{c})
	if err := list.Decode(*bytes.NewBuffer(text), false); err != nil {
		return nil, err
	}
	s := &source{
		sequence: list.SeqNo, discontinuity: list.DiscontinuitySeq, tags: c.tags,
		vod: list.MediaType == m3u8.VOD, event: list.MediaType == m3u8.EVENT, ended: list.Closed, iframes: list.Iframe,
		uris: make([]uriLine, list.Count()),
	}
	for i, segment := range list.Segments[:list.Count()] {
		s.uris[i] = uriLine{segment.URI, segment.Duration}
	}
	return s, nil
}

func decodeMultivariant(text []byte) (*source, error) {
	list := m3u8.NewMasterPlaylist()
	c := &collector{count: func() int { return len(list.Variants) }}
	list.WithCustomDecoders([]m3u8.CustomDecoder{c})
	if err := list.Decode(*bytes.NewBuffer(text), false); err != nil {
		return nil, err
	}
	s := &source{multivariant: true, tags: c.tags, uris: make([]uriLine, len(list.Variants))}
	for i, v := range list.Variants {
		s.uris[i].uri = v.URI
	}
	return s, nil
}

// collector is the library's custom decoder for every marked line.
type collector struct {
	count func() int // URI lines so far
	tags  []tag
}

// TagName implements m3u8.CustomDecoder.
func (*collector) TagName() string { return mark }

// SegmentTag implements m3u8.CustomDecoder. Of a segment's tags of one name the library would keep only the last.
func (*collector) SegmentTag() bool { return false }

// Decode implements m3u8.CustomDecoder.
func (c *collector) Decode(line string) (m3u8.CustomTag, error) {
	name, value, _ := strings.Cut(strings.TrimPrefix(line, mark), ":")
	c.tags = append(c.tags, tag{c.count(), name, value})
	return c, nil
}

// Encode implements m3u8.CustomTag: these are read only.
func (*collector) Encode() *bytes.Buffer { return nil }

func (*collector) String() string { return "" }
