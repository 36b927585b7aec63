package container_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

// TestMPEG2 compares MPEG-2 streams with ffprobe's packets and with the elementary stream that ffmpeg takes out.
func TestMPEG2(t *testing.T) {
	const encoder = " -c:v mpeg2video -qscale:v 3 "
	cases := []struct {
		name, args string
	}{
		{"25", picture + "25:duration=1" + encoder + "-g 12 -bf 2"},
		{"29.97", picture + "30000/1001:duration=1" + encoder + "-g 15 -bf 2"},
		{"50", picture + "50:duration=1" + encoder + "-g 25"},
		{"59.94 without B", picture + "60000/1001:duration=1" + encoder + "-g 30 -bf 0"},
		{"interlaced", picture + "25:duration=1" + encoder + "-flags +ildct+ilme -top 1 -g 12 -bf 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := ffmpeg(t, c.args+" -f mpegts out.ts")
			ffmpegIn(t, dir, "-i out.ts -c copy -f mpeg2video out.m2v")
			path := filepath.Join(dir, "out.ts")
			v := demux(t, nil, read(t, path))
			if v.Codec != container.MPEG2 || v.Width != 320 || v.Height != 180 || v.Damaged != 0 || len(v.Params) != 1 {
				t.Errorf("%v %dx%d, %d damaged, %d parameter sets", v.Codec, v.Width, v.Height, v.Damaged, len(v.Params))
			}
			compare(t, v, ffprobe(t, path, true))
			var whole []byte
			for _, u := range nalus(t, v) {
				whole = append(whole, slices.Concat(u...)...)
			}
			if !bytes.Equal(whole, read(t, filepath.Join(dir, "out.m2v"))) {
				t.Error("units together are not the elementary stream")
			}
			unneeded := 0
			for _, u := range v.Units {
				if !u.Reference {
					unneeded++
				}
			}
			if c.name == "25" && unneeded < len(v.Units)/2 {
				t.Errorf("%d of %d pictures are B", unneeded, len(v.Units))
			}
		})
	}
}

// Hand-made MPEG-2 pictures of 320x180.
var (
	header = []byte{
		0, 0, 1, 0xb3, 0x14, 0x00, 0xb4, 0x33, 0xff, 0xff, 0xe0, 0x00, // sequence header whose last byte is 0
		0, 0, 1, 0xb5, 0x14, 0x82, 0x00, 0x01, 0x00, 0x00, // sequence extension, interlaced
	}
	group = []byte{0, 0, 1, 0xb8, 0x00, 0x08, 0x00, 0x00}
)

// picture2 makes a picture of type 1 (I), 2 (P) or 3 (B) and structure 1 (top), 2 (bottom) or 3 (frame).
func picture2(number, typ, structure int, fill byte) []byte {
	out := []byte{0, 0, 1, 0x00, byte(number >> 2), byte(number<<6 | typ<<3), 0xff, 0xf8}
	out = append(out, 0, 0, 1, 0xb5, 0x8f, 0xff, byte(0xf0|structure), 0x80, 0x00)
	out = append(out, 0, 0, 1, 0x01)
	return append(out, bytes.Repeat([]byte{fill | 0x80}, 300)...)
}

func TestMPEG2Units(t *testing.T) {
	type unit struct {
		PTS            int64
		Key, Reference bool
		Params         bool
		Size           int
	}
	head := len(header) + len(group)
	size := len(picture2(0, 1, 3, 0))
	cases := []struct {
		name string
		mux  func(m *tsMux)
		want []unit
	}{
		{"kinds", func(m *tsMux) {
			m.pes(3000, 0, slices.Concat(header, group, picture2(0, 1, 3, 1)))
			m.pes(12000, 3000, picture2(3, 2, 3, 2))
			m.pes(6000, -1, picture2(1, 3, 3, 3))
			m.pes(9000, -1, slices.Concat(group, picture2(0, 1, 3, 4)))
		}, []unit{{3000, true, true, true, head + size}, {12000, false, true, false, size}, {6000, false, false, false, size}, {9000, true, true, false, len(group) + size}}},
		{"before a sequence header", func(m *tsMux) {
			m.pes(0, -1, picture2(0, 1, 3, 1))
			m.pes(3000, -1, slices.Concat(header, picture2(0, 1, 3, 2)))
		}, []unit{{0, false, true, false, size}, {3000, true, true, true, len(header) + size}}},
		{"fields apart", func(m *tsMux) {
			m.pes(0, -1, slices.Concat(header, group, picture2(0, 1, 1, 1)))
			m.pes(1800, -1, picture2(0, 2, 2, 2))
			m.pes(3600, -1, picture2(1, 3, 1, 3))
			m.pes(5400, -1, picture2(1, 3, 2, 4))
			m.pes(7200, -1, picture2(2, 3, 1, 3))
			m.pes(9000, -1, picture2(2, 3, 2, 4))
		}, []unit{{0, true, true, true, head + 2*size}, {3600, false, false, false, 2 * size}, {7200, false, false, false, 2 * size}}},
		{"fields together", func(m *tsMux) {
			m.pes(0, -1, slices.Concat(header, group, picture2(0, 1, 1, 1), picture2(0, 2, 2, 2)))
			m.pes(3600, -1, slices.Concat(picture2(1, 2, 1, 3), picture2(1, 2, 2, 4)))
		}, []unit{{0, true, true, true, head + 2*size}, {3600, false, true, false, 2 * size}}},
		{"pictures together", func(m *tsMux) {
			m.pes(0, -1, slices.Concat(header, group, picture2(0, 1, 3, 1), picture2(1, 2, 3, 2), picture2(2, 2, 3, 3)))
			m.pes(10800, -1, slices.Concat(header, group, picture2(0, 1, 3, 1)))
		}, []unit{{0, true, true, true, head + size}, {3600, false, true, false, size}, {7200, false, true, false, size}, {10800, true, true, true, head + size}}},
		{"cut anywhere", func(m *tsMux) {
			whole := slices.Concat(header, group, picture2(0, 1, 3, 1), picture2(1, 2, 3, 2), picture2(2, 2, 3, 3))
			m.pes(0, -1, whole[:head+size+2])
			m.pes(3600, -1, whole[head+size+2:head+2*size+50])
			m.pes(7200, -1, whole[head+2*size+50:])
		}, []unit{{0, true, true, true, head + size}, {3600, false, true, false, size}, {3600 * 2, false, true, false, size}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var m tsMux
			m.tables(0x02, videoPID)
			c.mux(&m)
			v := demux(t, nil, m.out)
			var got []unit
			for i, n := range nalus(t, v) {
				u := v.Units[i]
				got = append(got, unit{u.PTS, u.Key, u.Reference, u.Params != nil, len(n[0])})
				if u.Params != nil && !bytes.Equal(u.Params[0], header) {
					t.Errorf("sequence header %x", u.Params[0])
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || v.Damaged != 0 {
				t.Errorf("%d damaged (-want +got):\n%s", v.Damaged, diff)
			}
			if v.Width != 320 || v.Height != 180 || !v.Shape.Interlaced {
				t.Errorf("%dx%d, interlaced %v", v.Width, v.Height, v.Shape.Interlaced)
			}
		})
	}
}
