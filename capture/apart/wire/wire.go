// Package wire owns how numbers and bytes are written into a message to or from the decoder's process, and read back
// by who does not trust their writer.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrMalformed is wrapped by every error of a Reader: the writer of the message is broken, or somebody else.
var ErrMalformed = errors.New("malformed message")

// Reader reads what the Append functions wrote, in their order. After its first error everything it returns is zero, so
// that errors need be asked for only once, with End. No value leaves the bounds that the caller gives, and nothing is
// allocated.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a reader of b, which it borrows.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Fail makes the message malformed; the first reason stays.
func (r *Reader) Fail(why string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, why)
	}
	r.b = nil
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// End returns the first error, which may be that there is more than was read.
func (r *Reader) End() error {
	if r.err == nil && len(r.b) > 0 {
		r.Fail("bytes behind its end")
	}
	return r.err
}

// Uint returns a number of at most most.
func (r *Reader) Uint(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.Fail("a number out of bounds")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Size is Uint for lengths and numbers of things.
func (r *Reader) Size(most int) int { return int(r.Uint(uint64(most))) }

// Count returns a number of things, at most most, of which each takes at least least bytes of what is left to read: so
// making room for them takes no more memory than the message is long, times their size.
func (r *Reader) Count(most, least int) int {
	n := r.Size(most)
	if n > len(r.b)/least {
		r.Fail("more things than it has bytes for")
		return 0
	}
	return n
}

// Int returns a number from -most to most.
func (r *Reader) Int(most int64) int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 || v > most || v < -most {
		r.Fail("a number out of bounds")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Bool returns a truth value.
func (r *Reader) Bool() bool { return r.Uint(1) == 1 }

// Float returns a number from least to most.
func (r *Reader) Float(least, most float64) float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return r.within(math.Float64frombits(binary.LittleEndian.Uint64(b)), least, most)
}

// Float32 returns a number from least to most.
func (r *Reader) Float32(least, most float32) float32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	return float32(r.within(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), float64(least), float64(most)))
}

func (r *Reader) within(v, least, most float64) float64 {
	if !(v >= least && v <= most) { // nor what is not a number
		r.Fail("a number out of bounds")
		return 0
	}
	return v
}

// Bytes returns at most most bytes, borrowed.
func (r *Reader) Bytes(most int) []byte { return r.take(r.Size(most)) }

// Rest returns all that is left, borrowed.
func (r *Reader) Rest() []byte { return r.take(len(r.b)) }

// take returns n bytes; nil where there are fewer.
func (r *Reader) take(n int) []byte {
	if n > len(r.b) {
		r.Fail("it ends too early")
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// AppendUint appends what Uint, Size and Count read.
func AppendUint[T ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, v T) []byte {
	return binary.AppendUvarint(b, uint64(v))
}

// AppendInt appends what Int reads.
func AppendInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

// AppendBool appends what Bool reads.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendFloat appends what Float reads.
func AppendFloat(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

// AppendFloat32 appends what Float32 reads.
func AppendFloat32(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

// AppendBytes appends what Bytes reads.
func AppendBytes[T ~[]byte | ~string](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
