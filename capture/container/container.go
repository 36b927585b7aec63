// Package container owns turning MPEG-TS and fragmented MP4 segments into video access units: their times, which of
// them a decoder can start at, and their NAL units. It is plain Go and never copies the payload of a unit that
// nobody asks for.
package container

import (
	"bytes"
	"errors"
	"fmt"
)

// Clock is the number of ticks a second of every PTS and DTS of this package (ISO/IEC 13818-1, 2.4.3.7).
const Clock = 90000

// What one segment may hold. Anything beyond is damage or malice.
const (
	maxUnits        = 1 << 17   // pictures: over half an hour at 60 a second
	maxUnitSize     = 16 << 20  // bytes of one picture: twice what a 50 Mb/s 2160p stream needs
	maxHead         = 128 << 10 // bytes before the first slice of a picture
	maxParameterSet = 4 << 10   // bytes of one SPS, PPS or VPS
	maxParameters   = 64        // parameter sets in one picture or sample entry
)

// Errors of ParseInit, Demux and Unit.NALUs. Each is wrapped in one that says what was found.
var (
	// ErrNoVideo is returned for audio or subtitles alone: packed audio, WebVTT, a stream without a video track.
	ErrNoVideo = errors.New("no video")
	// ErrCodec is returned for video that is neither H.264 nor HEVC, nor MPEG-2 in a transport stream.
	ErrCodec = errors.New("unsupported video codec")
	// ErrEncrypted is returned for video encrypted inside the container: SAMPLE-AES, Common Encryption, scrambled TS.
	ErrEncrypted = errors.New("encrypted video")
	// ErrFormat is returned for what is neither MPEG-TS nor fragmented MP4, or is damaged beyond use.
	ErrFormat = errors.New("not a usable segment")
	// ErrEmpty is returned when there are no bytes, or a video track without a picture: a part may hold audio alone, or a
	// piece of a large picture.
	ErrEmpty = errors.New("empty segment")
)

// Codec is a video codec.
type Codec int

// The codecs that Demux understands.
const (
	H264  Codec = iota + 1 // ITU-T H.264
	HEVC                   // ITU-T H.265
	MPEG2                  // ITU-T H.262
)

// String returns the codec's name as ffmpeg spells it.
func (c Codec) String() string {
	switch c {
	case H264:
		return "h264"
	case HEVC:
		return "hevc"
	case MPEG2:
		return "mpeg2video"
	}
	return "unknown"
}

// Video is the video track of one segment. It borrows the segment's bytes.
type Video struct {
	Codec Codec
	// Params are the parameter sets in force at the first unit, without start codes: SPS and PPS (H.264), or VPS,
	// SPS and PPS (HEVC); for MPEG-2 the sequence header with its extensions, from its start code on. Where a TS segment
	// starts between keyframes they are the first that it brings; nil if none.
	Params [][]byte
	// Width and Height are the picture's size after cropping, in pixels, by the first SPS of Params; 0 if unreadable.
	Width, Height int
	// Shape holds at the first unit, as far as Params or the container say.
	Shape Shape
	// Units are the whole pictures in decoding order, never empty.
	Units []Unit
	// Cues are the SCTE-35 sections of a transport stream or of an fMP4's event messages, in its order.
	Cues []Cue
	// Tables are the program tables of a transport stream and the sequence parameters in force at its end, for Demux of
	// what follows it, which may come without. They are nil for fMP4.
	Tables *Init
	// Damaged counts pictures that are left out because packets or bytes of them are missing: also those that a part or
	// a byte range cuts off.
	Damaged int
}

// Unit is one picture with what comes in front of it. The two fields of an interlaced picture are one unit, whether they
// come together or one after the other; its times are the first field's. A field of HEVC is a unit of its own.
type Unit struct {
	// PTS and DTS count ticks of Clock. From a TS they are as in the stream, 33 bits (0 to 2^33-1); from fMP4 they are
	// tfdt and trun, moved by the track's edit list as players do, rounded; they may be negative.
	PTS, DTS int64
	// Key says that decoding can start here: an H.264 IDR or an I picture with a recovery point SEI, an HEVC IDR, CRA
	// or BLA, an MPEG-2 I picture behind a sequence header; or a first field of that kind. Leading pictures after an
	// open GOP's key may refer to what came before it. A P picture where a gradual refresh begins is not a key: what is
	// decoded from there shows wrong pictures until the refresh is through.
	Key bool
	// Reference is false when no other picture needs this one.
	Reference bool
	// Params are the parameter sets, as in Video.Params, that came with a key unit, or that its sample entry newly brings into force; nil
	// when it brought none. They replace Video.Params from here on: an SPS in force is among them where the unit brought
	// but a PPS.
	Params [][]byte
	// Shape is that of the pictures from here on; nil where Params is.
	Shape *Shape

	codec  Codec
	layer  uint8  // HEVC TemporalId
	lenLen uint8  // bytes of a NAL unit's length prefix; 0: raw is a stretch of TS packets
	pid    uint16 // TS: the PID of the unit's packets
	skip   uint8  // TS: payload bytes of the first packet that are not the unit's
	size   int    // TS: payload bytes
	raw    []byte // the sample, or the packets from the unit's first to its last
}

