package container_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

// bitWriter writes the syntax elements of H.264.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) bits(v uint, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
	return w
}

func (w *bitWriter) ue(values ...uint) *bitWriter {
	for _, v := range values {
		size := 0
		for (v+1)>>size > 1 {
			size++
		}
		w.bits(0, size).bits(v+1, size+1)
	}
	return w
}

// fieldSPS is of 320x192 in fields, with 4 bits of frame_num.
func fieldSPS() []byte {
	w := &bitWriter{b: []byte{0x67, 77, 0, 30}, n: 32}
	w.ue(0, 0, 2, 2).bits(0, 1)      // id, log2_max_frame_num, pic_order_cnt_type, max_num_ref_frames, gaps
	w.ue(19, 5).bits(0, 1)           // width, height, frame_mbs_only_flag
	w.bits(0, 1).bits(1, 1)          // mb_adaptive_frame_field_flag, direct_8x8_inference_flag
	return w.bits(0, 2).bits(1, 1).b // cropping, VUI
}

// fieldSlice makes a slice of a frame (structure 3) or of a top (1) or bottom (2) field. typ is a slice_type.
func fieldSlice(head byte, typ, number uint, structure int) []byte {
	w := &bitWriter{b: []byte{head}, n: 8}
	w.ue(0, typ, 0).bits(number, 4)
	if structure == 3 {
		w.bits(0, 1)
	} else {
		w.bits(1, 1).bits(uint(structure-1), 1)
	}
	return append(w.b, bytes.Repeat([]byte{0x80 | byte(number)}, 300)...)
}

const (
	refHead, idrHead, bHead = 0x41, 0x65, 0x01
	sliceP, sliceB, sliceI  = 5, 6, 7
)

func TestFieldPairs(t *testing.T) {
	type unit struct {
		PTS            int64
		Key, Reference bool
		NALUs          int
	}
	sps := fieldSPS()
	top, bottom := 1, 2
	type access [][]byte
	au := func(nalus ...[]byte) access { return append(access{aud}, nalus...) }
	cases := []struct {
		name  string
		units []access // 1800 ticks apart
		want  []unit
	}{
		{"IDR and P, references, unused", []access{
			au(sps, pps, fieldSlice(idrHead, sliceI, 0, top)), au(fieldSlice(refHead, sliceP, 0, bottom)),
			au(fieldSlice(refHead, sliceP, 1, top)), au(fieldSlice(refHead, sliceP, 1, bottom)),
			au(fieldSlice(bHead, sliceB, 2, top)), au(fieldSlice(bHead, sliceB, 2, bottom)),
			au(fieldSlice(bHead, sliceB, 2, top)), au(fieldSlice(bHead, sliceB, 2, bottom)),
		}, []unit{{0, true, true, 4}, {3600, false, true, 2}, {7200, false, false, 2}, {10800, false, false, 2}}},
		{"two IDR fields, bottom first", []access{
			au(sps, pps, fieldSlice(idrHead, sliceI, 0, bottom)), au(fieldSlice(idrHead, sliceI, 0, top)),
		}, []unit{{0, true, true, 4}}},
		{"I with recovery point", []access{
			au(sps, pps, recovery, fieldSlice(refHead, sliceI, 5, top)), au(fieldSlice(refHead, sliceP, 5, bottom)),
		}, []unit{{0, true, true, 5}}},
		{"parameters again with the second field", []access{
			au(sps, pps, fieldSlice(idrHead, sliceI, 0, top)), au(pps, fieldSlice(refHead, sliceP, 0, bottom)),
		}, []unit{{0, true, true, 5}}},
		{"frames", []access{
			au(sps, pps, fieldSlice(idrHead, sliceI, 0, 3)), au(fieldSlice(refHead, sliceP, 1, 3)),
			au(fieldSlice(refHead, sliceP, 2, top)), au(fieldSlice(refHead, sliceP, 2, bottom)),
		}, []unit{{0, true, true, 3}, {1800, false, true, 1}, {3600, false, true, 2}}},
		{"lone fields", []access{
			au(sps, pps, fieldSlice(idrHead, sliceI, 0, top)), au(fieldSlice(refHead, sliceP, 1, bottom)), // other frame_num
			au(fieldSlice(bHead, sliceB, 1, top)),                                             // other nal_ref_idc
			au(fieldSlice(bHead, sliceB, 1, top)), au(fieldSlice(idrHead, sliceI, 1, bottom)), // same parity; an IDR
		}, []unit{{0, true, true, 3}, {1800, false, true, 1}, {3600, false, false, 1}, {5400, false, false, 1}, {7200, true, true, 1}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var apart, anywhere tsMux
			apart.tables(0x1b, videoPID)
			anywhere.tables(0x1b, videoPID)
			var carry []byte
			var samples [][]byte
			var want []byte
			for i, a := range c.units {
				es := annexB(a...)
				apart.pes(int64(i)*1800, -1, es)
				cut := 20
				if i == len(c.units)-1 {
					cut = len(es)
				}
				// The PES packet begins inside the unit before; its time is for the one that begins in it.
				anywhere.pes(int64(i)*1800, -1, append(carry, es[:cut]...))
				carry = es[cut:]
				samples = append(samples, lengths(a...))
				want = append(want, annexB(a[1:]...)...)
			}
			init, err := container.ParseInit(moov(avc1(sps, pps)))
			if err != nil {
				t.Fatal(err)
			}
			for name, v := range map[string]*container.Video{
				"ts": demux(t, nil, apart.out), "ts cut anywhere": demux(t, nil, anywhere.out), "fmp4": demux(t, init, simple(1, samples...)),
			} {
				var got []unit
				var all []byte
				for i, n := range nalus(t, v) {
					u := v.Units[i]
					if name == "fmp4" {
						u.PTS /= 2 // its samples are 40 ms apart
					}
					got = append(got, unit{u.PTS, u.Key, u.Reference, len(n)})
					all = append(all, annexB(n...)...)
				}
				if diff := cmp.Diff(c.want, got); diff != "" || v.Damaged != 0 {
					t.Errorf("%s: %d damaged (-want +got):\n%s", name, v.Damaged, diff)
				}
				if !bytes.Equal(want, all) {
					t.Errorf("%s: NAL units are not those that were put in", name)
				}
				if !v.Shape.Interlaced || v.Width != 320 || v.Height != 192 {
					t.Errorf("%s: %dx%d, interlaced %v", name, v.Width, v.Height, v.Shape.Interlaced)
				}
			}
		})
	}
}

