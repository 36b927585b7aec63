package container

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// box is one box of an MP4 file (ISO/IEC 14496-12, 4.2).
type box struct {
	at, start, end int    // places of its header, its body and what follows it
	body           []byte // cut where the bytes end
}

// boxes yields the boxes of b by their types, until one is broken.
func boxes(b []byte) iter.Seq2[string, box] {
	return func(yield func(string, box) bool) {
		for at := 0; len(b)-at >= 8; {
			x := box{at: at, start: at + 8}
			size := uint64(binary.BigEndian.Uint32(b[at:]))
			switch {
			case size == 0: // to the end of the file
				size = uint64(len(b) - at)
			case size == 1 && len(b)-at >= 16:
				size = binary.BigEndian.Uint64(b[at+8:])
				x.start = at + 16
			}
			if size < uint64(x.start-at) {
				return
			}
			x.end = at + int(min(size, uint64(len(b)-at)))
			x.body = b[x.start:x.end]
			if !yield(string(b[at+4:at+8]), x) {
				return
			}
			at = x.end
		}
	}
}

// child returns the body of the first box of a type along a path, or nil.
func child(b []byte, path ...string) []byte {
	for _, kind := range path {
		found := false
		for k, x := range boxes(b) {
			if k == kind {
				b, found = x.body, true
				break
			}
		}
		if !found {
			return nil
		}
	}
	return b
}

// fields reads a box's fields in turn. Past the end it yields zeros and remembers.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) bytes(n int) []byte {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return nil
	}
	out := f.b[:n:n]
	f.b = f.b[n:]
	return out
}

func (f *fields) uint(n int) uint64 {
	v := uint64(0)
	for _, c := range f.bytes(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (f *fields) u8() int     { return int(f.uint(1)) }
func (f *fields) u16() int    { return int(f.uint(2)) }
func (f *fields) u32() uint32 { return uint32(f.uint(4)) }

// text reads a string up to its terminating zero.
func (f *fields) text() string {
	end := bytes.IndexByte(f.b, 0)
	if end < 0 {
		f.short, f.b = true, nil
		return ""
	}
	s := string(f.b[:end])
	f.b = f.b[end+1:]
	return s
}

// version reads a full box's version and flags.
func (f *fields) version() (version int, flags uint32) {
	v := f.u32()
	return int(v >> 24), v & 0xffffff
}

// either reads a number that a box of version 0 has in 32 bits and one of version 1 in 64.
func (f *fields) either(version int) uint64 {
	if version == 0 {
		return f.uint(4)
	}
	return f.uint(8)
}
