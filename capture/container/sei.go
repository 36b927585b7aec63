package container

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Types of SEI messages (H.264 D.1, H.265 D.2).
const (
	seiRecoveryPoint       = 6
	seiDisplayOrientation  = 47
	seiAlternativeTransfer = 147
)

// messages yields the SEI messages of a NAL unit by their types (H.264 7.3.2.3.1, H.265 7.3.5).
func (c Codec) messages(nal []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		head := 1
		if c == HEVC {
			head = 2
		}
		if len(nal) < head {
			return
		}
		b := h264.EmulationPreventionRemove(nal[head:])
		for len(b) >= 2 && b[0] != 0x80 {
			typ, rest := seiNumber(b)
			size, rest := seiNumber(rest)
			size = min(size, len(rest))
			if !yield(typ, rest[:size]) {
				return
			}
			b = rest[size:]
		}
	}
}

// seiNumber reads a number coded as any count of 0xFF bytes and a last byte.
func seiNumber(b []byte) (int, []byte) {
	n := 0
	for i, c := range b {
		n += int(c)
		if c != 0xff {
			return n, b[i+1:]
		}
	}
	return n, nil
}

// recovers reports whether the picture brings a recovery point message (H.264 D.2.8).
func (p *picture) recovers() bool {
	return slices.ContainsFunc(p.sei, func(nal []byte) bool {
		for typ := range p.codec.messages(nal) {
			if typ == seiRecoveryPoint {
				return true
			}
		}
		return false
	})
}

// spoken is what a key picture's SEI messages say of how it is to be shown.
type spoken struct {
	rotation int // degrees clockwise
	transfer int // ITU-T H.273; 0: not said
}

func (p *picture) spoken() spoken {
	var s spoken
	for _, nal := range p.sei {
		for typ, b := range p.codec.messages(nal) {
			switch {
			case typ == seiDisplayOrientation && len(b) >= 3:
				s.rotation = orientation(b)
			case typ == seiAlternativeTransfer && len(b) >= 1:
				s.transfer = int(b[0])
			}
		}
	}
	return s
}

// orientation reads a display orientation message (H.264 D.1.27): a flag that cancels, two that mirror, and the turn
// against the clock in 65536ths of a circle. Both mirrors together are half a turn; one alone cannot be told here.
func orientation(b []byte) int {
	v := binary.BigEndian.Uint32([]byte{b[0], b[1], b[2], 0})
	cancel, across, upright := v>>31 == 1, v>>30&1, v>>29&1
	turn := v >> 13 & 0xffff
	if cancel || across != upright || turn%0x4000 != 0 {
		return 0
	}
	return int(360-turn/0x4000*90+180*across) % 360
}
