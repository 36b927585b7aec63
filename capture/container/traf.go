package container

import (
	"fmt"
	"math/bits"
	"slices"
)

// traf reads a track fragment (ISO/IEC 14496-12, 8.8.6) and returns where its data ends. Without a flag that says
// what its offsets count from, that is follow.
func (r *mp4Reader) traf(b []byte, moof box, follow int) (int, error) {
	f := fields{b: child(b, "tfhd")}
	_, flags := f.version()
	id := f.u32()
	frag := fragment{sampleDefaults: r.track.trex, own: id == r.track.id, base: follow}
	if flags&tfhdFromMoof != 0 {
		frag.base = moof.at
	}
	if flags&tfhdBaseOffset != 0 {
		frag.base = r.place(f.uint(8), b, moof)
	}
	if flags&tfhdEntry != 0 {
		frag.sampleDefaults.entry = f.u32()
	}
	if flags&tfhdDuration != 0 {
		frag.duration = f.u32()
	}
	if flags&tfhdSize != 0 {
		frag.size = f.u32()
	}
	if f.short {
		return 0, fmt.Errorf("tfhd box missing or short: %w", ErrFormat)
	}
	frag.next = frag.base
	if !frag.own {
		r.others = r.others || !slices.Contains(r.track.others, id)
	} else if err := r.begin(b, frag.sampleDefaults.entry); err != nil {
		return 0, err
	}
	for kind, x := range boxes(b) {
		if kind != "trun" {
			continue
		}
		if err := r.trun(x.body, &frag); err != nil {
			return 0, err
		}
	}
	return frag.next, nil
}

// place turns a base-data-offset, which counts from the start of the file, into a place in the segment. A segment may
// be a byte range of a longer file, or lie behind its MAP in one, and cannot know where: an offset that is not that of
// the moof or of its data is then taken for the one or the other, which are what muxers write.
func (r *mp4Reader) place(offset uint64, traf []byte, moof box) int {
	f := fields{b: child(traf, "trun")}
	_, flags := f.version()
	f.u32()
	first := 0
	if flags&trunOffset != 0 {
		first = int(int32(f.u32()))
	}
	switch {
	case offset == uint64(moof.at), offset == uint64(r.data.start):
		return int(offset)
	case first >= r.data.start-moof.at:
		return moof.at
	case offset > uint64(r.data.start) && offset < uint64(r.data.end):
		return int(offset)
	}
	return r.data.start
}

// begin takes a fragment's decode time and sample entry, which counts from 1.
func (r *mp4Reader) begin(b []byte, number uint32) error {
	if tfdt := child(b, "tfdt"); tfdt != nil {
		f := fields{b: tfdt}
		version, _ := f.version()
		t := f.either(version)
		if f.short || t > maxTime {
			return fmt.Errorf("tfdt box short or beyond reason: %w", ErrFormat)
		}
		r.time, r.timed = int64(t), true
	}
	if !r.timed {
		return fmt.Errorf("fMP4 segment without a decode time (tfdt): %w", ErrFormat)
	}
	i := int(number) - 1
	if i < 0 || i >= len(r.track.entries) {
		return fmt.Errorf("fragment of sample entry %d of %d: %w", number, len(r.track.entries), ErrFormat)
	}
	e := &r.track.entries[i]
	switch {
	case e.err != nil:
		return e.err
	case r.entry < 0:
		r.units.codec, r.units.params, r.units.opening, r.pic.codec = e.codec, e.params, e.box, e.codec
	case r.units.codec != e.codec:
		return fmt.Errorf("%s and %s in one segment: %w", r.units.codec, e.codec, ErrFormat)
	case r.entry != i:
		r.fresh = true
	}
	if r.entry != i {
		r.units.box = e.box
		for _, set := range e.params {
			if e.codec.isSequence(set) {
				r.pic.learn(set)
			}
		}
	}
	r.entry = i
	return nil
}

