package container

import (
	"bytes"
	"encoding/binary"
)

const (
	maxCues       = 256
	maxCueSize    = 4096 // bytes of a section
	maxCueStreams = 8

	tableCue = 0xfc // table_id of a splice_info_section (ANSI/SCTE 35, 9.6)
)

// cueStream gathers the splice_info_sections of one PID. Several may share a packet, and one span packets (ISO/IEC
// 13818-1, 2.4.4).
type cueStream struct {
	pid  uint16
	cc   continuity
	open bool // buf begins where a section does
	buf  []byte
}

// packet adds a packet and gives every section that it completes to take.
func (s *cueStream) packet(p []byte, take func(section []byte)) {
	data, _ := packetPayload(p)
	if len(data) == 0 || p[3]&0xc0 != 0 {
		return
	}
	switch s.cc.next(p) {
	case stepRepeat:
		return
	case stepGap:
		s.open = false
	}
	if p[1]&0x40 != 0 {
		pointer := int(data[0])
		data = data[1:]
		if pointer > len(data) {
			s.open = false
			return
		}
		if s.open {
			s.buf = append(s.buf, data[:pointer]...)
			s.cut(take)
		}
		s.open, s.buf = true, s.buf[:0]
		data = data[pointer:]
	}
	if s.open {
		s.buf = append(s.buf, data...)
		s.cut(take)
	}
}

// cut takes whole sections off the buffer.
func (s *cueStream) cut(take func([]byte)) {
	at := 0
	for s.open && len(s.buf)-at >= 3 {
		b := s.buf[at:]
		size := 3 + int(binary.BigEndian.Uint16(b[1:])&0xfff)
		if b[0] == 0xff || size > maxCueSize { // stuffing up to the next packet that begins a section, or noise
			s.open = false
			break
		}
		if len(b) < size {
			break
		}
		if isCue(b[:size]) {
			take(b[:size])
		}
		at += size
	}
	s.buf = append(s.buf[:0], s.buf[at:]...)
}

// isCue reports whether b is a splice_info_section with the right checksum.
func isCue(b []byte) bool {
	const shortest = 3 + 11 + 2 + 4 // without a command's and descriptors' bytes
	return len(b) >= shortest && b[0] == tableCue && crcMPEG(b) == 0
}

// cueScheme is the scheme_id_uri of SCTE-35 in event messages (ANSI/SCTE 214-3).
const cueScheme = "urn:scte:scte35:2013:bin"

// event is a cue out of an event message box.
type event struct {
	section []byte
	time    int64 // ticks of Clock
	after   bool  // time counts from the earliest picture behind the box
}

// parseEvent reads an emsg box (ISO/IEC 23009-1, 5.10.3.3); false if it holds no cue.
func parseEvent(b []byte) (event, bool) {
	f := fields{b: b}
	version, _ := f.version()
	scheme := ""
	if version == 0 {
		scheme = f.text()
		f.text() // value
	}
	scale := f.u32()
	time := f.either(version)
	f.bytes(8) // event_duration, id
	if version == 1 {
		scheme = f.text()
		f.text()
	}
	if f.short || version > 1 || scheme != cueScheme || scale == 0 || time > maxTime || time/uint64(scale) > maxSeconds {
		return event{}, false
	}
	if len(f.b) < 3 {
		return event{}, false
	}
	size := 3 + int(binary.BigEndian.Uint16(f.b[1:])&0xfff)
	if size > maxCueSize || size > len(f.b) || !isCue(f.b[:size]) {
		return event{}, false
	}
	return event{section: bytes.Clone(f.b[:size]), time: rescale(int64(time), scale, Clock), after: version == 0}, true
}
