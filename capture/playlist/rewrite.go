package playlist

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Use is what an address in a playlist is asked for.
type Use byte

// The uses of addresses.
const (
	UsePlaylist Use = 'p'
	UseSegment  Use = 's' // segments, their parts and initialization sections
	UseKey      Use = 'k'
)

// Refused stands in rewritten playlists where an address cannot be asked: it is none, is not of http or https, or is
// longer than MaxAddress. To leave the line out would shift the numbers of the segments behind it.
const Refused = "refused"

const (
	// MaxAddress is how many bytes an address may have to be named in a rewritten playlist.
	MaxAddress = 3000
	// maxRewritten caps a rewritten playlist in bytes: with a long base, two bytes of a line may stand for a long name.
	maxRewritten = 32 << 20
	// maxPlain caps the value of a tag without attributes.
	maxPlain = 100
)

// Namer returns what stands for an address in a rewritten playlist, without blanks, quotes and commas, or nothing where
// it cannot be named. imported are the variables that a playlist which is asked there may import.
type Namer func(use Use, address *url.URL, imported map[string]string) string

// Rewritten is a playlist whose addresses all have other names.
type Rewritten struct {
	// Final says that it does not change any more: it is a multivariant one, or has ended.
	Final bool

	text []byte
	ends []int // where each name ends
}

// Size returns the length in bytes of what Append appends.
func (p *Rewritten) Size(query string) int { return len(p.text) + len(p.ends)*len(query) }

// Append appends the playlist to b, with query behind each name.
func (p *Rewritten) Append(b []byte, query string) []byte {
	if query == "" {
		return append(b, p.text...)
	}
	from := 0
	for _, end := range p.ends {
		b = append(append(b, p.text[from:end]...), query...)
		from = end
	}
	return append(b, p.text[from:]...)
}

// Rewrite writes a playlist for players that are not to learn, and not to ask, its own addresses: name gives others in
// their place. Only tags and attributes of the standard that hold no other address are kept, so content steering, session
// data, definitions of variables (which are put in), cues, comments and attributes X-... are not. A key system's keys lose
// their address. Errors wrap ErrFormat, and quote no URI.
func Rewrite(body []byte, base *url.URL, imported map[string]string, name Namer) (*Rewritten, error) {
	body, err := begin(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	body = bytes.ReplaceAll(body, []byte("\r"), []byte("\n")) // some players end a line there too
	variants, segments := kinds(body)
	if variants && segments {
		return nil, fmt.Errorf("%w: it names both segments and variants", ErrFormat)
	}
	w := rewriter{scope: newScope(base, imported), name: name, multivariant: variants, out: &Rewritten{Final: variants}}
	for line := range bytes.Lines(body) {
		if err := w.write(clean(bytes.TrimSpace(line))); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if len(w.out.text) > maxRewritten || len(w.out.ends) > 2*MaxSegments {
			return nil, fmt.Errorf("%w: it is too long to be passed on", ErrFormat)
		}
	}
	return w.out, nil
}

// clean returns a line without what some programs take for the end of one.
func clean(line []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(line))
}

type rewriter struct {
	scope
	name         Namer
	multivariant bool
	announced    bool // a variant's address follows
	out          *Rewritten
}

func (w *rewriter) write(line string) error {
	if line == "" {
		return nil
	}
	tag, value := cutTag([]byte(line))
	switch tagName := string(tag); {
	case line[0] != '#':
		return w.writeLine(line)
	case tagName == "EXT-X-DEFINE":
		if err := w.define(string(value)); err != nil {
			return fmt.Errorf("%s: %w", tagName, err)
		}
	case tagName == "EXTINF":
		w.writePlain(tagName, string(bytes.TrimPrefix(digits(value), []byte("-")))+",") // the title is for nobody
	case isPlain(tagName):
		w.writePlain(tagName, string(value))
	case isListed(tagName):
		if err := w.writeList(tagName, string(value)); err != nil {
			return fmt.Errorf("%s: %w", tagName, err)
		}
	}
	return nil
}

// isPlain reports whether a tag is kept that has no attributes.
func isPlain(tag string) bool {
	switch tag {
	case "EXTM3U", "EXT-X-VERSION", "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE",
		"EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-DISCONTINUITY", "EXT-X-ENDLIST", "EXT-X-PLAYLIST-TYPE", "EXT-X-I-FRAMES-ONLY",
		"EXT-X-PROGRAM-DATE-TIME", "EXT-X-BYTERANGE", "EXT-X-GAP", "EXT-X-BITRATE":
		return true
	}
	return false
}

// isListed reports whether a tag is kept that has attributes.
func isListed(tag string) bool {
	switch tag {
	case "EXT-X-START", "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF", "EXT-X-SKIP", "EXT-X-STREAM-INF", "EXT-X-DATERANGE":
		return true
	}
	return useOf(tag) != 0
}

