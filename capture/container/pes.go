package container

import "encoding/binary"

// wrap is where MPEG-TS times start again, every 26.5 hours (ISO/IEC 13818-1, 2.4.3.7).
const wrap = 1 << 33

// pes is a PES packet's header (ISO/IEC 13818-1, 2.4.3.6).
type pes struct {
	pts, dts int64
	timed    bool
	size     int // payload bytes, or 0 when not said
	header   int // bytes before the payload
}

// readPES reads the header of a video PES packet from the first TS packet that holds it.
func readPES(b []byte) (h pes, ok bool) {
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]>>6 != 2 {
		return pes{}, false
	}
	if id := b[3]; id&0xf0 != 0xe0 && id != 0xfd && id != 0xbd {
		return pes{}, false
	}
	h.header = 9 + int(b[8])
	if h.header > len(b) {
		return pes{}, false
	}
	h.size = max(0, int(binary.BigEndian.Uint16(b[4:]))-3-int(b[8]))
	switch flags := b[7] >> 6; {
	case flags&2 != 0 && b[8] >= 5:
		h.pts, h.timed = stamp(b[9:]), true
		h.dts = h.pts
		if flags == 3 && b[8] >= 10 {
			h.dts = stamp(b[14:])
		}
	}
	return h, true
}

// stamp reads a time of 33 bits with its marker bits.
func stamp(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

// Unwrap returns a difference between two PTS without the wrap at 2^33: the number nearest to 0 that differs from d by
// a multiple of it.
func Unwrap(d int64) int64 {
	d %= wrap
	switch {
	case d > wrap/2:
		d -= wrap
	case d < -wrap/2:
		d += wrap
	}
	return d
}

// fillTimes gives the units at the indexes in untimed, rising, the times that their neighbours suggest: evenly between
// two, at the neighbours' pace before the first and after the last. It reports whether there is a time to go by.
func fillTimes(units []Unit, untimed []int) bool {
	if len(untimed) == len(units) {
		return len(units) == 0
	}
	pace := pace(units, untimed)
	for len(untimed) > 0 {
		first := untimed[0]
		n := 1
		for n < len(untimed) && untimed[n] == first+n {
			n++
		}
		untimed = untimed[n:]
		before, after := first-1, first+n
		for i := first; i < after; i++ {
			var dts int64
			switch {
			case before < 0:
				dts = units[after].DTS - pace*int64(after-i)
			case after == len(units):
				dts = units[before].DTS + pace*int64(i-before)
			default:
				dts = units[before].DTS + Unwrap(units[after].DTS-units[before].DTS)*int64(i-before)/int64(after-before)
			}
			dts = (dts%wrap + wrap) % wrap
			units[i].DTS, units[i].PTS = dts, dts
		}
	}
	return true
}

// pace returns the shortest time between two units in a row that both have one, or 1/30 s.
func pace(units []Unit, untimed []int) int64 {
	const usual = Clock / 30
	best := int64(0)
	for i := 1; i < len(units); i++ {
		for len(untimed) > 0 && untimed[0] < i-1 {
			untimed = untimed[1:]
		}
		if len(untimed) > 0 && untimed[0] <= i {
			continue
		}
		if d := Unwrap(units[i].DTS - units[i-1].DTS); d > 0 && d < 10*Clock && (best == 0 || d < best) {
			best = d
		}
	}
	if best == 0 {
		return usual
	}
	return best
}
