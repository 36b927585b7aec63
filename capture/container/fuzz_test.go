package container_test

import (
	"testing"

	"spotter/capture/container"
)

// exercise demuxes hostile bytes and checks what holds for any.
func exercise(t *testing.T, init *container.Init, b []byte) {
	v, err := container.Demux(init, b)
	if err != nil {
		if v != nil {
			t.Fatal("both a video and an error")
		}
		return
	}
	if len(v.Units) == 0 || len(v.Units) > len(b) || v.Width < 0 || v.Height < 0 {
		t.Fatalf("%d units of %dx%d from %d bytes", len(v.Units), v.Width, v.Height, len(b))
	}
	total := 0
	for _, u := range v.Units {
		if u.Params != nil && !u.Key {
			t.Fatal("parameter sets at a unit that is no key")
		}
		nalus, err := u.NALUs()
		if (err == nil) != (len(nalus) > 0) {
			t.Fatalf("%d NAL units and error %v", len(nalus), err)
		}
		for _, n := range nalus {
			total += len(n)
		}
	}
	if total > 2*len(b) {
		t.Fatalf("%d bytes of NAL units from %d", total, len(b))
	}
}

func FuzzDemuxTS(f *testing.F) {
	b := gop(3)
	f.Add(b)
	f.Add(b[2*packetSize:])
	f.Add(b[100 : len(b)-100])
	var m tsMux
	m.tables(0x24, videoPID)
	m.pes(0, -1, annexB(slice("\x26\x01\x80", 0, 50)))
	m.pes(6000, 3000, slice("\x02\x01\x80", 0, 250))
	f.Add(m.out)
	init, err := container.ParseInit(b)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		exercise(t, nil, b)
		exercise(t, init, b)
	})
}

func FuzzDemuxMP4(f *testing.F) {
	head := moov(avc1(sps, pps), avc1(sps2, pps), encv())
	segment := append(simple(1, lengths(aud, sps, pps, idr(0)), lengths(inter(1))), simple(2, lengths(idr(2)))...)
	f.Add(head, segment)
	f.Add([]byte{}, append(append([]byte{}, head...), segment...))
	f.Add(moov(mp4Box("av01", make([]byte, 78))), segment)
	f.Fuzz(func(t *testing.T, head, segment []byte) {
		init, err := container.ParseInit(head)
		if (init == nil) == (err == nil) {
			t.Fatalf("init %v and error %v", init, err)
		}
		exercise(t, init, segment)
	})
}
