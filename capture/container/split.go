package container

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// seam is what a start code that lies across two packets needs to be found and cut.
type seam struct {
	tail     []byte // the last bytes of the packet before, at most three
	off      int    // its place
	size     int    // its payload bytes
	fresh    bool   // no unit has begun in the PES packet at hand: its time is for the first that does
	pictured bool   // MPEG-2: the open unit's picture header was passed
	joined   []byte // the tail with what follows it, kept for its memory
}

// addSplit takes payload of a stream whose PES packets begin anywhere: a unit ends where a delimiter begins the next
// (ISO/IEC 13818-1, 2.14.1 demands one in every access unit of H.264 and HEVC; MPEG-2 has its headers).
func (r *tsReader) addSplit(off int, es []byte) {
	tail := len(r.seam.tail)
	joined := append(append(r.seam.joined[:0], r.seam.tail...), es...)
	r.seam.joined = joined
	given := tail
	for i := r.delimiter(joined, 0); i >= 0; i = r.delimiter(joined, i+4) {
		if r.open {
			r.add(off, joined[given:max(i, given)])
		}
		if r.open {
			r.size -= max(0, given-i)
			r.end(true)
		}
		if i < tail {
			r.begin(r.seam.off, r.seam.size-(tail-i))
		} else {
			r.begin(off, i-tail)
		}
		if r.seam.fresh && r.pes.timed {
			r.pts, r.dts, r.timed = r.pes.pts, r.pes.dts, true
		}
		r.seam.fresh = false
		given = i
	}
	switch {
	case r.open:
		r.add(off, joined[given:])
	case !r.counted:
		r.headerless()
	}
	r.seam.tail = append(r.seam.tail[:0], es[max(0, len(es)-3):]...)
	r.seam.off, r.seam.size = off, len(es)
}

// delimiter finds a start code in b, at or after from, with which an access unit begins, or returns -1.
func (r *tsReader) delimiter(b []byte, from int) int {
	want := byte(h264.NALUTypeAccessUnitDelimiter)
	if r.units.codec == HEVC {
		want = byte(h265.NALUType_AUD_NUT) << 1
	}
	for {
		begin, behind := startCode(b, from)
		if behind < 0 || behind >= len(b) {
			return -1
		}
		if r.units.codec == MPEG2 {
			if r.pictureBegins(b[behind]) {
				return begin
			}
		} else if b[behind] == want {
			return begin
		}
		from = behind
	}
}

// pictureBegins reports whether an MPEG-2 access unit begins with a start code: that of a picture, or of the first
// header in front of it (ISO/IEC 13818-1, 2.1.1).
func (r *tsReader) pictureBegins(code byte) bool {
	if code != codePicture && code != codeGroup && code != codeSequence {
		return false
	}
	begins := !r.open || r.seam.pictured
	r.seam.pictured = code == codePicture
	return begins
}
