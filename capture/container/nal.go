package container

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// sliceHead is how many bytes of a slice tell all that picture wants to know.
const sliceHead = 16

// nalKind is what a NAL unit is, as far as the codecs share it. MPEG-2 video has none: what stands between two of its
// start codes goes for one.
type nalKind int

const (
	nalOther nalKind = iota
	nalDelimiter
	nalParams
	nalSEI
	nalSlice
)

// classify reads the NAL unit header (H.264 7.3.1, H.265 7.3.1.2).
func (c Codec) classify(nal []byte) nalKind {
	if len(nal) == 0 {
		return nalOther
	}
	switch c {
	case HEVC:
		return classifyHEVC(nal)
	case MPEG2:
		return classifyMPEG2(nal)
	}
	switch h264.NALUType(nal[0] & 31) {
	case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeIDR:
		return nalSlice
	case h264.NALUTypeSPS, h264.NALUTypePPS:
		return nalParams
	case h264.NALUTypeSEI:
		return nalSEI
	case h264.NALUTypeAccessUnitDelimiter:
		return nalDelimiter
	}
	return nalOther
}

func classifyHEVC(nal []byte) nalKind {
	if len(nal) < 2 || nal[0]&1 != 0 || nal[1]>>3 != 0 { // a layer above the base layer
		return nalOther
	}
	switch typ := h265.NALUType(nal[0] >> 1 & 63); {
	case typ <= 9, typ >= h265.NALUType_BLA_W_LP && typ <= h265.NALUType_CRA_NUT:
		return nalSlice
	case typ == h265.NALUType_VPS_NUT, typ == h265.NALUType_SPS_NUT, typ == h265.NALUType_PPS_NUT:
		return nalParams
	case typ == h265.NALUType_AUD_NUT:
		return nalDelimiter
	case typ == h265.NALUType_PREFIX_SEI_NUT:
		return nalSEI
	}
	return nalOther
}

// laterSlice reports whether nal is a slice that is not the first of its picture: first_mb_in_slice, or
// first_slice_segment_in_pic_flag, says so in its first bit.
func (c Codec) laterSlice(nal []byte) bool {
	head := 1
	if c == HEVC {
		head = 2
	}
	return c.classify(nal) == nalSlice && len(nal) > head && nal[head]&0x80 == 0
}

// picture learns what an access unit is from its NAL units up to the first slice.
type picture struct {
	codec     Codec
	found     bool // the first slice was seen
	key       bool
	reference bool
	layer     uint8
	field     field
	params    [][]byte // borrowed
	sei       [][]byte // borrowed

	known  []byte // the SPS, or MPEG-2 sequence header, in force; nil before the first
	coding coding // what known says

	set   []byte // MPEG-2: the sequence header at hand
	begun bool   // MPEG-2: the picture header was seen
	kind  uint16 // MPEG-2: picture_coding_type
	woven bool   // MPEG-2: its fields are not of one instant
}

func (p *picture) reset() {
	*p = picture{codec: p.codec, params: p.params[:0], sei: p.sei[:0], known: p.known, coding: p.coding, set: p.set[:0]}
}

func (p *picture) add(nal []byte) {
	if p.codec == MPEG2 {
		p.addMPEG2(nal)
		return
	}
	switch p.codec.classify(nal) {
	case nalParams:
		if p.codec == H264 && p.codec.isSequence(nal) && len(nal) <= maxParameterSet {
			p.learn(nal)
		}
		if len(nal) <= maxParameterSet && len(p.params) < maxParameters && !containsSet(p.params, nal) {
			p.params = append(p.params, nal)
		}
	case nalSEI:
		if len(p.sei) < maxParameters {
			p.sei = append(p.sei, nal)
		}
	case nalSlice:
		p.found = true
		if p.codec == HEVC {
			p.sliceHEVC(nal)
		} else {
			p.sliceH264(nal)
		}
	}
}

func (p *picture) sliceH264(nal []byte) {
	p.reference = nal[0]&0x60 != 0 // nal_ref_idc
	p.field = p.coding.readField(nal)
	if h264.NALUType(nal[0]&31) == h264.NALUTypeIDR {
		p.key = true
		return
	}
	p.key = intraSlice(nal) && p.recovers()
}

// sliceHEVC takes a sub-layer non-reference picture for one that nobody needs; pictures of a higher TemporalId may
// still need it, which collector.video mends.
func (p *picture) sliceHEVC(nal []byte) {
	typ := h265.NALUType(nal[0] >> 1 & 63)
	p.layer = nal[1]&7 - 1
	p.reference = typ > h265.NALUType_RSV_VCL_R15 || typ&1 == 1
	p.key = typ >= h265.NALUType_BLA_W_LP && typ <= h265.NALUType_CRA_NUT
}

// intraSlice reports whether an H.264 slice's slice_type is I (7.3.3).
func intraSlice(nal []byte) bool {
	pos := 8
	if _, err := bits.ReadGolombUnsigned(nal, &pos); err != nil { // first_mb_in_slice
		return false
	}
	typ, err := bits.ReadGolombUnsigned(nal, &pos)
	return err == nil && (typ == 2 || typ == 7)
}

// splitAnnexB splits a byte stream at its start codes (H.264 and H.265 Annex B).
func splitAnnexB(c Codec, b []byte) ([][]byte, error) {
	var out [][]byte
	_, start := startCode(b, 0)
	if start < 0 {
		return nil, fmt.Errorf("no start code: %w", ErrFormat)
	}
	for start >= 0 {
		from := start
		var next int
		next, start = startCode(b, from)
		if nal := bytes.TrimRight(b[from:next], "\x00"); len(nal) > 0 && c.classify(nal) != nalDelimiter {
			out = append(out, nal)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no NAL unit: %w", ErrFormat)
	}
	return out, nil
}

// startCode finds the next start code prefix at or after from: where it begins and the place behind it, or len(b)
// and -1.
func startCode(b []byte, from int) (begin, behind int) {
	for i := from + 2; i < len(b); i++ {
		j := bytes.IndexByte(b[i:], 1)
		if j < 0 {
			break
		}
		i += j
		if b[i-1] == 0 && b[i-2] == 0 {
			return i - 2, i + 1
		}
	}
	return len(b), -1
}

// splitLengths splits a sample at its length prefixes of n bytes (ISO/IEC 14496-15, 4.3.3 and 5.3.3).
func splitLengths(c Codec, b []byte, n int) ([][]byte, error) {
	var out [][]byte
	for len(b) > 0 {
		nal, rest, ok := cutLength(b, n)
		if !ok {
			return nil, fmt.Errorf("NAL unit longer than its sample: %w", ErrFormat)
		}
		if len(nal) > 0 && c.classify(nal) != nalDelimiter {
			out = append(out, nal)
		}
		b = rest
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no NAL unit: %w", ErrFormat)
	}
	return out, nil
}

func cutLength(b []byte, n int) (nal, rest []byte, ok bool) {
	if len(b) < n {
		return nil, nil, false
	}
	size := uint64(0)
	for _, c := range b[:n] {
		size = size<<8 | uint64(c)
	}
	if size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

func containsSet(sets [][]byte, nal []byte) bool {
	return slices.ContainsFunc(sets, func(s []byte) bool { return bytes.Equal(s, nal) })
}
