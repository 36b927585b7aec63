package container

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

const (
	maxTracks  = 64
	maxEntries = 16 // sample entries of a track
)

// Init is a parsed initialisation section, which any number of segments and goroutines may use.
type Init struct {
	program *program // MPEG-TS: the tables
	track   *track   // fMP4: the video track
}

// track is the video track of an fMP4 (ISO/IEC 14496-12, 8.3).
type track struct {
	id      uint32
	scale   uint32 // ticks a second of the times below and of the segments
	shift   int64  // what the edit list adds to every time
	entries []entry
	trex    sampleDefaults
	turn    int      // degrees clockwise
	others  []uint32 // ids of the other tracks
}

// entry is one sample entry: how to decode the samples that name it.
type entry struct {
	codec  Codec
	lenLen uint8
	params [][]byte
	box    colour
	err    error // why its samples cannot be read
}

// sampleDefaults are a fragment's defaults (8.8.3, 8.8.7).
type sampleDefaults struct {
	entry, duration, size uint32
}

// ParseInit reads an initialisation section: the moov of an fMP4, or the program tables of an MPEG-TS (RFC 8216, 3.2
// and 3.3). Its errors are those of Demux: a section without a video track that can be read is refused.
func ParseInit(b []byte) (*Init, error) {
	init, err := parseInit(b)
	if err != nil {
		return nil, fmt.Errorf("parse initialisation section: %w", err)
	}
	return init, nil
}

func parseInit(b []byte) (*Init, error) {
	switch kind := sniff(b); kind {
	case kindTS:
		prog, err := findProgram(b)
		if err != nil {
			return nil, err
		}
		return &Init{program: prog}, nil
	case kindMP4:
		return parseMoov(b)
	default:
		return nil, kind.refuse()
	}
}

func parseMoov(b []byte) (*Init, error) {
	b = bytes.Clone(child(b, "moov")) // what is kept of it outlives the caller's bytes
	if b == nil {
		return nil, fmt.Errorf("MP4 without a moov box: %w", ErrFormat)
	}
	refusal := fmt.Errorf("MP4 without a video track: %w", ErrNoVideo)
	movieScale := movieScale(child(b, "mvhd"))
	tracks := 0
	var video *track
	var others []uint32
	for kind, x := range boxes(b) {
		if tracks++; kind != "trak" || tracks > maxTracks {
			continue
		}
		if video != nil {
			others = append(others, parseTrackHeader(x.body).id)
			continue
		}
		t, err := parseTrack(x.body, movieScale)
		if err != nil {
			others = append(others, parseTrackHeader(x.body).id)
			refusal = worse(refusal, err)
			continue
		}
		video = t
	}
	if video == nil {
		return nil, refusal
	}
	mvex := child(b, "mvex")
	if mvex == nil {
		return nil, fmt.Errorf("MP4 that is not fragmented (no mvex box): %w", ErrFormat)
	}
	video.others, video.trex = others, parseTrex(mvex, video.id)
	return &Init{track: video}, nil
}

func movieScale(mvhd []byte) uint32 {
	f := fields{b: mvhd}
	version, _ := f.version()
	f.either(version)
	f.either(version)
	return f.u32()
}

// parseTrack reads a trak box; its error says why the track's video cannot be read.
func parseTrack(b []byte, movieScale uint32) (*track, error) {
	hdlr := fields{b: child(b, "mdia", "hdlr")}
	hdlr.bytes(8)
	if string(hdlr.bytes(4)) != "vide" {
		return nil, fmt.Errorf("track without video: %w", ErrNoVideo)
	}
	header := parseTrackHeader(b)
	t := &track{id: header.id, turn: header.turn}
	mdhd := fields{b: child(b, "mdia", "mdhd")}
	version, _ := mdhd.version()
	mdhd.either(version)
	mdhd.either(version)
	t.scale = mdhd.u32()
	if header.short || mdhd.short || t.scale == 0 {
		return nil, fmt.Errorf("video track without id or timescale: %w", ErrFormat)
	}
	t.shift = parseEdits(child(b, "edts", "elst"), movieScale, t.scale)
	t.entries = parseEntries(child(b, "mdia", "minf", "stbl", "stsd"))
	var refusal error
	for _, e := range t.entries {
		if e.err == nil {
			return t, nil
		}
		refusal = worse(refusal, e.err)
	}
	if refusal == nil {
		refusal = fmt.Errorf("video track without a sample entry: %w", ErrFormat)
	}
	return nil, refusal
}

// trackHeader is what a tkhd box says (8.3.2).
type trackHeader struct {
	id    uint32
	turn  int // degrees clockwise
	short bool
}

func parseTrackHeader(trak []byte) trackHeader {
	f := fields{b: child(trak, "tkhd")}
	version, _ := f.version()
	f.either(version)
	f.either(version)
	h := trackHeader{id: f.u32(), short: f.short}
	f.u32()
	f.either(version) // duration
	f.bytes(16)       // of which the last 8 are layer, alternate_group and volume
	var matrix [9]int32
	for i := range matrix {
		matrix[i] = int32(f.u32())
	}
	const one = 1 << 16
	switch [4]int32{matrix[0], matrix[1], matrix[3], matrix[4]} { // x' = ax + cy, y' = bx + dy; y points down
	case [4]int32{0, one, -one, 0}:
		h.turn = 90
	case [4]int32{-one, 0, 0, -one}:
		h.turn = 180
	case [4]int32{0, -one, one, 0}:
		h.turn = 270
	}
	return h
}