// NALUs returns the unit's NAL units without start codes, lengths and access unit delimiters. Of MPEG-2 video, which
// has none, it returns a single slice: the unit's bytes as they are, start codes included. The slices are valid while
// the segment's bytes are. The error wraps ErrFormat when the payload is truncated or holds no NAL unit.
func (u Unit) NALUs() ([][]byte, error) {
	if u.codec == MPEG2 {
		return [][]byte{u.assemble()}, nil
	}
	var nalus [][]byte
	var err error
	if u.lenLen == 0 {
		nalus, err = splitAnnexB(u.codec, u.assemble())
	} else {
		nalus, err = splitLengths(u.codec, u.raw, int(u.lenLen))
	}
	if err != nil {
		return nil, fmt.Errorf("split access unit: %w", err)
	}
	return nalus, nil
}

// Demux returns the video of one whole, decrypted segment. init is the segment's parsed EXT-X-MAP, or nil when it has
// none; an fMP4 segment that brings its own moov needs none.
func Demux(init *Init, segment []byte) (*Video, error) {
	v, err := demux(init, segment)
	if err != nil {
		return nil, fmt.Errorf("demux segment: %w", err)
	}
	return v, nil
}

func demux(init *Init, segment []byte) (*Video, error) {
	switch kind := sniff(segment); kind {
	case kindTS:
		return demuxTS(init, segment)
	case kindMP4:
		return demuxMP4(init, segment)
	default:
		return nil, kind.refuse()
	}
}

// kind is what a segment's first bytes look like.
type kind int

const (
	kindNoise kind = iota
	kindEmpty
	kindTS
	kindMP4
	kindAudio
	kindText
	kindWebM
	kindPage
)

func (k kind) refuse() error {
	switch k {
	case kindEmpty:
		return fmt.Errorf("no bytes: %w", ErrEmpty)
	case kindAudio:
		return fmt.Errorf("packed audio (choose a variant with video): %w", ErrNoVideo)
	case kindText:
		return fmt.Errorf("WebVTT subtitles (choose a variant with video): %w", ErrNoVideo)
	case kindWebM:
		return fmt.Errorf("WebM (only MPEG-TS and fMP4 are read): %w", ErrFormat)
	case kindPage:
		return fmt.Errorf("a text page (the origin answered with an error page or a playlist): %w", ErrFormat)
	}
	return fmt.Errorf("neither MPEG-TS nor fMP4 (damaged, or still encrypted): %w", ErrFormat)
}

// sniff looks at the first bytes (RFC 8216, 3.1 to 3.5), and for TS at the packets' sync bytes.
func sniff(b []byte) kind {
	has := func(prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
	text := bytes.TrimLeft(b[:min(len(b), 64)], "\xef\xbb\xbf \t\r\n")
	switch {
	case len(b) == 0:
		return kindEmpty
	case len(b) >= 8 && topLevel(string(b[4:8])):
		return kindMP4
	case has("\x1a\x45\xdf\xa3"), has("\x1f\x43\xb6\x75"): // EBML header, Matroska cluster
		return kindWebM
	case bytes.HasPrefix(text, []byte("WEBVTT")):
		return kindText
	case len(text) > 0 && (text[0] == '<' || text[0] == '{' || text[0] == '#'):
		return kindPage
	}
	if b[0] == syncByte {
		if _, ok := resync(b, 0); ok {
			return kindTS
		}
	}
	switch {
	case has("ID3"), has("\x0b\x77"): // ID3 before packed audio, AC-3
		return kindAudio
	case len(b) >= 2 && b[0] == 0xff && b[1]&0xe0 == 0xe0 && b[1] != 0xff: // ADTS, MPEG audio
		return kindAudio
	}
	if _, ok := resync(b, 0); ok {
		return kindTS
	}
	return kindNoise
}

// topLevel reports whether an MP4 segment or initialisation section may begin with a box of this type.
func topLevel(box string) bool {
	switch box {
	case "ftyp", "styp", "moov", "moof", "mdat", "sidx", "ssix", "emsg", "prft", "free", "skip", "uuid", "wide", "pdin", "mfra":
		return true
	}
	return false
}
