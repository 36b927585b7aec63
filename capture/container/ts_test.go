package container_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

const packetSize = 188

// videoPacket returns the place of the n-th packet of the unit-th picture.
func videoPacket(t testing.TB, b []byte, unit, n int) int {
	t.Helper()
	at := -1
	for off := 0; off < len(b); off += packetSize {
		if pid := int(b[off+1]&0x1f)<<8 | int(b[off+2]); pid != videoPID {
			continue
		}
		if b[off+1]&0x40 != 0 {
			unit--
		}
		if unit < 0 {
			if at++; at == n {
				return off
			}
		}
	}
	t.Fatal("no such packet")
	return 0
}

func TestDamage(t *testing.T) {
	const n = 6
	cut := func(b []byte, at, size int) []byte { return slices.Concat(b[:at], b[at+size:]) }
	cases := []struct {
		name    string
		harm    func(t *testing.T, b []byte) []byte
		lost    []int // pictures
		damaged int
	}{
		{"none", func(_ *testing.T, b []byte) []byte { return b }, nil, 0},
		{"packet inside a picture lost", func(t *testing.T, b []byte) []byte { return cut(b, videoPacket(t, b, 2, 1), packetSize) }, []int{2}, 1},
		{"first packet of a picture lost", func(t *testing.T, b []byte) []byte { return cut(b, videoPacket(t, b, 2, 0), packetSize) }, []int{2}, 1},
		{"bytes inside a packet lost", func(t *testing.T, b []byte) []byte { return cut(b, videoPacket(t, b, 3, 1)+50, 20) }, []int{3}, 1},
		{"packet marked in error", func(t *testing.T, b []byte) []byte {
			b[videoPacket(t, b, 4, 1)+1] |= 0x80
			return b
		}, []int{4}, 1},
		{"packet repeated", func(t *testing.T, b []byte) []byte {
			at := videoPacket(t, b, 1, 1)
			return slices.Concat(b[:at+packetSize], b[at:])
		}, nil, 0},
		{"junk in front", func(_ *testing.T, b []byte) []byte { return slices.Concat([]byte("HTTP"), b) }, nil, 0},
		{"junk between pictures", func(t *testing.T, b []byte) []byte {
			at := videoPacket(t, b, 3, 0)
			return slices.Concat(b[:at], bytes.Repeat([]byte{1, 0x47}, 33), b[at:])
		}, nil, 0},
		{"tail cut in the last picture", func(t *testing.T, b []byte) []byte { return b[:videoPacket(t, b, n-1, 1)+90] }, []int{n - 1}, 1},
		{"start cut in a picture", func(t *testing.T, b []byte) []byte {
			return cut(b, 2*packetSize, videoPacket(t, b, 0, 1)-2*packetSize)
		}, []int{0}, 1},
		{"PES header broken", func(t *testing.T, b []byte) []byte {
			at := videoPacket(t, b, 2, 0)
			i := bytes.Index(b[at:], []byte{0, 0, 1, 0xe0})
			b[at+i] = 7
			return b
		}, []int{2}, 1},
		{"time missing", func(t *testing.T, b []byte) []byte {
			at := videoPacket(t, b, 2, 0)
			i := bytes.Index(b[at:], []byte{0, 0, 1, 0xe0})
			b[at+i+7] = 0
			return b
		}, nil, 0},
		{"last time missing", func(t *testing.T, b []byte) []byte {
			at := videoPacket(t, b, n-1, 0)
			i := bytes.Index(b[at:], []byte{0, 0, 1, 0xe0})
			b[at+i+7] = 0
			return b
		}, nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := demux(t, nil, c.harm(t, gop(n)))
			var want, got []int64
			for i := range n {
				if !slices.Contains(c.lost, i) {
					want = append(want, 90000+int64(i)*3000)
				}
			}
			for _, u := range v.Units {
				got = append(got, u.PTS)
			}
			if diff := cmp.Diff(want, got); diff != "" || v.Damaged != c.damaged {
				t.Errorf("%d damaged; times (-want +got):\n%s", v.Damaged, diff)
			}
			checkNALUs(t, v)
			for _, u := range v.Units[1:] {
				if n, _ := u.NALUs(); len(n) != 1 || len(n[0]) != len(inter(0)) {
					t.Errorf("picture at %d has a NAL unit of %d bytes", u.PTS, len(n[0]))
				}
			}
		})
	}
}

