package container

// head reads an access unit's byte stream up to its first slice.
type head struct {
	pic  picture
	buf  []byte
	nal  int // where the NAL unit at hand begins, or -1
	next int // where to look for the next start code
}

func (h *head) reset() {
	h.pic.reset()
	h.buf, h.nal, h.next = h.buf[:0], -1, 0
}

// add takes more of the byte stream and reports whether the slice is still to be hoped for, or was found.
func (h *head) add(es []byte) bool {
	if h.pic.found {
		return true
	}
	if len(h.buf)+len(es) > maxHead {
		return false
	}
	h.buf = append(h.buf, es...)
	h.scan(sliceHead)
	return true
}

// flush takes the byte stream as ended: a slice may be as short as its header.
func (h *head) flush() {
	if h.pic.found {
		return
	}
	h.scan(3)
	if h.nal >= 0 && !h.pic.found {
		h.take(len(h.buf))
		h.nal = -1
	}
}

func (h *head) scan(need int) {
	for {
		if h.nal >= 0 && h.pic.codec.classify(h.buf[h.nal:]) == nalSlice && len(h.buf)-h.nal >= need {
			h.pic.add(h.buf[h.nal:])
			return
		}
		begin, behind := startCode(h.buf, h.next)
		if behind < 0 {
			h.next = max(h.next, len(h.buf)-2)
			return
		}
		if h.nal >= 0 {
			h.take(begin)
		}
		h.nal, h.next = behind, behind
		if h.pic.found {
			return
		}
	}
}

// take gives the picture what ends at end, without what was stuffed behind a NAL unit. The last bytes of an MPEG-2
// header may well be zeros.
func (h *head) take(end int) {
	b := h.buf[h.nal:end]
	if h.pic.codec != MPEG2 {
		b = trimZeros(b)
	}
	h.pic.add(b)
}

// continues reports whether a PES packet's payload goes on with the picture at hand: it begins with a slice that is
// not a picture's first.
func (h *head) continues(es []byte) bool {
	_, behind := startCode(es, 0)
	return behind >= 0 && h.pic.codec.laterSlice(es[behind:])
}

// insideNAL reports whether a PES packet's payload begins inside a NAL unit.
func insideNAL(es []byte) bool {
	begin, behind := startCode(es, 0)
	return len(trimZeros(es[:begin])) > 0 || behind < 0 && len(es) >= 4
}
