package container

import (
	"bytes"
	"fmt"
)

// demuxTS demultiplexes an MPEG-TS segment (RFC 8216, 3.2). Without tables of its own it has those of its EXT-X-MAP.
func demuxTS(init *Init, b []byte) (*Video, error) {
	prog, err := findProgram(b)
	if err != nil {
		if init == nil || init.program == nil {
			return nil, err
		}
		prog = init.program
	} else if init != nil && init.program != nil && init.program.pid == prog.pid && init.program.codec == prog.codec {
		prog.known = init.program.known
	}
	r := newTSReader(b, prog)
	r.split = prog.codec == MPEG2 // its PES packets may hold any number of pictures
	if err := r.read(); err != nil {
		return nil, err
	}
	if r.unaligned && !r.split {
		s := newTSReader(b, prog)
		s.split = true
		if err := s.read(); err != nil {
			return nil, err
		}
		if more := len(s.units.list) - len(r.units.list); more > 0 || more == 0 && s.units.damaged <= r.units.damaged {
			r = s
		}
	}
	v := r.units.video()
	switch {
	case len(v.Units) > 0:
	case r.scrambled > 0:
		return nil, fmt.Errorf("scrambled transport stream: %w", ErrEncrypted)
	case r.headless && v.Damaged == 1:
		return nil, fmt.Errorf("transport stream with a piece of a picture alone: %w", ErrEmpty)
	case v.Damaged > 0:
		return nil, fmt.Errorf("transport stream with damaged pictures alone: %w", ErrFormat)
	default:
		return nil, fmt.Errorf("transport stream without a picture: %w", ErrEmpty)
	}
	if !fillTimes(v.Units, r.untimed) {
		return nil, fmt.Errorf("transport stream without a timestamp: %w", ErrFormat)
	}
	v.Cues = r.cues
	for i := range v.Cues {
		v.Cues[i].PTS = v.Units[min(max(0, r.cueUnits[i]), len(v.Units)-1)].PTS
	}
	tables := *prog
	tables.known = r.head.pic.known
	v.Tables = &Init{program: &tables}
	return v, nil
}

// tsReader collects the access units of one PID. A unit is the PES packets from one that begins a picture to before
// the next that does: muxers put one picture into one PES packet, some its slices or its parameter sets into several. A
// few begin PES packets anywhere: such a stream is read again, split at its access unit delimiters.
type tsReader struct {
	b     []byte
	pid   uint16
	units collector

	cc        continuity
	head      head
	begun     bool // a PES packet has begun
	open      bool // a unit is being collected
	split     bool // units begin at delimiters, not at PES packets
	unaligned bool // a PES packet began inside a NAL unit
	counted   bool // no unit is open because of damage, which was counted
	apart     bool // something of the PID lies between the last unit and what follows
	headless  bool // the first packet goes on with a picture that began before
	scrambled int

	first, last int // places of the open unit's packets
	skip        int // payload bytes of the first packet that are not the unit's
	size        int // payload bytes of the open unit
	pes         pes // the open unit's last PES packet
	got         int // its payload bytes
	stuffed     bool
	pts, dts    int64
	timed       bool

	untimed []int
	seam    seam
	before  int // place of the last unit's first packet

	streams  []cueStream
	cues     []Cue
	cueUnits []int // indexes of the units whose time the cues get
}

func newTSReader(b []byte, prog *program) *tsReader {
	r := &tsReader{b: b, pid: prog.pid, units: collector{codec: prog.codec}}
	r.head.pic.codec = prog.codec
	r.head.pic.learn(prog.known)
	for _, pid := range prog.cues {
		r.streams = append(r.streams, cueStream{pid: pid})
	}
	return r
}

func (r *tsReader) read() error {
	expected, ours := 0, false
	for off, ok := nextPacket(r.b, 0); ok; off, ok = nextPacket(r.b, expected) {
		if off != expected {
			if ours && r.open {
				r.end(false) // bytes are missing or too many within the packet before
				r.counted = true
			}
			r.gap()
		}
		expected = off + packetSize
		p := r.b[off:expected]
		pid := packetPID(p)
		ours = pid == r.pid && p[1]&0x80 == 0 // transport_error_indicator
		if !ours {
			if len(r.streams) > 0 {
				r.cuePacket(pid, p)
			}
			continue
		}
		r.packet(off, p)
		if len(r.units.list) >= maxUnits {
			return fmt.Errorf("more than %d pictures: %w", maxUnits, ErrFormat)
		}
	}
	if expected < len(r.b) {
		r.gap()
	}
	if r.open {
		r.end(r.pes.size == 0 || r.got >= r.pes.size)
	}
	return nil
}

