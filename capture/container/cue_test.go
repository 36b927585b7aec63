package container_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

const cuePID = 0x1f0

// splice is a splice_insert of ANSI/SCTE 35, 14.2; splice(n) is it with n bytes of a private descriptor more.
func splice(n int) []byte {
	s, err := hex.DecodeString("fc302f000000000000fffff014054800008f7feffe7369c02efe0052ccf500000000000a0008435545490000013562dba30a")
	if err != nil || n == 0 {
		return s
	}
	s = s[:len(s)-4]
	s = append(s, bytes.Repeat([]byte{0x5a}, n)...)
	binary.BigEndian.PutUint16(s[1:], 0x3000|uint16(len(s)+4-3))
	return binary.BigEndian.AppendUint32(s, crc32(s))
}

// cueTables are those of a stream of H.264 with cues, which it says by stream type or by a registration descriptor.
func cueTables(m *tsMux, registered bool) {
	m.section(0, append([]byte{0x00, 0, 0, 0, 1, 0xc1, 0, 0}, 0, 1, 0xe0|pmtPID>>8, pmtPID&0xff))
	pmt := []byte{0x02, 0, 0, 0, 1, 0xc1, 0, 0, 0xe0 | videoPID>>8, videoPID & 0xff, 0xf0, 0}
	pmt = append(pmt, 0x1b, 0xe0|videoPID>>8, videoPID&0xff, 0xf0, 0)
	if registered {
		pmt = append(pmt, 0x05, 0xe0|cuePID>>8, cuePID&0xff, 0xf0, 6, 5, 4, 'C', 'U', 'E', 'I')
	} else {
		pmt = append(pmt, 0x86, 0xe0|cuePID>>8, cuePID&0xff, 0xf0, 0)
	}
	m.section(pmtPID, pmt)
}

// cue writes sections one behind the other, the first behind a pointer_field, the last stuffed.
func cue(m *tsMux, sections ...[]byte) {
	b := append([]byte{0}, bytes.Join(sections, nil)...)
	m.packets(cuePID, append(b, bytes.Repeat([]byte{0xff}, (184-len(b)%184)%184)...))
}

func TestCuesOfTransportStream(t *testing.T) {
	bad := splice(0)
	bad[20] ^= 1
	cases := []struct {
		name string
		mux  func(m *tsMux, picture func())
		want []container.Cue
	}{
		{"none", func(_ *tsMux, picture func()) { picture() }, nil},
		{"between pictures", func(m *tsMux, picture func()) {
			picture()
			picture()
			cue(m, splice(0))
			picture()
		}, []container.Cue{{PTS: 3000, Section: splice(0)}}},
		{"before the first", func(m *tsMux, picture func()) {
			cue(m, splice(0))
			picture()
		}, []container.Cue{{PTS: 0, Section: splice(0)}}},
		{"behind the last", func(m *tsMux, picture func()) {
			picture()
			picture()
			cue(m, splice(0))
		}, []container.Cue{{PTS: 3000, Section: splice(0)}}},
		{"several in a packet, one damaged", func(m *tsMux, picture func()) {
			picture()
			cue(m, splice(0), bad, splice(3))
		}, []container.Cue{{Section: splice(0)}, {Section: splice(3)}}},
		{"over several packets", func(m *tsMux, picture func()) {
			picture()
			cue(m, splice(1000))
			cue(m, splice(0))
		}, []container.Cue{{Section: splice(1000)}, {Section: splice(0)}}},
		{"end behind a pointer", func(m *tsMux, picture func()) {
			picture()
			s := splice(200)
			m.packets(cuePID, append([]byte{0}, s[:183]...))
			rest := append([]byte{byte(len(s) - 183)}, s[183:]...)
			rest = append(rest, splice(1)...)
			m.packets(cuePID, append(rest, bytes.Repeat([]byte{0xff}, 184-len(rest))...))
		}, []container.Cue{{Section: splice(200)}, {Section: splice(1)}}},
		{"packet lost", func(m *tsMux, picture func()) {
			picture()
			at := len(m.out)
			cue(m, splice(500))
			m.out = slices.Delete(m.out, at+packetSize, at+2*packetSize)
			cue(m, splice(0))
		}, []container.Cue{{Section: splice(0)}}},
		{"packet repeated", func(m *tsMux, picture func()) {
			picture()
			cue(m, splice(0))
			m.out = append(m.out, m.out[len(m.out)-packetSize:]...)
		}, []container.Cue{{Section: splice(0)}}},
		{"too many", func(m *tsMux, picture func()) {
			picture()
			for range 300 {
				cue(m, splice(0))
			}
		}, slices.Repeat([]container.Cue{{Section: splice(0)}}, 256)},
	}
	for _, c := range cases {
		for _, registered := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				var m tsMux
				cueTables(&m, registered)
				n := int64(0)
				c.mux(&m, func() {
					m.pes(n*3000, -1, annexB(aud, sps, pps, idr(byte(n))))
					n++
				})
				v := demux(t, nil, m.out)
				if diff := cmp.Diff(c.want, v.Cues); diff != "" || len(v.Units) != int(n) {
					t.Errorf("%d units (-want +got):\n%s", len(v.Units), diff)
				}
			})
		}
	}
}

