//go:build !nocv

package opencv_test

import (
	"bytes"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"testing"
)

// bitString writes what parameter sets are made of.
type bitString struct{ bits []byte }

func (w *bitString) u(n int, v uint64) *bitString {
	for i := n - 1; i >= 0; i-- {
		w.bits = append(w.bits, byte(v>>i&1))
	}
	return w
}

// ue writes unsigned Exp-Golomb codes (H.264 clause 9.1).
func (w *bitString) ue(values ...uint64) *bitString {
	for _, v := range values {
		n := bits.Len64(v + 1)
		w.u(n-1, 0).u(n, v+1)
	}
	return w
}

// bytes returns the bits so far, filled up with zeros.
func (w *bitString) bytes() (out []byte) {
	for b := range slices.Chunk(w.bits, 8) {
		v := byte(0)
		for i, bit := range b {
			v |= bit << (7 - i)
		}
		out = append(out, v)
	}
	return out
}

// nal closes the bits with the stop bit and puts emulation prevention in.
func (w *bitString) nal(header ...byte) []byte {
	w.u(1, 1)
	var out []byte
	for _, v := range w.bytes() {
		if v <= 3 && bytes.HasSuffix(out, []byte{0, 0}) {
			out = append(out, 3)
		}
		out = append(out, v)
	}
	return append(header, out...)
}

// spsH264 is a baseline SPS (H.264 clause 7.3.2.1.1) for pictures of this size in pixels.
func spsH264(width, height uint64) []byte {
	w := new(bitString).u(8, 66).u(8, 0).u(8, 62)
	w.ue(0, 0, 2, 1).u(1, 0) // id, log2_max_frame_num, pic_order_cnt_type, references, gaps
	w.ue(width/16-1, height/16-1)
	return w.u(1, 1).u(1, 1).u(1, 0).u(1, 0).nal(0x67) // frames only, direct 8x8, no cropping, no VUI
}

// spsHEVC is a Main profile SPS (H.265 clause 7.3.2.2.1) for pictures of this size in pixels.
func spsHEVC(width, height uint64) []byte {
	w := new(bitString).u(4, 0).u(3, 0).u(1, 1)
	w.u(8, 1).u(32, 0x60000000).u(48, 0x900000000000).u(8, 186) // profile, compatibility, constraints, level
	w.ue(0, 1, width, height).u(1, 0)                           // id, 4:2:0, size, no window
	w.ue(0, 0, 4).u(1, 1).ue(4, 2, 0)                           // depths, POC, sub-layer ordering
	w.ue(0, 3, 0, 3, 0, 0)                                      // block sizes
	w.u(1, 0).u(1, 0).u(1, 0).u(1, 0).ue(0)                     // scaling, AMP, SAO, PCM, no short-term sets
	return w.u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).nal(0x42, 0x01)
}

// resident returns the most memory that the process ever had, in KiB.
func resident(t testing.TB) (peak int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc")
	}
	i := bytes.Index(b, []byte("VmHWM:"))
	if _, err := fmt.Sscanf(string(b[i:]), "VmHWM: %d", &peak); err != nil {
		t.Fatal(err)
	}
	return peak
}