// trun reads a track run (8.8.8).
func (r *mp4Reader) trun(b []byte, frag *fragment) error {
	f := fields{b: b}
	_, flags := f.version()
	count := int(f.u32())
	pos := frag.next
	if flags&trunOffset != 0 {
		pos = frag.base + int(int32(f.u32()))
	}
	if flags&trunFirstFlags != 0 {
		f.u32()
	}
	width := 4 * bits.OnesCount32(flags&trunPerSample)
	if f.short || count*width > len(f.b) {
		return fmt.Errorf("trun box short: %w", ErrFormat)
	}
	if width == 0 && frag.size == 0 {
		return nil // nothing but holes
	}
	for i := range count {
		s := sample{duration: frag.duration, size: frag.size}
		s.read(&f, flags)
		if pos >= len(r.b) {
			if frag.own {
				r.units.damaged += count - i
			}
			break
		}
		if frag.own {
			if err := r.sample(pos, s); err != nil {
				return err
			}
		}
		pos += int(s.size)
	}
	frag.next = pos
	return nil
}

// sample is one sample of a run.
type sample struct {
	duration, size uint32
	offset         int32 // of its composition; read as signed in version 0 too, as muxers write it
}

func (s *sample) read(f *fields, flags uint32) {
	if flags&trunDuration != 0 {
		s.duration = f.u32()
	}
	if flags&trunSize != 0 {
		s.size = f.u32()
	}
	if flags&trunFlags != 0 {
		f.u32()
	}
	if flags&trunComposition != 0 {
		s.offset = int32(f.u32())
	}
}

// sample adds the sample at pos.
func (r *mp4Reader) sample(pos int, s sample) error {
	scale := r.track.scale
	if r.time > maxTime || r.time/int64(scale) > maxSeconds {
		return fmt.Errorf("decode time beyond reason: %w", ErrFormat)
	}
	if len(r.units.list) >= maxUnits {
		return fmt.Errorf("more than %d pictures: %w", maxUnits, ErrFormat)
	}
	time := r.time + r.track.shift
	r.time += int64(s.duration)
	if s.size == 0 {
		return nil // a hole
	}
	end := pos + int(s.size)
	if pos < 0 || end > len(r.b) || s.size > maxUnitSize {
		r.units.damaged++
		return nil
	}
	if r.used += int(s.size); r.used > len(r.b) {
		return fmt.Errorf("samples that overlap: %w", ErrFormat)
	}
	e := r.track.entries[r.entry]
	raw := r.b[pos:end:end]
	if !r.look(raw, int(e.lenLen)) {
		r.units.damaged++
		return nil
	}
	if !r.pic.found {
		return nil
	}
	if len(r.units.list) > 0 && r.units.completes(&r.pic) && r.units.list[len(r.units.list)-1].lenLen == e.lenLen {
		r.complete(pos, end)
		return nil
	}
	r.before, r.behind = pos, end
	if r.fresh && r.pic.key {
		r.fresh = false
		if !slices.ContainsFunc(r.pic.params, e.codec.isSequence) {
			r.pic.params = slices.Concat(e.params, r.pic.params)
		}
	}
	r.units.add(&r.pic, Unit{
		PTS:    rescale(time+int64(s.offset), scale, Clock),
		DTS:    rescale(time, scale, Clock),
		lenLen: e.lenLen, raw: raw,
	})
	return nil
}

// complete adds a sample that is the second field of the last unit's picture. ISO/IEC 14496-15 wants both in one
// sample; there are muxers that do otherwise.
func (r *mp4Reader) complete(pos, end int) {
	if pos == r.behind {
		r.units.complete(r.b[r.before:end:end], 0)
		return
	}
	r.units.complete(slices.Concat(r.b[r.before:r.behind], r.b[pos:end]), 0)
}

// look reads a sample up to its first slice; false means that it is broken before.
func (r *mp4Reader) look(raw []byte, lenLen int) bool {
	r.pic.reset()
	for len(raw) > 0 && !r.pic.found {
		nal, rest, ok := cutLength(raw, lenLen)
		if !ok {
			return false
		}
		r.pic.add(nal)
		raw = rest
	}
	return true
}
