package container_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

// moov makes an initialisation section: a track 1 of 1000 ticks a second with the sample entries given.
func moov(entries ...[]byte) []byte {
	stsd := mp4Box("stsd", append([][]byte{words(0, uint32(len(entries)))}, entries...)...)
	return mp4Box("moov",
		mp4Box("mvhd", words(0, 0, 0, 1000, 0)),
		mp4Box("trak",
			mp4Box("tkhd", words(0, 0, 0, 1)),
			mp4Box("mdia",
				mp4Box("mdhd", words(0, 0, 0, 1000, 0)),
				mp4Box("hdlr", words(0, 0), []byte("vide")),
				mp4Box("minf", mp4Box("stbl", stsd)))),
		mp4Box("mvex", mp4Box("trex", words(0, 1, 1, 40, 0, 0))))
}

func avc1(params ...[]byte) []byte {
	avcc := []byte{1, 0x64, 0, 12, 0xff, 0xe1}
	avcc = append(append(avcc, 0, byte(len(params[0]))), params[0]...)
	avcc = append(append(avcc, 1, 0, byte(len(params[1]))), params[1]...)
	return mp4Box("avc1", make([]byte, 78), mp4Box("avcC", avcc))
}

func encv() []byte {
	return mp4Box("encv", make([]byte, 78), mp4Box("sinf", mp4Box("schm", words(0), []byte("cenc"), words(0x10000))))
}

func lengths(nalus ...[]byte) []byte {
	var out []byte
	for _, n := range nalus {
		out = append(append(out, words(uint32(len(n)))...), n...)
	}
	return out
}

// fragment makes a moof and its mdat; tfhd and trun get the moof's size, which their offsets need.
func fragment(data []byte, boxes func(moof uint32) [][]byte) []byte {
	size := len(mp4Box("moof", mp4Box("traf", boxes(0)...)))
	return append(mp4Box("moof", mp4Box("traf", boxes(uint32(size))...)), mp4Box("mdat", data)...)
}