func (r *tsReader) packet(off int, p []byte) {
	if p[3]&0x10 == 0 {
		return
	}
	if p[3]&0xc0 != 0 {
		r.scrambled++
		return
	}
	switch r.cc.next(p) {
	case stepRepeat:
		return
	case stepGap:
		r.gap()
	}
	data, stuffed := packetPayload(p)
	if data == nil {
		r.gap()
		return
	}
	switch {
	case p[1]&0x40 != 0:
		r.start(off, data)
	case r.split:
		r.addSplit(off, data)
	case r.open:
		r.add(off, data)
	case !r.counted:
		r.headerless()
	}
	r.stuffed = stuffed
}

// gap notes that packets of the PID may be missing here: the open unit is whole only if its end was seen.
func (r *tsReader) gap() {
	r.seam = seam{}
	if r.open {
		whole := !r.split && (r.stuffed || r.pes.size > 0 && r.got >= r.pes.size)
		r.end(whole)
		r.counted = !whole
	}
	r.apart = true
}

// cuePacket gathers cues, and with which unit each came: the one at hand, or else the last.
func (r *tsReader) cuePacket(pid uint16, p []byte) {
	if p[1]&0x80 != 0 {
		return
	}
	for i := range r.streams {
		if s := &r.streams[i]; s.pid == pid {
			s.packet(p, func(section []byte) {
				if len(r.cues) >= maxCues {
					return
				}
				at := len(r.units.list)
				if !r.open {
					at--
				}
				r.cues, r.cueUnits = append(r.cues, Cue{Section: bytes.Clone(section)}), append(r.cueUnits, at)
			})
			return
		}
	}
}

// noUnit notes that the unit at hand did not become one of its own: its cues go to the one before.
func (r *tsReader) noUnit() {
	for i := len(r.cueUnits) - 1; i >= 0 && r.cueUnits[i] == len(r.units.list); i-- {
		r.cueUnits[i]--
	}
}

// start takes the first packet of a PES packet.
func (r *tsReader) start(off int, data []byte) {
	r.begun = true
	h, ok := readPES(data)
	if !ok {
		if r.open {
			r.end(true)
		}
		r.units.damaged++
		r.counted, r.apart = true, true
		return
	}
	es := data[h.header:]
	if r.split {
		r.pes, r.got, r.seam.fresh = h, 0, true
		r.addSplit(off, es)
		return
	}
	if r.open {
		r.head.flush()
		inside := insideNAL(es)
		r.unaligned = r.unaligned || inside
		if r.head.pic.found && !inside && !r.head.continues(es) {
			r.end(true)
		}
	}
	if !r.open {
		r.begin(off, 0)
	}
	if h.timed && !(r.timed && r.head.pic.found) {
		r.pts, r.dts, r.timed = h.pts, h.dts, true
	}
	r.pes, r.got = h, 0
	r.add(off, es)
}

// headerless counts a picture whose beginning is missing.
func (r *tsReader) headerless() {
	r.headless = !r.begun
	r.units.damaged++
	r.counted = true
}

// begin opens a unit whose first packet is at off.
func (r *tsReader) begin(off, skip int) {
	r.open, r.counted, r.timed = true, false, false
	r.first, r.last, r.skip, r.size = off, off, skip, 0
	r.head.reset()
}

func (r *tsReader) add(off int, es []byte) {
	r.last = off
	r.size += len(es)
	r.got += len(es)
	if !r.head.add(es) || r.size > maxUnitSize {
		r.end(false)
		r.counted = true
	}
}

// end closes the open unit, which is whole or else counted as damaged.
func (r *tsReader) end(whole bool) {
	r.open = false
	r.head.flush()
	pic := &r.head.pic
	if !whole || !pic.found {
		r.apart = true
		r.noUnit()
		if !whole {
			r.units.damaged++
		} // else a delimiter or parameter sets, but no picture
		return
	}
	if !r.apart && r.units.completes(pic) {
		r.units.complete(r.b[r.before:r.last+packetSize], r.size)
		r.noUnit()
		return
	}
	if !r.timed {
		r.untimed = append(r.untimed, len(r.units.list))
	}
	r.apart, r.before = false, r.first
	r.units.add(pic, Unit{
		PTS: r.pts, DTS: r.dts,
		pid: r.pid, skip: uint8(r.skip), size: r.size, raw: r.b[r.first : r.last+packetSize],
	})
}

// assemble copies the unit's payload out of its packets.
func (u Unit) assemble() []byte {
	out := make([]byte, 0, int(u.skip)+u.size)
	var cc continuity
	for b := u.raw; len(b) >= packetSize; b = b[packetSize:] {
		p := b[:packetSize]
		if packetPID(p) != u.pid || p[1]&0x80 != 0 || p[3]&0xd0 != 0x10 || cc.next(p) == stepRepeat {
			continue
		}
		data, _ := packetPayload(p)
		if p[1]&0x40 != 0 {
			h, _ := readPES(data)
			data = data[h.header:]
		}
		out = append(out, data...) // a last packet may hold more than the unit
	}
	return out[min(int(u.skip), len(out)):min(int(u.skip)+u.size, len(out))]
}