// maxDelay bounds what an edit list delays a track, in seconds.
const maxDelay = 1 << 30

// parseEdits returns what the edit list of a track that plays from one edit on adds to its times: empty edits delay
// it, and the media time of the first other edit is where it begins (8.6.6).
func parseEdits(elst []byte, movieScale, scale uint32) int64 {
	f := fields{b: elst}
	version, _ := f.version()
	delay := int64(0)
	for range f.u32() {
		duration, media := f.either(version), int64(f.either(version))
		if version == 0 {
			media = int64(int32(media))
		}
		f.bytes(4) // media_rate
		if f.short || media < -1 || media/int64(scale) > maxSeconds || movieScale == 0 || duration/uint64(movieScale) > maxDelay {
			return 0
		}
		if media >= 0 {
			return rescale(delay, movieScale, scale) - media
		}
		delay += int64(duration)
		if delay/int64(movieScale) > maxDelay {
			return 0
		}
	}
	return 0
}

func parseTrex(mvex []byte, id uint32) sampleDefaults {
	for kind, x := range boxes(mvex) {
		f := fields{b: x.body}
		f.version()
		if kind == "trex" && f.u32() == id {
			return sampleDefaults{entry: f.u32(), duration: f.u32(), size: f.u32()}
		}
	}
	return sampleDefaults{entry: 1}
}

func parseEntries(stsd []byte) []entry {
	if len(stsd) < 8 {
		return nil
	}
	var entries []entry
	for kind, x := range boxes(stsd[8:]) {
		if len(entries) == maxEntries {
			break
		}
		entries = append(entries, parseEntry(kind, x.body))
	}
	return entries
}

// visualEntry is the length of a VisualSampleEntry's fields (12.1.3), after which its boxes follow.
const visualEntry = 78

func parseEntry(kind string, b []byte) entry {
	if len(b) < visualEntry {
		return entry{err: fmt.Errorf("short sample entry %q: %w", kind, ErrFormat)}
	}
	b = b[visualEntry:]
	var e entry
	switch kind {
	case "encv":
		scheme := fields{b: child(b, "sinf", "schm")}
		scheme.version()
		return entry{err: fmt.Errorf("common encryption, scheme %q: %w", scheme.bytes(4), ErrEncrypted)}
	case "avc1", "avc2", "avc3", "avc4", "dva1", "dvav":
		e = parseAVCC(child(b, "avcC"))
	case "hvc1", "hev1", "dvh1", "dvhe":
		e = parseHVCC(child(b, "hvcC"))
	default:
		return entry{err: fmt.Errorf("sample entry %q%s: %w", kind, codecName(kind), ErrCodec)}
	}
	e.box = parseColour(b)
	return e
}

// codecName names what a sample entry that is not read holds, or returns "".
func codecName(kind string) string {
	switch kind {
	case "av01":
		return " (AV1)"
	case "vp08", "vp09":
		return " (VP" + kind[3:] + ")"
	case "vvc1", "vvi1":
		return " (VVC)"
	case "vc-1":
		return " (VC-1)"
	case "mp4v":
		return " (MPEG-4 part 2 or MPEG-2)"
	}
	return ""
}

// parseColour reads a sample entry's pasp and colr boxes (12.1.4, 12.1.5).
func parseColour(b []byte) colour {
	var c colour
	for kind, x := range boxes(b) {
		f := fields{b: x.body}
		switch kind {
		case "pasp":
			c.aspectWidth, c.aspectHeight = int(f.u32()), int(f.u32())
		case "colr":
			if form := string(f.bytes(4)); form == "nclx" || form == "nclc" {
				c.primaries, c.transfer = f.u16(), f.u16()
				f.u16() // matrix
				c.fullRange = form == "nclx" && f.u8()&0x80 != 0
			}
		}
	}
	return c
}

// parseAVCC reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func parseAVCC(b []byte) entry {
	f := fields{b: b}
	f.bytes(4)
	e := entry{codec: H264, lenLen: uint8(f.u8()&3 + 1)}
	for range f.u8() & 31 {
		e.keep(f.bytes(f.u16()))
	}
	for range f.u8() {
		e.keep(f.bytes(f.u16()))
	}
	if f.short {
		e.err = fmt.Errorf("avcC box missing or short: %w", ErrFormat)
	}
	return e
}

// parseHVCC reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
func parseHVCC(b []byte) entry {
	f := fields{b: b}
	f.bytes(21)
	e := entry{codec: HEVC, lenLen: uint8(f.u8()&3 + 1)}
	for range f.u8() {
		f.u8()
		for range f.u16() {
			nal := f.bytes(f.u16())
			if f.short {
				break
			}
			e.keep(nal)
		}
	}
	if f.short {
		e.err = fmt.Errorf("hvcC box missing or short: %w", ErrFormat)
	}
	slices.SortStableFunc(e.params, func(a, b []byte) int { return cmp.Compare(hevcType(a), hevcType(b)) })
	return e
}

func hevcType(nal []byte) h265.NALUType { return h265.NALUType(nal[0] >> 1 & 63) }

func (e *entry) keep(nal []byte) {
	if e.codec.classify(nal) == nalParams && len(nal) <= maxParameterSet && len(e.params) < maxParameters {
		e.params = append(e.params, nal)
	}
}