func TestFragmentForms(t *testing.T) {
	a, b := lengths(aud, idr(1)), lengths(inter(2))
	b = append(b, lengths(make([]byte, len(a)-len(b)-4))...) // as long as a
	data := append(append([]byte{}, a...), b...)
	size := uint32(len(a))
	tfdt := mp4Box("tfdt", words(1<<24, 0, 1000))
	cases := []struct {
		name    string
		segment []byte
	}{
		{"from moof", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{mp4Box("tfhd", words(0x20000, 1)), tfdt, mp4Box("trun", words(0x201, 2, moof+8, size, size))}
		})},
		{"defaults of tfhd", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{mp4Box("tfhd", words(0x20018, 1, 40, size)), tfdt, mp4Box("trun", words(1, 2, moof+8))}
		})},
		{"tfdt of 32 bits", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{mp4Box("tfhd", words(0x20000, 1)), mp4Box("tfdt", words(0, 1000)), mp4Box("trun", words(0x201, 2, moof+8, size, size))}
		})},
		{"two runs, the second without an offset", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{
				mp4Box("tfhd", words(0x20010, 1, size)), tfdt,
				mp4Box("trun", words(5, 1, moof+8, 0)), mp4Box("trun", words(0, 1)),
			}
		})},
		{"base data offset of a longer file", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{mp4Box("tfhd", words(1, 1, 0, 123456)), tfdt, mp4Box("trun", words(0x201, 2, moof+8, size, size))}
		})},
		{"base data offset at the data", fragment(data, func(moof uint32) [][]byte {
			return [][]byte{mp4Box("tfhd", words(1, 1, 0, moof+8)), tfdt, mp4Box("trun", words(0x201, 2, 0, size, size))}
		})},
		{"other boxes around", slices.Concat(
			mp4Box("styp", []byte("msdh")), mp4Box("emsg", make([]byte, 30)), mp4Box("sidx", make([]byte, 20)),
			fragment(data, func(moof uint32) [][]byte {
				return [][]byte{
					mp4Box("tfhd", words(0x20000, 1)), tfdt, mp4Box("free", make([]byte, 5)),
					mp4Box("trun", words(0x201, 2, moof+8, size, size)),
				}
			}),
			mp4Box("prft", make([]byte, 16)))},
	}
	init, err := container.ParseInit(moov(avc1(sps, pps)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := demux(t, init, c.segment)
			got := packets(v, nil)
			if diff := cmp.Diff([]packet{{90000, 90000, true}, {93600, 93600, false}}, got); diff != "" {
				t.Error(diff)
			}
			if n, err := v.Units[0].NALUs(); err != nil || len(n) != 1 || cmp.Diff(idr(1), n[0]) != "" {
				t.Errorf("first unit: %d NAL units, %v", len(n), err)
			}
			if diff := cmp.Diff([][]byte{sps, pps}, v.Params); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func simple(entry uint32, samples ...[]byte) []byte {
	var data []byte
	sizes := []uint32{}
	for _, s := range samples {
		data = append(data, s...)
		sizes = append(sizes, uint32(len(s)))
	}
	return fragment(data, func(moof uint32) [][]byte {
		return [][]byte{
			mp4Box("tfhd", words(0x20002, 1, entry)), mp4Box("tfdt", words(0, 0)),
			mp4Box("trun", words(append([]uint32{0x201, uint32(len(samples)), moof + 8}, sizes...)...)),
		}
	})
}

func TestSampleEntryChanges(t *testing.T) {
	init, err := container.ParseInit(moov(avc1(sps, pps), avc1(sps2, pps), encv()))
	if err != nil {
		t.Fatal(err)
	}
	v := demux(t, init, append(simple(1, lengths(idr(0))), simple(2, lengths(inter(1)), lengths(idr(2)))...))
	var got [][][]byte
	for _, u := range v.Units {
		got = append(got, u.Params)
	}
	if diff := cmp.Diff([][][]byte{nil, nil, {sps2, pps}}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := container.Demux(init, simple(3, lengths(idr(0)))); !errors.Is(err, container.ErrEncrypted) {
		t.Errorf("encrypted entry: %v", err)
	}
	if _, err := container.Demux(init, simple(4, lengths(idr(0)))); !errors.Is(err, container.ErrFormat) {
		t.Errorf("missing entry: %v", err)
	}
}

func TestFragmentDamage(t *testing.T) {
	init, err := container.ParseInit(moov(avc1(sps, pps)))
	if err != nil {
		t.Fatal(err)
	}
	whole := simple(1, lengths(idr(0)), lengths(inter(1)), lengths(inter(2)))
	for _, c := range []struct {
		name           string
		segment        []byte
		units, damaged int
	}{
		{"tail cut in the last sample", whole[:len(whole)-10], 2, 1},
		{"last sample missing", whole[:len(whole)-len(lengths(inter(2)))], 2, 1},
		{"broken length", simple(1, lengths(idr(0)), append([]byte{0xff}, lengths(inter(1))...)), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := demux(t, init, c.segment)
			if len(v.Units) != c.units || v.Damaged != c.damaged {
				t.Errorf("%d units, %d damaged", len(v.Units), v.Damaged)
			}
		})
	}
	truncated := lengths(idr(0), inter(1))
	v := demux(t, init, simple(1, truncated[:len(truncated)-1]))
	if _, err := v.Units[0].NALUs(); !errors.Is(err, container.ErrFormat) {
		t.Errorf("truncated sample: %v", err)
	}
}

func TestInitRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, container.ErrEmpty},
		{"encrypted", moov(encv()), container.ErrEncrypted},
		{"AV1", moov(mp4Box("av01", make([]byte, 78))), container.ErrCodec},
		{"no sample entry", moov(), container.ErrFormat},
		{"no avcC", moov(mp4Box("avc1", make([]byte, 78))), container.ErrFormat},
		{"no moov", mp4Box("ftyp", []byte("iso6")), container.ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := container.ParseInit(c.b); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
