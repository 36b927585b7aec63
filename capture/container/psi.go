package container

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Stream types of a program map (ISO/IEC 13818-1, table 2-34; SAMPLE-AES: Apple's MPEG-2 Stream Encryption Format).
const (
	typeMPEG2         = 0x02
	typeH264          = 0x1b
	typeHEVC          = 0x24
	typePrivate       = 0x06
	typeCue           = 0x86 // SCTE-35 (ANSI/SCTE 35, 8.1)
	typeSampleAESH264 = 0xdb
	typeSampleAESHEVC = 0xdc
)

const (
	maxSection  = 1024 // bytes of a PAT or PMT section, header included (2.4.4.4)
	maxPrograms = 64   // program maps followed at once
)

// program is where a transport stream's video is.
type program struct {
	pid   uint16
	codec Codec
	cues  []uint16 // PIDs of SCTE-35
	known []byte   // the SPS or sequence header last in force; nil before the first
}

// findProgram reads program tables until one names a video stream that can be read. Its error is the best reason
// why none does, or wraps ErrFormat when the tables are missing.
func findProgram(b []byte) (*program, error) {
	maps := map[uint16]*section{}
	pat := new(section)
	var refusal error
	read := 0
	for off, ok := nextPacket(b, 0); ok && (read == 0 || read < len(maps)); off, ok = nextPacket(b, off+packetSize) {
		p := b[off : off+packetSize]
		pid := packetPID(p)
		if pid == 0 {
			if table := pat.packet(p); table != nil && table[0] == 0 {
				readPAT(table, maps)
			}
			continue
		}
		s := maps[pid]
		if s == nil {
			continue
		}
		table := s.packet(p)
		if table == nil || table[0] != 2 {
			continue
		}
		if !s.done {
			s.done = true
			read++
		}
		prog, err := readPMT(table)
		if err == nil {
			return prog, nil
		}
		refusal = worse(refusal, err)
	}
	if refusal == nil {
		refusal = fmt.Errorf("transport stream without program tables (PAT, PMT): %w", ErrFormat)
	}
	return nil, refusal
}

// section gathers one PID's table section from its packets (ISO/IEC 13818-1, 2.4.4).
type section struct {
	buf  []byte
	done bool // a whole table was read
}

// packet adds a packet and returns a section, whole and of the right checksum, or nil.
func (s *section) packet(p []byte) []byte {
	data, _ := packetPayload(p)
	if len(data) == 0 {
		return nil
	}
	if p[1]&0x40 != 0 {
		skip := 1 + int(data[0]) // pointer_field
		if skip > len(data) {
			return nil
		}
		s.buf = append(s.buf[:0], data[skip:]...)
	} else if len(s.buf) > 0 {
		s.buf = append(s.buf, data...)
	}
	if len(s.buf) < 3 {
		return nil
	}
	size := 3 + int(binary.BigEndian.Uint16(s.buf[1:])&0xfff)
	switch {
	case size > maxSection, size < 12:
		s.buf = s.buf[:0]
		return nil
	case len(s.buf) < size:
		return nil
	}
	table := s.buf[:size]
	s.buf = s.buf[:0]
	if crcMPEG(table) != 0 {
		return nil
	}
	return table
}

// crcMPEG is CRC_32 (ISO/IEC 13818-1, annex A): over a section with its checksum it is 0.
func crcMPEG(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			crc = crc<<1 ^ 0x04c11db7*(crc>>31)
		}
	}
	return crc
}

// readPAT adds the PIDs of the program maps (2.4.4.3).
func readPAT(table []byte, maps map[uint16]*section) {
	for e := table[8 : len(table)-4]; len(e) >= 4; e = e[4:] {
		number, pid := binary.BigEndian.Uint16(e), binary.BigEndian.Uint16(e[2:])&0x1fff
		if number != 0 && maps[pid] == nil && len(maps) < maxPrograms {
			maps[pid] = new(section)
		}
	}
}

// readPMT returns the first video stream of a program map that can be read (2.4.4.8).
func readPMT(table []byte) (*program, error) {
	body := table[:len(table)-4]
	if len(body) < 12 {
		return nil, fmt.Errorf("short program map: %w", ErrFormat)
	}
	off := 12 + int(binary.BigEndian.Uint16(body[10:])&0xfff)
	err := fmt.Errorf("transport stream without a video stream: %w", ErrNoVideo)
	var prog program
	for off+5 <= len(body) {
		typ, pid := body[off], binary.BigEndian.Uint16(body[off+1:])&0x1fff
		info := int(binary.BigEndian.Uint16(body[off+3:]) & 0xfff)
		off += 5
		descriptors := body[off:min(off+info, len(body))]
		codec, refusal := streamCodec(typ, descriptors)
		switch {
		case codec != 0:
			if prog.codec == 0 {
				prog.pid, prog.codec = pid, codec
			}
		case typ == typeCue, registration(descriptors) == "CUEI":
			if len(prog.cues) < maxCueStreams && !slices.Contains(prog.cues, pid) {
				prog.cues = append(prog.cues, pid)
			}
		}
		err = worse(err, refusal)
		off += info
	}
	if prog.codec == 0 {
		return nil, err
	}
	return &prog, nil
}

// streamCodec returns a stream's codec, or why its video cannot be read; neither when it is no video.
func streamCodec(typ byte, descriptors []byte) (Codec, error) {
	switch typ {
	case typeMPEG2:
		return MPEG2, nil
	case typeH264:
		return H264, nil
	case typeHEVC:
		return HEVC, nil
	case typeSampleAESH264, typeSampleAESHEVC:
		return 0, fmt.Errorf("SAMPLE-AES, stream type 0x%02x: %w", typ, ErrEncrypted)
	case typePrivate:
		switch format := registration(descriptors); format {
		case "HEVC":
			return HEVC, nil
		case "AV01", "VVC ", "VC-1", "VP09":
			return 0, fmt.Errorf("%s: %w", format, ErrCodec)
		}
	}
	name := map[byte]string{
		0x01: "MPEG-1 video", 0x10: "MPEG-4 part 2", 0x21: "JPEG 2000", 0x33: "VVC",
		0x42: "AVS", 0xd1: "Dirac", 0xd2: "AVS2", 0xd4: "AVS3", 0xea: "VC-1",
	}[typ]
	if name != "" {
		return 0, fmt.Errorf("%s, stream type 0x%02x: %w", name, typ, ErrCodec)
	}
	return 0, nil
}

// registration returns the format_identifier of a registration descriptor (2.6.8), or "".
func registration(d []byte) string {
	for len(d) >= 2 {
		size := int(d[1])
		if len(d) < 2+size {
			break
		}
		if d[0] == 5 && size >= 4 {
			return string(d[2:6])
		}
		d = d[2+size:]
	}
	return ""
}