func TestCuesOfDamagedPicture(t *testing.T) {
	var m tsMux
	cueTables(&m, false)
	m.pes(0, -1, annexB(aud, sps, pps, idr(0)))
	at := len(m.out)
	m.pes(3000, -1, annexB(aud, inter(1)))
	m.out = slices.Delete(m.out, at+packetSize, at+2*packetSize)
	cue(&m, splice(0))
	m.pes(6000, -1, annexB(aud, inter(2)))
	m.pes(9000, -1, annexB(aud, inter(2)))
	v := demux(t, nil, m.out)
	if len(v.Cues) != 1 || v.Cues[0].PTS != 0 && v.Cues[0].PTS != 3000 {
		t.Errorf("%d units, cues %v", len(v.Units), v.Cues)
	}
}

func TestCuesOfPart(t *testing.T) {
	var m tsMux
	cueTables(&m, false)
	m.pes(0, -1, annexB(aud, sps, pps, idr(0)))
	cut := len(m.out)
	m.pes(3000, -1, annexB(aud, inter(1)))
	cue(&m, splice(0))
	first := demux(t, nil, m.out[:cut])
	second := demux(t, first.Tables, m.out[cut:])
	if diff := cmp.Diff([]container.Cue{{PTS: 3000, Section: splice(0)}}, second.Cues); diff != "" {
		t.Error(diff)
	}
}

func TestCuesOfEventMessages(t *testing.T) {
	const scheme = "urn:scte:scte35:2013:bin\x00\x00"
	v0 := func(scheme string, delta uint32, message []byte) []byte {
		return mp4Box("emsg", words(0), []byte(scheme), words(1000, delta, 0, 1), message)
	}
	v1 := mp4Box("emsg", words(1<<24, 48000, 0, 96000, 0, 2), []byte(scheme), splice(0))
	init, err := container.ParseInit(moov(avc1(sps, pps)))
	if err != nil {
		t.Fatal(err)
	}
	media := fragment(lengths(idr(0)), func(moof uint32) [][]byte {
		return [][]byte{
			mp4Box("tfhd", words(0x20000, 1)), mp4Box("tfdt", words(0, 5000)),
			mp4Box("trun", words(0x201, 1, moof+8, uint32(len(lengths(idr(0)))))),
		}
	})
	long := splice(4080)
	cases := []struct {
		name    string
		segment []byte
		want    []container.Cue
	}{
		{"version 1", slices.Concat(v1, media), []container.Cue{{PTS: 180000, Section: splice(0)}}},
		{"version 0", slices.Concat(v0(scheme, 500, splice(0)), media), []container.Cue{{PTS: 495000, Section: splice(0)}}},
		{"version 0 behind", slices.Concat(media, v0(scheme, 0, splice(0))), []container.Cue{{PTS: 450000, Section: splice(0)}}},
		{"other scheme", slices.Concat(v0("urn:mpeg:dash:event:2012\x00\x00", 0, splice(0)), media), nil},
		{"no section", slices.Concat(v0(scheme, 0, []byte("no section, but long enough")), media), nil},
		{"too long", slices.Concat(v0(scheme, 0, long), media), nil},
		{"cut short", slices.Concat(v0(scheme, 0, splice(0)[:30]), media), nil},
		{"no strings", slices.Concat(mp4Box("emsg", words(0, 1, 2)), media), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, demux(t, init, c.segment).Cues); diff != "" {
				t.Error(diff)
			}
		})
	}
}
