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
}

// entry is one sample entry: how to decode the samples that name it.
type entry struct {
	codec  Codec
	lenLen uint8
	params [][]byte
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
	for kind, x := range boxes(b) {
		if tracks++; kind != "trak" || tracks > maxTracks {
			continue
		}
		t, err := parseTrack(x.body, movieScale)
		if err != nil {
			refusal = worse(refusal, err)
			continue
		}
		mvex := child(b, "mvex")
		if mvex == nil {
			return nil, fmt.Errorf("MP4 that is not fragmented (no mvex box): %w", ErrFormat)
		}
		t.trex = parseTrex(mvex, t.id)
		return &Init{track: t}, nil
	}
	return nil, refusal
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
	t := new(track)
	tkhd := fields{b: child(b, "tkhd")}
	version, _ := tkhd.version()
	tkhd.either(version)
	tkhd.either(version)
	t.id = tkhd.u32()
	mdhd := fields{b: child(b, "mdia", "mdhd")}
	version, _ = mdhd.version()
	mdhd.either(version)
	mdhd.either(version)
	t.scale = mdhd.u32()
	if tkhd.short || mdhd.short || t.scale == 0 {
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
	switch kind {
	case "encv":
		scheme := fields{b: child(b, "sinf", "schm")}
		scheme.version()
		return entry{err: fmt.Errorf("common encryption, scheme %q: %w", scheme.bytes(4), ErrEncrypted)}
	case "avc1", "avc2", "avc3", "avc4", "dva1", "dvav":
		return parseAVCC(child(b, "avcC"))
	case "hvc1", "hev1", "dvh1", "dvhe":
		return parseHVCC(child(b, "hvcC"))
	}
	return entry{err: fmt.Errorf("sample entry %q: %w", kind, ErrCodec)}
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
