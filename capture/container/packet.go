package container

import "bytes"

const (
	packetSize = 188
	syncByte   = 0x47
)

// nextPacket returns the place of the first whole TS packet at or after off, searching for the sync byte where it is
// not.
func nextPacket(b []byte, off int) (int, bool) {
	if off+packetSize > len(b) {
		return 0, false
	}
	if b[off] == syncByte {
		return off, true
	}
	return resync(b, off)
}

// resync returns the first place from off on where a packet's sync byte is followed, a packet further on, by two more
// or by the end.
func resync(b []byte, off int) (int, bool) {
	for ; off+packetSize <= len(b); off++ {
		i := bytes.IndexByte(b[off:], syncByte)
		if i < 0 {
			return 0, false
		}
		off += i
		if synced(b, off+packetSize) && synced(b, off+2*packetSize) && off+packetSize <= len(b) {
			return off, true
		}
	}
	return 0, false
}

func synced(b []byte, off int) bool { return off >= len(b) || b[off] == syncByte }

func packetPID(p []byte) uint16 { return uint16(p[1]&0x1f)<<8 | uint16(p[2]) }

// packetPayload returns a packet's payload, or nil when it has none or its adaptation field is broken; stuffed says
// that bytes were left over in the packet, which a muxer does at the end of a PES packet (ISO/IEC 13818-1, 2.4.3.5).
func packetPayload(p []byte) (data []byte, stuffed bool) {
	switch p[3] >> 4 & 3 {
	case 1:
		return p[4:], false
	case 3:
		size := int(p[4])
		if size > packetSize-6 {
			return nil, false
		}
		return p[5+size:], size != adaptationUse(p[5:5+size])
	}
	return nil, false
}

// adaptationUse returns how many bytes of an adaptation field are not stuffing, as far as PCR and splicing go.
func adaptationUse(field []byte) int {
	if len(field) == 0 {
		return -1 // a lone length byte is stuffing too
	}
	use := 1
	if field[0]&0x10 != 0 {
		use += 6 // PCR
	}
	if field[0]&0x08 != 0 {
		use += 6 // OPCR
	}
	if field[0]&0x04 != 0 {
		use++ // splice countdown
	}
	if field[0]&0x03 != 0 {
		return len(field) // private data or an extension: taken as filling the field
	}
	return use
}

// continuity follows one PID's continuity counter (2.4.3.3).
type continuity struct {
	last    []byte // the last packet with payload
	started bool
}

type step int

const (
	stepNext step = iota
	stepRepeat
	stepGap
)

func (c *continuity) next(p []byte) step {
	last, started := c.last, c.started
	c.last, c.started = p, true
	if !started || p[3]&0x20 != 0 && p[4] > 0 && p[5]&0x80 != 0 { // discontinuity_indicator
		return stepNext
	}
	switch (p[3] - last[3]) & 15 {
	case 1:
		return stepNext
	case 0:
		if a, _ := packetPayload(p); equalPayload(a, last) {
			return stepRepeat
		}
	}
	return stepGap
}

func equalPayload(a, last []byte) bool {
	b, _ := packetPayload(last)
	return bytes.Equal(a, b)
}
