package playlist

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// attributes is an attribute list (rfc8216bis section 4.2) in its order.
type attributes []attribute

// attribute is one of a list; an item without a name is one of the cue dialects' plain values.
type attribute struct{ name, value string }

// parseAttributes reads a list as leniently as it can be without guessing: blanks around names and values are dropped,
// and a value without its quotes ends at the comma.
func parseAttributes(text string) attributes {
	var list attributes
	for text != "" {
		end := strings.IndexAny(text, "=,")
		if end < 0 || text[end] == ',' {
			item, rest, _ := strings.Cut(text, ",")
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, attribute{"", strings.Trim(item, `"`)})
			}
			text = rest
			continue
		}
		name := strings.TrimSpace(text[:end])
		text = strings.TrimLeft(text[end+1:], " \t")
		value, quoted := strings.CutPrefix(text, `"`)
		if quoted {
			value, text, _ = strings.Cut(value, `"`)
			_, text, _ = strings.Cut(text, ",")
		} else {
			value, text, _ = strings.Cut(text, ",")
			value = strings.TrimRight(value, " \t\"")
		}
		list = append(list, attribute{name, value})
	}
	return list
}

// get returns the value of the first attribute of a name, or nothing.
func (a attributes) get(name string) string {
	v, _ := a.lookup(name)
	return v
}

func (a attributes) lookup(name string) (value string, ok bool) {
	for i := range a {
		if a[i].name == name {
			return a[i].value, true
		}
	}
	return "", false
}

// fold is get for dialects that do not agree on letter case.
func (a attributes) fold(name string) string {
	for i := range a {
		if strings.EqualFold(a[i].name, name) {
			return a[i].value
		}
	}
	return ""
}

func (a attributes) yes(name string) bool { return a.get(name) == "YES" }

// seconds returns an attribute that is a number of seconds; 0 where it is not said.
func (a attributes) seconds(name string) time.Duration {
	d, _ := seconds(a.get(name))
	return d
}

// decimal returns the length of the unsigned decimal number that s begins with; 0: there is none.
func decimal(s string) (n int) {
	digit, point := false, false
	for n = range len(s) + 1 {
		switch {
		case n < len(s) && s[n] >= '0' && s[n] <= '9':
			digit = true
			continue
		case n < len(s) && s[n] == '.' && !point:
			point = true
			continue
		}
		break
	}
	if !digit {
		return 0
	}
	return n
}

// seconds reads the number that a text begins with. It is not ok where there is none or it lasts over 30 years.
func seconds(s string) (d time.Duration, ok bool) {
	s = strings.TrimSpace(s)
	f, err := strconv.ParseFloat(s[:decimal(s)], 64)
	if err != nil || f > 1e9 {
		return 0, false
	}
	return nanoseconds(f), true
}

func nanoseconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

// number reads an unsigned decimal integer that an int can hold; anything else is 0.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// date reads the forms of ISO 8601 that packagers write: fractions of any length, a zone with and without a colon or
// with hours alone, and none, which stands for UTC.
func date(s string) (time.Time, bool) {
	s = strings.Trim(s, "\" \t")
	for _, layout := range [...]string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// hexadecimal decodes a hexadecimal sequence, 0x included; nil where it is not one.
func hexadecimal(s string) []byte {
	if len(s) < 2 || s[0] != '0' || s[1]|0x20 != 'x' {
		return nil
	}
	b, err := hex.DecodeString(s[2:])
	if err != nil || len(b) == 0 {
		return nil
	}
	return b
}

// section decodes a splice_info_section in base64, padded or not, or hexadecimal; nil where it is neither.
func section(s string) []byte {
	s = strings.Trim(s, "\" \t")
	if b := hexadecimal(s); b != nil {
		return b
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) == 0 {
		return nil
	}
	return b
}

var (
	errLength = errors.New("the byte range has no length")
	errOffset = errors.New("the byte range has no offset")
	errBeyond = errors.New("the byte range ends beyond any file")
)

// byteRange reads "length[@offset]" (section 4.4.4.2). It is not placed where it has no offset.
func byteRange(s string) (r Range, placed bool, err error) {
	length, offset, _ := strings.Cut(s, "@")
	if r.Length, err = strconv.ParseInt(strings.TrimSpace(length), 10, 64); err != nil || r.Length <= 0 {
		return Range{}, false, errLength
	}
	if offset = strings.TrimSpace(offset); offset != "" {
		placed = true
		if r.Offset, err = strconv.ParseInt(offset, 10, 64); err != nil || r.Offset < 0 {
			return Range{}, false, errOffset
		}
	}
	if r.Length > math.MaxInt64-r.Offset {
		return Range{}, false, errBeyond
	}
	return r, placed, nil
}

// ends knows where the last byte range in each resource ended.
type ends struct {
	in   map[string]int64
	last int64 // of them all
}

// place reads a byte range of a resource. Without an offset it continues the last one in that resource. In a resource
// that had none the section leaves it undefined; there it goes on from the last of all, as other players take it.
func (e *ends) place(s, resource string) (r Range, placed bool, err error) {
	if r, placed, err = byteRange(s); err != nil {
		return r, placed, err
	}
	if !placed {
		var ok bool
		if r.Offset, ok = e.in[resource]; !ok {
			r.Offset = e.last
		}
	}
	if r.Length > math.MaxInt64-r.Offset {
		return Range{}, false, errBeyond
	}
	if e.in == nil {
		e.in = map[string]int64{}
	}
	e.last = r.Offset + r.Length
	e.in[resource] = e.last
	return r, placed, nil
}
