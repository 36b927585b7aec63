package origin

import (
	"math/bits"
	"time"
)

// MPEG-TS, as far as cutting and restamping needs it (ISO/IEC 13818-1 section 2.4.3).
const (
	packetSize = 188
	syncByte   = 0x47
	stampClock = 90_000 // ticks a second of PTS, DTS and the base of PCR
	stampMask  = 1<<33 - 1
)

// packet is one transport packet.
type packet []byte

func (p packet) pid() uint16 { return uint16(p[1]&0x1f)<<8 | uint16(p[2]) }

// starts reports whether a PES packet or a table begins in it.
func (p packet) starts() bool { return p[1]&0x40 != 0 }

func (p packet) hasPayload() bool { return p[3]&0x10 != 0 }

// adaptation returns the adaptation field behind its length, nil where there is none.
func (p packet) adaptation() []byte {
	if p[3]&0x20 == 0 {
		return nil
	}
	return p[5:min(packetSize, 5+int(p[4]))]
}

func (p packet) payload() []byte {
	if !p.hasPayload() {
		return nil
	}
	if p[3]&0x20 == 0 {
		return p[4:]
	}
	return p[min(packetSize, 5+int(p[4])):]
}

// pes returns the start of a PES packet that begins here and has optional fields, else nil.
func (p packet) pes() []byte {
	b := p.payload()
	if !p.starts() || len(b) < 14 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]>>6 != 2 {
		return nil
	}
	return b
}

// stamps returns the PTS of a PES packet and where it differs the DTS, as the five bytes that hold each.
func stamps(pes []byte) (pts, dts []byte) {
	if pes[7]&0x80 != 0 {
		pts = pes[9:14]
	}
	if pes[7]&0x40 != 0 && len(pes) >= 19 {
		dts = pes[14:19]
	}
	return pts, dts
}

func readStamp(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

func addStamp(b []byte, ticks int64) {
	t := (readStamp(b) + ticks) & stampMask
	b[0] = b[0]&0xf1 | byte(t>>29)&0x0e
	b[1], b[2], b[3], b[4] = byte(t>>22), byte(t>>14)|1, byte(t>>7), byte(t<<1)|1
}

// packets calls f with each whole packet and where it is.
func packets(body []byte, f func(at int, p packet)) {
	for at := 0; at+packetSize <= len(body); at += packetSize {
		if body[at] == syncByte {
			f(at, packet(body[at:at+packetSize]))
		}
	}
}

// tsUnits finds the pictures of a segment, or its audio packets where it has no picture. Tables that stand right
// before a picture belong to it.
func tsUnits(body []byte) []unit {
	var video, audio []unit
	tables := -1
	packets(body, func(at int, p packet) {
		pes := p.pes()
		if pes == nil {
			if p.starts() && tables < 0 {
				tables = at
			} else if !p.starts() {
				tables = -1
			}
			return
		}
		from := at
		if tables >= 0 {
			from = tables
		}
		tables = -1
		pts, dts := stamps(pes)
		if dts == nil {
			dts = pts
		}
		if dts == nil {
			return
		}
		a := p.adaptation()
		u := unit{from: from, at: time.Duration(readStamp(dts)) * time.Second / stampClock, key: len(a) > 0 && a[0]&0x40 != 0}
		switch stream := pes[3]; {
		case stream>>4 == 0xe: // video (table 2-22)
			video = append(video, u)
		case stream>>5 == 0x6 || stream == 0xbd: // audio, private stream 1
			audio = append(audio, u)
		}
	})
	list := video
	if len(video) == 0 {
		list = audio
	}
	for i := 1; i < len(list); i++ { // over the wrap
		for list[i].at < list[0].at-time.Hour {
			list[i].at += (stampMask + 1) * time.Second / stampClock
		}
	}
	return list
}

// tsCounts returns how many packets with payload each PID has: by so much its continuity counter goes on.
func tsCounts(segments []Segment) map[uint16]int {
	counts := map[uint16]int{}
	for _, s := range segments {
		packets(s.Body, func(_ int, p packet) {
			if p.hasPayload() {
				counts[p.pid()]++
			}
		})
	}
	return counts
}

// tsShift adds to all time stamps of a segment in place, and loops times counts to the continuity counters.
func tsShift(body []byte, offset time.Duration, counts map[uint16]int, loops int) {
	ticks := scale(offset, stampClock)
	packets(body, func(_ int, p packet) {
		p[3] = p[3]&0xf0 | byte(int(p[3])+loops*counts[p.pid()])&0x0f
		if a := p.adaptation(); len(a) >= 7 && a[0]&0x10 != 0 { // PCR
			base := int64(a[1])<<25 | int64(a[2])<<17 | int64(a[3])<<9 | int64(a[4])<<1 | int64(a[5]>>7)
			base = (base + ticks) & stampMask
			a[1], a[2], a[3], a[4], a[5] = byte(base>>25), byte(base>>17), byte(base>>9), byte(base>>1), byte(base<<7)|a[5]&0x7f
		}
		if pes := p.pes(); pes != nil {
			pts, dts := stamps(pes)
			for _, b := range [][]byte{pts, dts} {
				if b != nil {
					addStamp(b, ticks)
				}
			}
		}
	})
}

// scale turns a duration into ticks, rounded; it is exact for offsets of years.
func scale(d time.Duration, perSecond uint64) int64 {
	negative := d < 0
	if negative {
		d = -d
	}
	hi, lo := bits.Mul64(uint64(d), perSecond)
	lo, carry := bits.Add64(lo, uint64(time.Second)/2, 0)
	ticks, _ := bits.Div64(hi+carry, lo, uint64(time.Second))
	if negative {
		return -int64(ticks)
	}
	return int64(ticks)
}
