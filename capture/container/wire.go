package container

import (
	"bytes"
	"errors"
	"slices"
	"unsafe"

	"spotter/capture/apart/wire"
)

// What a Video may bring that came over a wire, beside what Demux may find.
const (
	maxSetLists = 4096 // changes of parameter sets in one segment
	maxTicks    = maxSeconds * Clock
	maxPID      = 1<<13 - 1
)

// errForeign is returned for a unit whose bytes are not the segment's.
var errForeign = errors.New("a unit's bytes are not those of its segment")

// AppendVideo appends a video of segment, as Demux returned it, without the segment's bytes.
func AppendVideo(b []byte, v *Video, segment []byte) ([]byte, error) {
	b = wire.AppendUint(b, v.Codec)
	b = AppendSets(b, v.Params)
	b = wire.AppendUint(b, v.Width)
	b = wire.AppendUint(b, v.Height)
	b = AppendShape(b, v.Shape)
	b = wire.AppendUint(b, v.Damaged)
	b = AppendTables(b, v.Tables)
	b = wire.AppendUint(b, len(v.Cues))
	for _, c := range v.Cues {
		b = wire.AppendBytes(wire.AppendInt(b, c.PTS), c.Section)
	}
	b = wire.AppendUint(b, len(v.Units))
	var w unitWriter
	for i := range v.Units {
		u := &v.Units[i]
		off := int(uintptr(unsafe.Pointer(unsafe.SliceData(u.raw))) - uintptr(unsafe.Pointer(unsafe.SliceData(segment))))
		if off < 0 || off+len(u.raw) > len(segment) {
			return b, errForeign
		}
		b = w.append(b, u, off)
	}
	return b, nil
}

// ReadVideo reads a video that AppendVideo wrote; its units borrow segment, of which this must be the reader's own copy.
// The reader need not trust the writer: nothing lies outside the segment, or of the bounds that Demux keeps.
func ReadVideo(r *wire.Reader, segment []byte) (*Video, error) {
	v := &Video{Codec: readCodec(r)}
	v.Params = ReadSets(r)
	v.Width, v.Height = r.Size(maxSide), r.Size(maxSide)
	v.Shape = ReadShape(r)
	v.Damaged = r.Size(maxUnits)
	v.Tables = ReadTables(r)
	for range r.Count(maxCues, 2) {
		c := Cue{PTS: r.Int(maxTicks), Section: bytes.Clone(r.Bytes(maxCueSize))}
		if r.Err() == nil && !isCue(c.Section) {
			r.Fail("a cue that is none")
		}
		v.Cues = append(v.Cues, c)
	}
	u := unitReader{r: r, codec: v.Codec, data: segment}
	v.Units = u.list()
	if err := r.End(); err != nil {
		return nil, err
	}
	return v, nil
}

// AppendUnits appends units to b and their bytes, in the same order, to raws.
func AppendUnits(b []byte, raws [][]byte, units []Unit) ([]byte, [][]byte) {
	b = wire.AppendUint(b, len(units))
	if len(units) == 0 {
		return b, raws
	}
	b = wire.AppendUint(b, units[0].codec)
	var w unitWriter
	for i := range units {
		b = w.append(b, &units[i], w.next)
		raws = append(raws, units[i].raw)
	}
	return b, raws
}

// ReadUnits reads units that AppendUnits wrote, whose bytes data begins with, and returns what of data is behind them.
func ReadUnits(r *wire.Reader, data []byte) (units []Unit, rest []byte) {
	u := unitReader{r: r, data: data}
	n := r.Count(maxUnits, leastUnit)
	if n == 0 {
		return nil, data
	}
	u.codec = readCodec(r)
	units = u.some(n)
	return units, data[u.next:]
}

func readCodec(r *wire.Reader) Codec {
	c := Codec(r.Size(int(MPEG2)))
	if c == 0 {
		r.Fail("no codec")
	}
	return c
}

// AppendSets appends parameter sets.
func AppendSets(b []byte, sets [][]byte) []byte {
	b = wire.AppendUint(b, len(sets))
	for _, s := range sets {
		b = wire.AppendBytes(b, s)
	}
	return b
}

// ReadSets reads parameter sets into memory of their own.
func ReadSets(r *wire.Reader) [][]byte {
	n := r.Count(2*maxParameters, 1)
	if n == 0 {
		return nil
	}
	sets := make([][]byte, n)
	for i := range sets {
		sets[i] = bytes.Clone(r.Bytes(maxParameterSet))
	}
	return sets
}

// AppendShape appends a shape.
func AppendShape(b []byte, s Shape) []byte {
	b = wire.AppendUint(b, s.AspectWidth)
	b = wire.AppendUint(b, s.AspectHeight)
	b = wire.AppendUint(b, s.Rotation/90)
	b = wire.AppendUint(b, s.Transfer)
	for _, x := range []bool{s.WideGamut, s.FullRange, s.Interlaced} {
		b = wire.AppendBool(b, x)
	}
	return b
}

// ReadShape reads a shape.
func ReadShape(r *wire.Reader) Shape {
	const most = 1 << 32
	return Shape{
		AspectWidth: r.Size(most), AspectHeight: r.Size(most), Rotation: 90 * r.Size(3), Transfer: Transfer(r.Size(int(TransferHLG))),
		WideGamut: r.Bool(), FullRange: r.Bool(), Interlaced: r.Bool(),
	}
}