// useOf returns what a tag's attribute URI is asked for; 0 where it has none.
func useOf(tag string) Use {
	switch tag {
	case "EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-RENDITION-REPORT":
		return UsePlaylist
	case "EXT-X-MAP", "EXT-X-PART", "EXT-X-PRELOAD-HINT":
		return UseSegment
	case "EXT-X-KEY", "EXT-X-SESSION-KEY":
		return UseKey
	}
	return 0
}

// writeLine writes what stands for a line that is an address.
func (w *rewriter) writeLine(line string) error {
	use := UseSegment
	if w.multivariant {
		if use = UsePlaylist; !w.announced {
			return nil
		}
		w.announced = false
	}
	address, err := w.expand(line)
	if err != nil {
		return err
	}
	if err := w.writeName(use, address); err != nil {
		return err
	}
	w.out.text = append(w.out.text, '\n')
	return nil
}

func (w *rewriter) writePlain(tag, value string) {
	if len(value) > maxPlain || hidesAddress(value) {
		value = ""
	}
	w.out.text = append(append(w.out.text, '#'), tag...)
	if value != "" {
		w.out.text = append(append(w.out.text, ':'), value...)
	}
	w.out.text = append(w.out.text, '\n')
	w.out.Final = w.out.Final || tag == "EXT-X-ENDLIST"
}

// hidesAddress reports whether a value may tell an address, or a host.
func hidesAddress(value string) bool { return strings.Contains(value, "//") }

// writeList writes a tag with those of its attributes that are kept.
func (w *rewriter) writeList(tag, value string) error {
	list, err := w.attributes(value)
	if err != nil {
		return err
	}
	w.announced = w.announced || tag == "EXT-X-STREAM-INF"
	w.out.text = append(append(append(w.out.text, '#'), tag...), ':')
	separator := ""
	for _, a := range list {
		if !w.keeps(tag, list, a) {
			continue
		}
		w.out.text = append(append(append(w.out.text, separator...), a.name...), '=')
		separator = ","
		switch {
		case a.name == "URI":
			w.out.text = append(w.out.text, '"')
			if err := w.writeName(useOf(tag), a.value); err != nil {
				return err
			}
			w.out.text = append(w.out.text, '"')
		case isBare(a.name), a.name == "CLOSED-CAPTIONS" && a.value == "NONE":
			w.out.text = append(w.out.text, a.value...)
		default:
			w.out.text = append(append(append(w.out.text, '"'), a.value...), '"')
		}
	}
	w.out.text = append(w.out.text, '\n')
	return nil
}

// keeps reports whether an attribute of a tag is kept.
func (w *rewriter) keeps(tag string, list attributes, a attribute) bool {
	if a.name == "" || strings.Trim(a.name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || strings.HasPrefix(a.name, "X-") {
		return false
	}
	if a.name == "URI" {
		identity := list.get("KEYFORMAT") == "" || strings.EqualFold(list.get("KEYFORMAT"), "identity")
		return useOf(tag) != 0 && (useOf(tag) != UseKey || identity)
	}
	if isBare(a.name) && strings.ContainsAny(a.value, "\" \t,") {
		return false
	}
	return !strings.Contains(a.value, `"`) && !hidesAddress(a.value)
}

// isBare reports whether an attribute's value stands without quotes (rfc8216bis section 4.2): numbers and enumerations. The
// value itself was read with or without.
func isBare(name string) bool {
	switch name {
	case "BANDWIDTH", "AVERAGE-BANDWIDTH", "SCORE", "RESOLUTION", "FRAME-RATE", "HDCP-LEVEL", "VIDEO-RANGE", "PROGRAM-ID", // variants
		"TYPE", "DEFAULT", "AUTOSELECT", "FORCED", "BIT-DEPTH", "SAMPLE-RATE", // renditions
		"METHOD", "IV", "TIME-OFFSET", "PRECISE", "DURATION", "PLANNED-DURATION", "END-ON-NEXT", "SCTE35-CMD", "SCTE35-OUT", "SCTE35-IN",
		"PART-TARGET", "INDEPENDENT", "GAP", "BYTERANGE-START", "BYTERANGE-LENGTH", "LAST-MSN", "LAST-PART", "SKIPPED-SEGMENTS",
		"CAN-SKIP-UNTIL", "CAN-SKIP-DATERANGES", "HOLD-BACK", "PART-HOLD-BACK", "CAN-BLOCK-RELOAD":
		return true
	}
	return false
}

// writeName writes what stands for an address.
func (w *rewriter) writeName(use Use, reference string) error {
	address, err := w.resolve(reference)
	if errors.Is(err, errExpanded) {
		return err
	}
	name := ""
	if err == nil && (address.Scheme == "http" || address.Scheme == "https") && address.Host != "" && address.Opaque == "" &&
		len(address.String()) <= MaxAddress {
		name = w.name(use, address, w.passedOn())
	}
	if name == "" {
		name = Refused
	}
	w.out.text = append(w.out.text, name...)
	w.out.ends = append(w.out.ends, len(w.out.text))
	return nil
}

// passedOn are the variables that the playlists named here may import: a media playlist names only its siblings.
func (w *rewriter) passedOn() map[string]string {
	if w.multivariant {
		return w.variables
	}
	return w.imported
}
