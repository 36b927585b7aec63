package container

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// parity says which lines a picture holds.
type parity uint8

const (
	frame parity = iota
	topField
	bottomField
)

func (p parity) opposite(q parity) bool { return p != frame && q != frame && p != q }

// field is what joins two field pictures to one: they have opposite parity and the same number.
type field struct {
	parity parity
	number uint32 // H.264: frame_num; MPEG-2: temporal_reference
	idr    bool
}

// completedBy reports whether pic may be the second field to the first field f, whose picture others need or not
// (H.264 3.30 and 3.31: complementary field pairs; H.262 6.1.1.4.1).
func (f field) completedBy(pic *picture, reference bool) bool {
	second := pic.field
	return f.parity.opposite(second.parity) && f.number == second.number && pic.reference == reference && (f.idr || !second.idr)
}

// coding is what an H.264 SPS says of how slice headers are to be read.
type coding struct {
	fields     bool // pictures may be fields
	planes     bool // slices name their colour plane
	numberBits int  // of frame_num
}

// learn takes a sequence parameter set into force.
func (p *picture) learn(set []byte) {
	if len(set) == 0 || string(set) == string(p.known) {
		return
	}
	p.known = append([]byte(nil), set...)
	if p.codec != H264 {
		return
	}
	var sps h264.SPS
	p.coding = coding{}
	if sps.Unmarshal(set) == nil && sps.Log2MaxFrameNumMinus4 <= 12 {
		p.coding = coding{!sps.FrameMbsOnlyFlag, sps.SeparateColourPlaneFlag, int(sps.Log2MaxFrameNumMinus4) + 4}
	}
}

// readField reads an H.264 slice header as far as bottom_field_flag (7.3.3).
func (c coding) readField(nal []byte) field {
	if !c.fields {
		return field{}
	}
	var head [sliceHead]byte
	b := unescape(head[:0], nal[1:])
	pos := 0
	for range 3 { // first_mb_in_slice, slice_type, pic_parameter_set_id
		if _, err := bits.ReadGolombUnsigned(b, &pos); err != nil {
			return field{}
		}
	}
	if c.planes {
		pos += 2
	}
	number, err := bits.ReadBits(b, &pos, c.numberBits)
	if err != nil || bits.HasSpace(b, pos, 2) != nil || !bits.ReadFlagUnsafe(b, &pos) {
		return field{}
	}
	f := field{topField, uint32(number), h264.NALUType(nal[0]&31) == h264.NALUTypeIDR}
	if bits.ReadFlagUnsafe(b, &pos) {
		f.parity = bottomField
	}
	return f
}

// unescape appends as many bytes of b as dst has room for, less the emulation prevention bytes (7.4.1).
func unescape(dst, b []byte) []byte {
	zeros := 0
	for _, c := range b {
		if len(dst) == cap(dst) {
			break
		}
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		zeros++
		if c != 0 {
			zeros = 0
		}
		dst = append(dst, c)
	}
	return dst
}
