package container_test

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The pictures of hand-made streams. The slices are long enough to span packets and hold no picture.
var (
	sps  = []byte{0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	sps2 = []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8}
	pps  = []byte{0x68, 0xee, 0x3c, 0x80}
	pps2 = []byte{0x68, 0xce, 0x3c, 0x80}
	aud  = []byte{0x09, 0xf0}
	// A recovery point behind a longer message with an emulation prevention byte.
	recovery = []byte{0x06, 0x01, 0x04, 0x00, 0x00, 0x03, 0x00, 0x01, 0x06, 0x01, 0xc4, 0x80}
)

// slice makes a slice whose payload repeats fill; head is its header byte and the first of its slice header.
func slice(head string, fill byte, size int) []byte {
	return append([]byte(head), bytes.Repeat([]byte{fill | 0x80}, size)...)
}

func idr(fill byte) []byte    { return slice("\x65\x88", fill, 500) } // first_mb 0, I
func inter(fill byte) []byte  { return slice("\x41\x9a", fill, 300) } // first_mb 0, P
func intra(fill byte) []byte  { return slice("\x41\x88", fill, 400) } // first_mb 0, I, not IDR
func unused(fill byte) []byte { return slice("\x01\x9e", fill, 200) } // first_mb 0, B, nal_ref_idc 0

// annexB joins NAL units with start codes.
func annexB(nalus ...[]byte) []byte {
	var out []byte
	for _, n := range nalus {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

// tsMux writes a transport stream packet by packet.
type tsMux struct {
	out []byte
	cc  map[uint16]byte
}

const (
	pmtPID   = 0x1000
	videoPID = 0x100
)

// tables writes a PAT and a PMT with streams given as type, PID pairs.
func (m *tsMux) tables(streams ...uint16) {
	m.section(0, append([]byte{0x00, 0, 0, 0, 1, 0xc1, 0, 0}, 0, 1, 0xe0|pmtPID>>8, pmtPID&0xff))
	pmt := []byte{0x02, 0, 0, 0, 1, 0xc1, 0, 0, 0xe0 | videoPID>>8, videoPID & 0xff, 0xf0, 0}
	for s := range slices.Chunk(streams, 2) {
		pmt = append(pmt, byte(s[0]), 0xe0|byte(s[1]>>8), byte(s[1]), 0xf0, 0)
	}
	m.section(pmtPID, pmt)
}

func (m *tsMux) section(pid uint16, s []byte) {
	binary.BigEndian.PutUint16(s[1:], 0xb000|uint16(len(s)+1))
	s = binary.BigEndian.AppendUint32(s, crc32(s))
	s = append([]byte{0}, s...)
	m.packets(pid, append(s, bytes.Repeat([]byte{0xff}, max(0, 184-len(s)))...))
}

// crc32 is the CRC_32 of ISO/IEC 13818-1, annex A.
func crc32(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		for bit := 7; bit >= 0; bit-- {
			top := crc>>31 ^ uint32(c>>bit&1)
			crc = crc<<1 ^ top*0x04c11db7
		}
	}
	return crc
}

// pes writes a PES packet of unbounded length; times below 0 are left out.
func (m *tsMux) pes(pts, dts int64, payload []byte) {
	h := []byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0}
	if pts >= 0 {
		h = append(h, 0x21|byte(pts>>29&0xe), byte(pts>>22), byte(pts>>14)|1, byte(pts>>7), byte(pts<<1)|1)
		h[7] |= 0x80
	}
	if dts >= 0 {
		h = append(h, 0x11|byte(dts>>29&0xe), byte(dts>>22), byte(dts>>14)|1, byte(dts>>7), byte(dts<<1)|1)
		h[7] |= 0x40
	}
	h[8] = byte(len(h) - 9)
	m.packets(videoPID, append(h, payload...))
}

// packets cuts a payload into packets and stuffs the last.
func (m *tsMux) packets(pid uint16, payload []byte) {
	if m.cc == nil {
		m.cc = map[uint16]byte{}
	}
	start := byte(0x40)
	for len(payload) > 0 {
		p := []byte{0x47, start | byte(pid>>8), byte(pid), 0x10 | m.cc[pid]&15}
		start = 0
		m.cc[pid]++
		n := min(184, len(payload))
		switch {
		case n == 183:
			p[3] |= 0x20
			p = append(p, 0)
		case n < 183:
			p[3] |= 0x20
			p = append(p, byte(183-n), 0)
			p = append(p, bytes.Repeat([]byte{0xff}, 182-n)...)
		}
		p = append(p, payload[:n]...)
		payload = payload[n:]
		m.out = append(m.out, p...)
	}
}

// gop makes a stream of n pictures, 3000 ticks apart from PTS 90000 on, the first an IDR.
func gop(n int) []byte {
	var m tsMux
	m.tables(0x1b, videoPID, 0x0f, 0x101)
	for i := range n {
		es := annexB(aud, inter(byte(i)))
		if i == 0 {
			es = annexB(aud, sps, pps, idr(0))
		}
		m.pes(90000+int64(i)*3000, -1, es)
		m.packets(0x101, bytes.Repeat([]byte{byte(i)}, 200))
	}
	return m.out
}

// mp4Box makes a box of its type and the parts of its body.
func mp4Box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))
	return append(append(out, kind...), body...)
}

// words makes big-endian 32-bit numbers.
func words(v ...uint32) []byte {
	var out []byte
	for _, w := range v {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	return out
}