func TestPictureKinds(t *testing.T) {
	type kind struct {
		Key, Reference bool
		Params         int
	}
	cases := []struct {
		name  string
		typ   uint16
		nalus [][]byte
		want  kind
	}{
		{"IDR", 0x1b, [][]byte{aud, sps, pps, idr(0)}, kind{true, true, 2}},
		{"IDR with parameters twice", 0x1b, [][]byte{aud, sps, pps, sps, pps, idr(0)}, kind{true, true, 2}},
		{"P", 0x1b, [][]byte{aud, inter(0)}, kind{false, true, 0}},
		{"unused B", 0x1b, [][]byte{aud, unused(0)}, kind{false, false, 0}},
		{"I without recovery point", 0x1b, [][]byte{aud, sps, pps, intra(0)}, kind{false, true, 0}},
		{"I with recovery point", 0x1b, [][]byte{aud, sps, pps, recovery, intra(0)}, kind{true, true, 2}},
		{"P with recovery point", 0x1b, [][]byte{aud, recovery, inter(0)}, kind{false, true, 0}},
		{"HEVC CRA", 0x24, [][]byte{slice("\x2a\x01\x80", 0, 50)}, kind{true, true, 0}},
		{"HEVC IDR", 0x24, [][]byte{slice("\x26\x01\x80", 0, 50)}, kind{true, true, 0}},
		{"HEVC BLA", 0x24, [][]byte{slice("\x20\x01\x80", 0, 50)}, kind{true, true, 0}},
		{"HEVC TRAIL_R", 0x24, [][]byte{slice("\x02\x01\x80", 0, 50)}, kind{false, true, 0}},
		{"HEVC TRAIL_N", 0x24, [][]byte{slice("\x00\x01\x80", 0, 50)}, kind{false, false, 0}},
		{"HEVC RASL_N", 0x24, [][]byte{slice("\x10\x01\x80", 0, 50)}, kind{false, false, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var m tsMux
			m.tables(c.typ, videoPID)
			m.pes(0, -1, annexB(c.nalus...))
			u := demux(t, nil, m.out).Units[0]
			if diff := cmp.Diff(c.want, kind{u.Key, u.Reference, len(u.Params)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHEVCLowerLayersAreReferences(t *testing.T) {
	var m tsMux
	m.tables(0x24, videoPID)
	for i, head := range []string{"\x26\x01\x80", "\x00\x01\x80", "\x00\x02\x80"} {
		m.pes(int64(i)*3000, -1, annexB(slice(head, 0, 50)))
	}
	var got []bool
	for _, u := range demux(t, nil, m.out).Units {
		got = append(got, u.Reference)
	}
	if diff := cmp.Diff([]bool{true, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParametersChange(t *testing.T) {
	var m tsMux
	m.tables(0x1b, videoPID)
	m.pes(0, -1, annexB(aud, inter(0)))
	m.pes(3000, -1, annexB(aud, sps, pps, idr(1)))
	m.pes(6000, -1, annexB(aud, sps2, pps, idr(2)))
	m.pes(9000, -1, annexB(aud, idr(3)))
	m.pes(12000, -1, annexB(aud, pps2, idr(3)))
	v := demux(t, nil, m.out)
	var got [][][]byte
	for _, u := range v.Units {
		got = append(got, u.Params)
	}
	if diff := cmp.Diff([][][]byte{nil, {sps, pps}, {sps2, pps}, nil, {sps2, pps2}}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]byte{sps, pps}, v.Params); diff != "" {
		t.Error(diff)
	}
}

// TestPESBoundaries packs the same pictures into PES packets in the ways that muxers have.
func TestPESBoundaries(t *testing.T) {
	later := slice("\x65\x40", 9, 300) // first_mb_in_slice is not 0
	pictures := [][][]byte{{sps, pps, idr(0), later}, {inter(1)}, {inter(2)}, {inter(3)}}
	whole := func(i int) []byte { return annexB(append([][]byte{aud}, pictures[i]...)...) }
	var stream []byte
	for i := range pictures {
		stream = append(stream, whole(i)...)
	}
	cases := []struct {
		name string
		pack func(m *tsMux)
	}{
		{"one picture each", func(m *tsMux) {
			for i := range pictures {
				m.pes(int64(i)*3000, -1, whole(i))
			}
		}},
		{"slices apart", func(m *tsMux) {
			m.pes(0, -1, annexB(aud, sps, pps, idr(0)))
			m.pes(-1, -1, annexB(later))
			for i := range 3 {
				m.pes(int64(i+1)*3000, -1, whole(i+1))
			}
		}},
		{"parameters apart", func(m *tsMux) {
			m.pes(-1, -1, annexB(aud, sps, pps))
			m.pes(0, -1, annexB(idr(0), later))
			for i := range 3 {
				m.pes(int64(i+1)*3000, -1, whole(i+1))
			}
		}},
		{"cut anywhere", func(m *tsMux) {
			first, second := len(whole(0))+100, len(whole(0))+len(whole(1))+200
			m.pes(0, -1, stream[:first])
			m.pes(6000, -1, stream[first:second])
			m.pes(9000, -1, stream[second:])
		}},
		{"cut in start codes", func(m *tsMux) {
			at, pts := 0, int64(0)
			for i := range pictures {
				end := at + len(whole(i)) + 2
				if i == len(pictures)-1 {
					end = len(stream)
				}
				m.pes(pts, -1, stream[at:end])
				at, pts = end, int64(i+2)*3000
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var m tsMux
			m.tables(0x1b, videoPID)
			c.pack(&m)
			v := demux(t, nil, m.out)
			if diff := cmp.Diff(pictures, nalus(t, v)); diff != "" {
				t.Errorf("NAL units (-want +got):\n%s", diff)
			}
			if v.Damaged != 0 || !v.Units[0].Key || v.Units[0].PTS != 0 {
				t.Errorf("%d damaged, first unit key %v at %d", v.Damaged, v.Units[0].Key, v.Units[0].PTS)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	stream := func(types ...uint16) []byte {
		var m tsMux
		m.tables(types...)
		m.pes(0, -1, annexB(aud, sps, pps, idr(0)))
		return m.out
	}
	scrambled := gop(3)
	for off := 2 * packetSize; off < len(scrambled); off += packetSize {
		scrambled[off+3] |= 0x80
	}
	broken := gop(3)
	broken[20] ^= 1
	var untimed tsMux
	untimed.tables(0x1b, videoPID)
	untimed.pes(-1, -1, annexB(aud, sps, pps, idr(0)))
	cases := []struct {
		name    string
		segment []byte
		want    error
	}{
		{"nothing", nil, container.ErrEmpty},
		{"SAMPLE-AES HEVC", stream(0xdc, videoPID), container.ErrEncrypted},
		{"SAMPLE-AES", stream(0xdb, videoPID, 0xcf, 0x101), container.ErrEncrypted},
		{"scrambled", scrambled, container.ErrEncrypted},
		{"MPEG-1", stream(0x01, videoPID), container.ErrCodec},
		{"VC-1", stream(0xea, videoPID), container.ErrCodec},
		{"VVC", stream(0x33, videoPID), container.ErrCodec},
		{"audio", stream(0x0f, 0x101), container.ErrNoVideo},
		{"no picture", stream(0x1b, 0x105), container.ErrEmpty},
		{"PAT of wrong checksum", broken, container.ErrFormat},
		{"no time", untimed.out, container.ErrFormat},
		{"web page", []byte("<!DOCTYPE html><title>404</title>"), container.ErrFormat},
		{"playlist", []byte("#EXTM3U\n"), container.ErrFormat},
		{"noise", bytes.Repeat([]byte{0xc7, 0x11, 0x95}, 1000), container.ErrFormat},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := container.Demux(nil, c.segment)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, %v; want %v", v, err, c.want)
			}
		})
	}
}

func TestTablesFromMAP(t *testing.T) {
	b := gop(3)
	init, err := container.ParseInit(b[:2*packetSize])
	if err != nil {
		t.Fatal(err)
	}
	if v := demux(t, init, b[2*packetSize:]); len(v.Units) != 3 {
		t.Errorf("%d units", len(v.Units))
	}
}
