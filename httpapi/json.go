package httpapi

import (
	"math"
	"strconv"
	"unicode/utf8"

	"spotter/timeline"
)

// Answers on the look-up path are appended by hand, because encoding/json allocates for every value. The bytes are
// those that encoding/json writes without HTML escaping.

// appendString appends s as a JSON string (RFC 8259, section 7). Invalid UTF-8 becomes U+FFFD, and U+2028 and U+2029
// are escaped so that the answer is JavaScript too.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0 // of what is not yet appended
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, `\b`...)
			case '\f':
				b = append(b, `\f`...)
			case '\n':
				b = append(b, `\n`...)
			case '\r':
				b = append(b, `\r`...)
			case '\t':
				b = append(b, `\t`...)
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hex[r&15])
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

// appendConfidence appends c with at most two decimals, which is more than any recogniser can tell.
func appendConfidence(b []byte, c float64) []byte {
	// JSON has no NaN, and beyond a million c is no confidence either; both are a recogniser's fault and show as 0.
	if !(math.Abs(c) < 1e6) {
		c = 0
	}
	return appendHundredths(b, int32(math.Round(c*100)))
}

// appendHundredths appends n hundredths.
func appendHundredths(b []byte, n int32) []byte {
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	return appendFraction(appendDigits(b, uint32(n)/100), uint32(n)%100*10)
}

// pairs are the numbers below a hundred, each with two digits.
const pairs = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" + "30313233343536373839" + "40414243444546474849" +
	"50515253545556575859" + "60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// appendDigits appends n: strconv takes longer, by what it does for all bases and signs.
func appendDigits(b []byte, n uint32) []byte {
	switch {
	case n < 10:
		return append(b, byte('0'+n))
	case n < 100:
		return append(b, pairs[2*n], pairs[2*n+1])
	}
	b = appendDigits(b, n/100)
	n %= 100
	return append(b, pairs[2*n], pairs[2*n+1])
}

// appendFraction appends the thousandths n without the zeros that end them, and nothing where there are none.
func appendFraction(b []byte, n uint32) []byte {
	switch {
	case n == 0:
		return b
	case n%100 == 0:
		return append(b, '.', byte('0'+n/100))
	case n%10 == 0:
		return append(b, '.', pairs[n/10*2], pairs[n/10*2+1])
	}
	return append(b, '.', byte('0'+n/100), pairs[n%100*2], pairs[n%100*2+1])
}

// appendPosition is p.Append, for the many positions of an answer.
func appendPosition(b []byte, p timeline.Position) []byte {
	if p < 0 || p >= 1e8*second {
		return p.Append(b)
	}
	b = appendDigits(b, uint32(p/second))
	if p%second == 0 {
		return append(b, '.', '0')
	}
	return appendFraction(b, uint32(p%second))
}

// appendEntity appends e's members without the braces.
func appendEntity(b []byte, e *timeline.Entity) []byte {
	return appendConfidence(appendKnown(b, e), e.Confidence)
}

// appendKnown appends e's members up to the value of its confidence: what is the same wherever the entity was seen.
func appendKnown(b []byte, e *timeline.Entity) []byte {
	b = appendString(append(b, `"name":`...), e.Name)
	if e.ID != "" {
		b = appendString(append(b, `,"id":`...), e.ID)
	}
	b = appendStrings(b, `,"urls":`, e.URLs)
	b = appendStrings(b, `,"parents":`, e.Parents)
	b = appendStrings(b, `,"aliases":`, e.Aliases)
	return append(b, `,"confidence":`...)
}

// appendText appends e's members up to its confidence, behind a comma and the brace.
func appendText(b []byte, e *timeline.Entity) []byte {
	return appendKnown(append(b, ",{"...), e)
}

// appendStrings appends a member that is a list, unless that is empty.
func appendStrings(b []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, key...)
	for i, s := range list {
		b = appendString(append(b, separator(i)), s)
	}
	return append(b, ']')
}

func appendSpan(b []byte, s timeline.Span) []byte {
	b = appendPosition(append(b, `"from":`...), s.From)
	return appendPosition(append(b, `,"until":`...), s.Until)
}

// appendObservation appends o as its MarshalJSON writes it, but for the confidences' decimals.
func appendObservation(b []byte, o *timeline.Observation) []byte {
	b = appendString(append(b, `{"media":`...), o.Media)
	b = appendSpan(append(b, ','), o.Span)
	b = appendString(append(b, `,"source":`...), o.Source)
	b = strconv.AppendInt(append(b, `,"revision":`...), int64(o.Revision), 10)
	b = appendEntities(append(b, `,"celebrities":`...), o.Celebrities)
	b = appendEntities(append(b, `,"objects":`...), o.Objects)
	return append(b, '}')
}

// appendBreaks appends breaks as an array, uncut.
func appendBreaks(b []byte, list []timeline.Break) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	for i := range list {
		x := &list[i]
		b = appendString(append(append(b, separator(i)), `{"id":`...), x.ID)
		b = appendSpan(append(b, ','), x.Span)
		b = strconv.AppendBool(append(b, `,"open":`...), x.Open)
		b = strconv.AppendBool(append(b, `,"skipped":`...), x.Skipped)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendEntities(b []byte, list []timeline.Entity) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	for i := range list {
		b = appendEntity(append(b, separator(i), '{'), &list[i])
		b = append(b, '}')
	}
	return append(b, ']')
}

// separator is what stands before element i of a non-empty array.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}
