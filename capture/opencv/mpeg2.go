//go:build !nocv

package opencv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
)

// Start codes of MPEG-2 video (Rec. ITU-T H.262, table 6-1), and identifiers of its extensions (table 6-2).
const (
	codeUser        = 0xb2
	codeSequence    = 0xb3
	codeExtension   = 0xb5
	codeSequenceEnd = 0xb7

	extensionSequence         = 1
	extensionSequenceDisplay  = 2
	extensionSequenceScalable = 5
)

var errSequence = errors.New("not one sequence header with a size")

// chunks yields what begins with each start code: its value, and the bytes with the code up to the next.
func chunks(b []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		prefix := []byte{0, 0, 1}
		at := bytes.Index(b, prefix)
		for at >= 0 && at+3 < len(b) {
			end := len(b)
			next := bytes.Index(b[at+4:], prefix)
			if next >= 0 {
				end = at + 4 + next
			}
			if !yield(b[at+3], b[at:end]) || next < 0 {
				return
			}
			at = end
		}
	}
}

// mpeg2Picture returns a unit's bytes without the sequence headers, and with all of them are those in its place: what the
// units bring was not checked.
func mpeg2Picture(header, unit []byte) []byte {
	out := make([]byte, 0, len(header)+len(unit))
	out = append(out, header...)
	for code, chunk := range chunks(unit) {
		if !sequenceLevel(code, chunk) {
			out = append(out, chunk...)
		}
	}
	return out
}

func sequenceLevel(code byte, chunk []byte) bool {
	switch code {
	case codeSequence, codeSequenceEnd:
		return true
	case codeExtension:
		id := byte(0)
		if len(chunk) > 4 {
			id = chunk[4] >> 4
		}
		return id == extensionSequence || id == extensionSequenceDisplay || id == extensionSequenceScalable
	}
	return false
}

// mpeg2Size returns the picture size of a sequence header with its extensions (Rec. ITU-T H.262, 6.2.2.1 and 6.2.2.3).
func mpeg2Size(header []byte) (width, height int64, err error) {
	headers, extensions := 0, 0
	for code, chunk := range chunks(header) {
		switch {
		case code == codeSequence && len(chunk) >= 8:
			size := int64(binary.BigEndian.Uint32(chunk[4:8]) >> 8)
			width, height = width|size>>12, height|size&0xfff
			headers++
		case code == codeExtension && len(chunk) >= 8 && chunk[4]>>4 == extensionSequence:
			width |= int64(chunk[5]&1<<1|chunk[6]>>7) << 12
			height |= int64(chunk[6]>>5&3) << 12
			extensions++
		case code == codeExtension, code == codeUser:
		default:
			return 0, 0, errSequence
		}
	}
	if headers != 1 || extensions > 1 || width == 0 || height == 0 {
		return 0, 0, errSequence
	}
	return width, height, nil
}
