package scte35

import (
	"bytes"
	"encoding/binary"
)

// withoutSubSegments returns the section with its descriptor number i two bytes shorter. Later editions of the standard
// put sub_segment_num and sub_segments_expected behind more segmentation types than the library knows, and it refuses
// what it does not expect.
func withoutSubSegments(b []byte, i int) ([]byte, bool) {
	const tagged, header = 2, 2 + 4 + 4 + 1 // splice_descriptor_tag's value; a segmentation_descriptor's fixed front
	size := int(binary.BigEndian.Uint16(b[atCommandSize:]) & 0xfff)
	loop := atCommand + size
	if size == 0xfff || loop+2+4 > len(b) { // legacy sections tell no size
		return nil, false
	}
	at := loop + 2
	for ; i > 0 && at+1 < len(b); i-- {
		at += 2 + int(b[at+1])
	}
	if at+2 > len(b) {
		return nil, false
	}
	end := at + 2 + int(b[at+1])
	if b[at] != tagged || end-at < header+2 || end > len(b)-4 {
		return nil, false
	}
	out := append(bytes.Clone(b[:end-2]), b[end:]...)
	out[at+1] -= 2
	lengths := []int{1, loop}
	for _, l := range lengths {
		binary.BigEndian.PutUint16(out[l:], binary.BigEndian.Uint16(out[l:])-2)
	}
	body := out[:len(out)-4]
	binary.BigEndian.PutUint32(out[len(body):], checksum(body))
	return out, true
}

// checksum is the CRC of ISO/IEC 13818-1, annex A: 0 over a section that ends in its own.
func checksum(b []byte) uint32 {
	const polynomial = 0x04c11db7
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			top := crc >> 31
			crc = crc<<1 ^ top*polynomial
		}
	}
	return crc
}