// AppendTables appends the tables of a transport stream, as Video has them; nil for none.
func AppendTables(b []byte, t *Init) []byte {
	if t == nil || t.program == nil {
		return wire.AppendBool(b, false)
	}
	p := t.program
	b = wire.AppendBool(b, true)
	b = wire.AppendUint(b, p.pid)
	b = wire.AppendUint(b, p.codec)
	b = wire.AppendUint(b, len(p.cues))
	for _, c := range p.cues {
		b = wire.AppendUint(b, c)
	}
	b = wire.AppendBool(b, p.known != nil)
	return wire.AppendBytes(b, p.known)
}

// ReadTables reads tables; nil for none.
func ReadTables(r *wire.Reader) *Init {
	if !r.Bool() {
		return nil
	}
	p := &program{pid: uint16(r.Uint(maxPID)), codec: readCodec(r)}
	for range r.Count(maxCueStreams, 1) {
		p.cues = append(p.cues, uint16(r.Uint(maxPID)))
	}
	known, sets := r.Bool(), r.Bytes(maxHead)
	if known {
		p.known = append([]byte{}, sets...)
	}
	return &Init{program: p}
}

// How a unit's parameter sets, and its shape, relate to those of the units before it.
const (
	noneBrought = iota
	sameBrought // the last that were written
	newBrought
)

// leastUnit is the fewest bytes that a unit takes.
const leastUnit = 8

// unitWriter appends units of one list, each as its difference to the one before.
type unitWriter struct {
	pts, dts int64
	next     int // where the bytes of the last unit end
	params   [][]byte
	shape    *Shape
}

func (w *unitWriter) append(b []byte, u *Unit, off int) []byte {
	b = wire.AppendInt(b, u.PTS-w.pts)
	b = wire.AppendInt(b, u.DTS-w.dts)
	b = wire.AppendInt(b, int64(off-w.next))
	b = wire.AppendUint(b, len(u.raw))
	w.pts, w.dts, w.next = u.PTS, u.DTS, off+len(u.raw)
	b = wire.AppendBool(b, u.Key)
	b = wire.AppendBool(b, u.Reference)
	b = wire.AppendUint(b, u.layer)
	b = wire.AppendUint(b, u.lenLen)
	if u.lenLen == 0 {
		b = wire.AppendUint(b, u.pid)
		b = wire.AppendUint(b, u.skip)
		b = wire.AppendUint(b, u.size)
	}
	if !u.Key {
		return b
	}
	switch {
	case u.Params == nil:
		b = wire.AppendUint(b, noneBrought)
	case w.params != nil && slices.EqualFunc(w.params, u.Params, bytes.Equal):
		b = wire.AppendUint(b, sameBrought)
	default:
		w.params = u.Params
		b = AppendSets(wire.AppendUint(b, newBrought), u.Params)
	}
	switch {
	case u.Shape == nil:
		return wire.AppendUint(b, noneBrought)
	case w.shape != nil && *w.shape == *u.Shape:
		return wire.AppendUint(b, sameBrought)
	}
	w.shape = u.Shape
	return AppendShape(wire.AppendUint(b, newBrought), *u.Shape)
}

// unitReader reads units of one list.
type unitReader struct {
	r        *wire.Reader
	codec    Codec
	data     []byte
	pts, dts int64
	next     int
	params   [][]byte
	shape    *Shape
	lists    int
	taken    int // bytes of all units together
}

// list reads the units of a segment.
func (u *unitReader) list() []Unit {
	n := u.r.Count(maxUnits, leastUnit)
	if n == 0 {
		u.r.Fail("no units")
		return nil
	}
	return u.some(n)
}

func (u *unitReader) some(n int) []Unit {
	units := make([]Unit, 0, n)
	for range n {
		x := u.unit()
		if u.r.Err() != nil {
			return nil
		}
		units = append(units, x)
	}
	return units
}

func (u *unitReader) unit() Unit {
	r := u.r
	x := Unit{PTS: u.pts + r.Int(4*maxTicks), DTS: u.dts + r.Int(4*maxTicks), codec: u.codec}
	if max(x.PTS, -x.PTS, x.DTS, -x.DTS) > 2*maxTicks {
		r.Fail("a time out of bounds")
	}
	off := u.next + int(r.Int(int64(len(u.data))))
	size := r.Size(len(u.data))
	u.taken += size + 2*packetSize // units may share packets
	switch {
	case r.Err() != nil:
		return x
	case off < 0 || off+size > len(u.data):
		r.Fail("a unit outside its segment")
		return x
	case u.taken-2*len(u.data) > 4*packetSize*maxUnits, size > len(u.data):
		r.Fail("units that lie over each other")
		return x
	}
	x.raw = u.data[off : off+size : off+size]
	u.pts, u.dts, u.next = x.PTS, x.DTS, off+size
	x.Key, x.Reference = r.Bool(), r.Bool()
	x.layer, x.lenLen = uint8(r.Uint(7)), uint8(r.Uint(4))
	if x.lenLen == 0 {
		x.pid, x.skip, x.size = uint16(r.Uint(maxPID)), uint8(r.Uint(packetSize)), r.Size(size)
	}
	if x.Key {
		u.brought(&x)
	}
	return x
}

// brought reads what a key unit brings.
func (u *unitReader) brought(x *Unit) {
	switch r := u.r; r.Uint(newBrought) {
	case sameBrought:
		x.Params = u.params
	case newBrought:
		if u.lists++; u.lists > maxSetLists {
			r.Fail("too many parameter sets")
		}
		u.params = ReadSets(r)
		x.Params = u.params
	}
	switch r := u.r; r.Uint(newBrought) {
	case sameBrought:
		x.Shape = u.shape
	case newBrought:
		shape := ReadShape(r)
		u.shape = &shape
		x.Shape = u.shape
	}
}
