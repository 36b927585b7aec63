package httpapi

import (
	"encoding/binary"
	"slices"

	"spotter/timeline"
)

// An answer's sightings are most of what a look-up takes. Their pieces are copied by a length that is known when this is compiled
// and then cut to the one that they have, which takes less than to copy as much as is wanted.
const (
	piece = timeline.TextUnit
	// sightingRoom is for all of a sighting but its entity's text, and a source that is longer than a piece.
	sightingRoom = 4 * piece
)

// sightingTexts remembers how positions are written: those of a window's scenes stand in its answer again and again.
type sightingTexts struct{ from, until positionTexts }

type positionTexts [32]positionText

// positionText is a member of an object, its comma before it. No Position needs more than 30 bytes with it.
type positionText struct {
	position timeline.Position
	length   uint8 // 0: it says nothing yet
	text     [piece]byte
}

// of returns the text of p behind a label, which must always be the same.
func (t *positionTexts) of(label string, p timeline.Position) *positionText {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: its products' first bits are well spread
	one := &t[uint64(p)*golden>>(64-5)]
	if one.position != p || one.length == 0 {
		one.fill(label, p)
	}
	return one
}

func (t *positionText) fill(label string, p timeline.Position) {
	text := appendPosition(append(t.text[:0], label...), p)
	t.position, t.length = p, uint8(len(text))
}

// hundred has of each number below a hundred its two digits in its lowest bytes, and in the third how many bytes it takes as
// hundredths, their point included.
var hundred = func() (list [100]uint32) {
	for i := range uint32(100) {
		size := uint32(3)
		switch {
		case i == 0:
			size = 0
		case i%10 == 0:
			size = 2
		}
		list[i] = '0' + i/10 | ('0'+i%10)<<8 | size<<16
	}
	return list
}()

// putHundredths writes n hundredths, which are fewer than 10,000, into b, and returns their length. It may write up to 8 bytes.
func putHundredths(b []byte, n uint32) int {
	whole, part := uint64(hundred[n/100]), uint64(hundred[n%100])
	text, length := whole&0xffff|'.'<<16|part&0xffff<<24, int(part>>16)+2
	if n < 1000 {
		text, length = text>>8, length-1
	}
	binary.LittleEndian.PutUint64(b, text)
	return length
}

// put writes a piece into b. It does so by words: the compiler calls a function to copy more.
func put(b []byte, p *[piece]byte) {
	_ = b[piece-1]
	o := binary.LittleEndian
	w0, w1, w2, w3 := o.Uint64(p[0:]), o.Uint64(p[8:]), o.Uint64(p[16:]), o.Uint64(p[24:])
	o.PutUint64(b[0:], w0)
	o.PutUint64(b[8:], w1)
	o.PutUint64(b[16:], w2)
	o.PutUint64(b[24:], w3)
}

// appendSightings appends the entities of a window as an array.
func appendSightings(b []byte, list []timeline.Sighting, texts *timeline.Texts, known *sightingTexts) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	var of string          // the source of the sighting before, and so of most
	var source [piece]byte // how it is written
	length := 0            // of that; 0 where it is longer than a piece
	first := len(b)
	for i := range list {
		s := &list[i]
		text := texts.Of(s)
		b = slices.Grow(b, cap(text)+sightingRoom)
		at := len(b)
		out := b[at:cap(b)]
		for j, wide := 0, text[:cap(text)]; j+piece <= len(wide); j += piece {
			put(out[j:], (*[piece]byte)(wide[j:]))
		}
		n := len(text)
		if h := uint32(s.Hundredths); h < 10_000 {
			n += putHundredths(out[n:], h)
		} else {
			n = len(appendHundredths(out[:n], s.Hundredths))
		}
		from := known.from.of(`,"from":`, s.From)
		put(out[n:], &from.text)
		n += int(from.length)
		until := known.until.of(`,"until":`, s.Until)
		put(out[n:], &until.text)
		n += int(until.length)
		if length > 0 && s.Source == of {
			put(out[n:], &source)
			b = b[:at+n+length]
			continue
		}
		b = append(appendString(append(b[:at+n], `,"source":`...), s.Source), '}')
		of, length = s.Source, copy(source[:], b[at+n:])
		if length < len(b)-at-n {
			length = 0
		}
	}
	b[first] = '[' // in place of the first text's comma
	return append(b, ']')
}
