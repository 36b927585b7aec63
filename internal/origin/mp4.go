package origin

import (
	"encoding/binary"
	"time"
)

// Fragmented MP4, as far as cutting and restamping needs it (ISO/IEC 14496-12).

// box is a box and where it stands.
type box struct {
	kind   string
	at, to int
	body   []byte
}

// boxes splits b into boxes; what is no box at the end is left out.
func boxes(b []byte) (list []box) {
	for at := 0; at+8 <= len(b); {
		size := int(binary.BigEndian.Uint32(b[at:]))
		if size < 8 || at+size > len(b) {
			return list
		}
		list = append(list, box{string(b[at+4 : at+8]), at, at + size, b[at+8 : at+size]})
		at += size
	}
	return list
}

// within returns the boxes at a path below b.
func within(b []byte, path ...string) (list []box) {
	for _, x := range boxes(b) {
		if x.kind != path[0] {
			continue
		}
		if len(path) == 1 {
			list = append(list, x)
		} else {
			list = append(list, within(x.body, path[1:]...)...)
		}
	}
	return list
}

// defaults are what a sample has where its fragment does not say (sections 8.8.3 and 8.8.7).
type defaults struct{ duration, size, flags uint32 }

// track is one of an initialization section.
type track struct {
	clock uint64 // ticks a second
	video bool
	defaults
}

func u32(b []byte, at int) uint32 {
	if len(b) < at+4 {
		return 0
	}
	return binary.BigEndian.Uint32(b[at:])
}

// field skips what version 1 of a box has longer.
func field(b []byte, v0, v1 int) uint32 {
	if len(b) > 0 && b[0] == 1 {
		return u32(b, v1)
	}
	return u32(b, v0)
}

func mp4Tracks(init []byte) map[uint32]track {
	tracks := map[uint32]track{}
	for _, t := range within(init, "moov", "trak") {
		var id uint32
		var made track
		for _, x := range within(t.body, "tkhd") {
			id = field(x.body, 12, 20)
		}
		for _, x := range within(t.body, "mdia", "mdhd") {
			made.clock = uint64(field(x.body, 12, 20))
		}
		for _, x := range within(t.body, "mdia", "hdlr") {
			made.video = len(x.body) >= 12 && string(x.body[8:12]) == "vide"
		}
		tracks[id] = made
	}
	for _, x := range within(init, "moov", "mvex", "trex") {
		t := tracks[u32(x.body, 4)]
		t.defaults = defaults{u32(x.body, 12), u32(x.body, 16), u32(x.body, 20)}
		tracks[u32(x.body, 4)] = t
	}
	return tracks
}

// fragment is what a traf says.
type fragment struct {
	id       uint32
	start    uint64
	duration uint64 // ticks
	key      bool   // its first sample is one
	first    int    // bytes of its first sample
	offset   int    // of its data from the moof's start
}

func readFragment(traf []byte, tracks map[uint32]track) (f fragment) {
	var d defaults
	for _, x := range within(traf, "tfhd") {
		f.id = u32(x.body, 4)
		d = tracks[f.id].defaults
		flags, at := u32(x.body, 0), 8
		next := func(flag uint32, size int) uint32 {
			if flags&flag == 0 {
				return 0
			}
			at += size
			return u32(x.body, at-4)
		}
		next(1, 8) // base data offset
		next(2, 4) // sample description
		if v := next(8, 4); v != 0 {
			d.duration = v
		}
		if v := next(0x10, 4); v != 0 {
			d.size = v
		}
		if flags&0x20 != 0 {
			d.flags = next(0x20, 4)
		}
	}
	for _, x := range within(traf, "tfdt") {
		f.start = uint64(u32(x.body, 4))
		if x.body[0] == 1 {
			f.start = f.start<<32 | uint64(u32(x.body, 8))
		}
	}
	for i, x := range within(traf, "trun") {
		readRun(&f, x.body, d, i == 0)
	}
	return f
}

func readRun(f *fragment, b []byte, d defaults, first bool) {
	flags, count, at := u32(b, 0), u32(b, 4), 8
	word := func() uint32 { at += 4; return u32(b, at-4) }
	if flags&1 != 0 {
		if offset := int(word()); first {
			f.offset = offset
		}
	}
	firstFlags := d.flags
	if flags&4 != 0 {
		firstFlags = word()
	}
	for i := range count {
		s := d
		if i == 0 {
			s.flags = firstFlags
		}
		if flags&0x100 != 0 {
			s.duration = word()
		}
		if flags&0x200 != 0 {
			s.size = word()
		}
		if flags&0x400 != 0 {
			s.flags = word()
		}
		if flags&0x800 != 0 {
			word()
		}
		if first && i == 0 {
			f.key, f.first = s.flags&0x10000 == 0, int(s.size) // sample_is_non_sync_sample
		}
		f.duration += uint64(s.duration)
	}
}

// mp4Units finds the fragments that have video, or all of them where none has.
func mp4Units(body []byte, tracks map[uint32]track) []unit {
	var video, all []unit
	for _, m := range boxes(body) {
		if m.kind != "moof" {
			continue
		}
		for _, t := range within(m.body, "traf") {
			f := readFragment(t.body, tracks)
			of := tracks[f.id]
			if of.clock == 0 {
				continue
			}
			u := unit{from: m.at, at: time.Duration(float64(f.start) / float64(of.clock) * float64(time.Second)), key: f.key, keyEnd: m.at + f.offset + f.first}
			if all = append(all, u); of.video {
				video = append(video, u)
			}
		}
	}
	if len(video) > 0 {
		return video
	}
	return all
}

// mp4Shift adds to the decode times of a segment's fragments, and to its index's, in place.
func mp4Shift(body []byte, offset time.Duration, tracks map[uint32]track) {
	for _, t := range within(body, "moof", "traf") {
		for _, h := range within(t.body, "tfhd") {
			for _, x := range within(t.body, "tfdt") {
				addTime(x.body, 4, scale(offset, tracks[u32(h.body, 4)].clock))
			}
		}
	}
	for _, x := range within(body, "sidx") { // section 8.16.3: ID and timescale, then the earliest time
		addTime(x.body, 12, scale(offset, uint64(u32(x.body, 8))))
	}
}

// addTime adds to a time that is as long as the box's version says.
func addTime(b []byte, at int, ticks int64) {
	if b[0] == 1 && len(b) >= at+8 {
		binary.BigEndian.PutUint64(b[at:], binary.BigEndian.Uint64(b[at:])+uint64(ticks))
	} else if b[0] == 0 && len(b) >= at+4 {
		binary.BigEndian.PutUint32(b[at:], u32(b, at)+uint32(ticks))
	}
}