func TestFieldLost(t *testing.T) {
	sps := fieldSPS()
	build := func(skip int) []byte {
		var m tsMux
		m.tables(0x1b, videoPID)
		for i := range 4 {
			number := uint(i / 2)
			es := annexB(aud, fieldSlice(refHead, sliceP, number, 1+i%2))
			if i == 0 {
				es = annexB(aud, sps, pps, fieldSlice(idrHead, sliceI, 0, 1))
			}
			before := len(m.out)
			m.pes(int64(i)*1800, -1, es)
			if i == skip {
				m.out = slices.Delete(m.out, before+packetSize, before+2*packetSize)
			}
		}
		return m.out
	}
	for skip, want := range [][]int64{{1800, 3600}, {0, 3600}, {0, 5400}} {
		v := demux(t, nil, build(skip))
		var got []int64
		for _, u := range v.Units {
			got = append(got, u.PTS)
		}
		if diff := cmp.Diff(want, got); diff != "" || v.Damaged != 1 {
			t.Errorf("without field %d: %d damaged (-want +got):\n%s", skip, v.Damaged, diff)
		}
		checkNALUs(t, v)
	}
}

// TestFieldsOfPart demuxes a part whose SPS only an earlier part brought.
func TestFieldsOfPart(t *testing.T) {
	var m tsMux
	m.tables(0x1b, videoPID)
	m.pes(0, -1, annexB(aud, fieldSPS(), pps, fieldSlice(idrHead, sliceI, 0, 1)))
	m.pes(1800, -1, annexB(aud, fieldSlice(refHead, sliceP, 0, 2)))
	cut := len(m.out)
	m.pes(3600, -1, annexB(aud, fieldSlice(refHead, sliceP, 1, 1)))
	m.pes(5400, -1, annexB(aud, fieldSlice(refHead, sliceP, 1, 2)))
	first := demux(t, nil, m.out[:cut])
	second := demux(t, first.Tables, m.out[cut:])
	if len(first.Units) != 1 || len(second.Units) != 1 || second.Units[0].PTS != 3600 || second.Params != nil || second.Tables == nil {
		t.Errorf("%d and %d units, %d parameter sets", len(first.Units), len(second.Units), len(second.Params))
	}
}

// TestFieldSamplesApart has another track's sample between the two fields.
func TestFieldSamplesApart(t *testing.T) {
	sps := fieldSPS()
	a, b := lengths(fieldSlice(idrHead, sliceI, 0, 1)), lengths(fieldSlice(refHead, sliceP, 0, 2))
	between := bytes.Repeat([]byte{7}, 50)
	segment := fragment(slices.Concat(a, between, b), func(moof uint32) [][]byte {
		return [][]byte{
			mp4Box("tfhd", words(0x20000, 1)), mp4Box("tfdt", words(0, 0)),
			mp4Box("trun", words(0x201, 1, moof+8, uint32(len(a)))),
			mp4Box("trun", words(0x201, 1, moof+8+uint32(len(a)+len(between)), uint32(len(b)))),
		}
	})
	init, err := container.ParseInit(moov(avc1(sps, pps)))
	if err != nil {
		t.Fatal(err)
	}
	v := demux(t, init, segment)
	want := [][][]byte{{a[4:], b[4:]}}
	if diff := cmp.Diff(want, nalus(t, v)); diff != "" {
		t.Error(diff)
	}
}
