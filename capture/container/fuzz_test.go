package container_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"spotter/capture/container"

	"spotter/internal/testmedia"
)

// exercise demuxes hostile bytes and checks what holds for any. It returns the tables, if there are any.
func exercise(t *testing.T, init *container.Init, b []byte) *container.Init {
	v, err := container.Demux(init, b)
	if err != nil {
		if v != nil {
			t.Fatal("both a video and an error")
		}
		return nil
	}
	if len(v.Units) == 0 || len(v.Units) > len(b) || v.Width < 0 || v.Height < 0 {
		t.Fatalf("%d units of %dx%d from %d bytes", len(v.Units), v.Width, v.Height, len(b))
	}
	checkAnyShape(t, v.Shape)
	total := 0
	for _, u := range v.Units {
		if u.Params != nil && !u.Key || (u.Params == nil) != (u.Shape == nil) {
			t.Fatal("parameter sets at a unit that is no key, or without a shape")
		}
		if u.Shape != nil {
			checkAnyShape(t, *u.Shape)
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
	if len(v.Cues) > 256 {
		t.Fatalf("%d cues", len(v.Cues))
	}
	for _, c := range v.Cues {
		if len(c.Section) < 20 || len(c.Section) > 4096 || c.Section[0] != 0xfc || crc32(c.Section) != 0 {
			t.Fatalf("cue %x", c.Section)
		}
	}
	return v.Tables
}

func checkAnyShape(t *testing.T, s container.Shape) {
	w, h := s.AspectWidth, s.AspectHeight
	if w <= 0 || h <= 0 || w > 16*h || h > 16*w || s.Rotation%90 != 0 || s.Rotation < 0 || s.Rotation >= 360 {
		t.Fatalf("shape %+v", s)
	}
}

// kitHeads returns the first 16 KiB of the kit's segments of a kind, or nothing where there is no kit.
func kitHeads(t testing.TB, pattern string) [][]byte {
	root, ok := testmedia.FindKit(t, "segments")
	if !ok {
		return nil
	}
	paths, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var heads [][]byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, b[:min(len(b), 16<<10)])
	}
	return heads
}

func FuzzDemuxTS(f *testing.F) {
	b := gop(3)
	f.Add(b)
	f.Add(b[2*packetSize:])
	f.Add(b[100 : len(b)-100])
	var hevc, mpeg2, fields tsMux
	hevc.tables(0x24, videoPID)
	hevc.pes(0, -1, annexB(slice("\x26\x01\x80", 0, 50)))
	hevc.pes(6000, 3000, slice("\x02\x01\x80", 0, 250))
	f.Add(hevc.out)
	mpeg2.tables(0x02, videoPID)
	mpeg2.pes(0, -1, slices.Concat(header, group, picture2(0, 1, 1, 1), picture2(0, 2, 2, 2)))
	mpeg2.pes(3600, -1, picture2(1, 3, 3, 3))
	f.Add(mpeg2.out)
	cueTables(&fields, true)
	fields.pes(0, -1, annexB(aud, fieldSPS(), pps, recovery, fieldSlice(refHead, sliceI, 0, 1)))
	cue(&fields, splice(0), splice(200))
	fields.pes(1800, -1, annexB(aud, fieldSlice(refHead, sliceP, 0, 2)))
	f.Add(fields.out)
	for _, head := range kitHeads(f, "http-streaming/*.ts") {
		f.Add(head)
	}
	init, err := container.ParseInit(b)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tables := exercise(t, nil, b)
		exercise(t, init, b)
		if tables != nil {
			half := len(b) / 2 / packetSize * packetSize
			exercise(t, tables, b[half:])
		}
	})
}

func FuzzDemuxMP4(f *testing.F) {
	head := moov(avc1(sps, pps), avc1(sps2, pps), encv())
	segment := append(simple(1, lengths(aud, sps, pps, idr(0)), lengths(inter(1))), simple(2, lengths(idr(2)))...)
	f.Add(head, segment)
	f.Add([]byte{}, append(append([]byte{}, head...), segment...))
	f.Add(moov(mp4Box("av01", make([]byte, 78))), segment)
	message := mp4Box("emsg", words(0), []byte("urn:scte:scte35:2013:bin\x00\x00"), words(1000, 5, 0, 1), splice(0))
	f.Add(moov(avc1(fieldSPS(), pps)), append(message,
		simple(1, lengths(fieldSlice(idrHead, sliceI, 0, 1)), lengths(fieldSlice(refHead, sliceP, 0, 2)))...))
	for _, b := range append(kitHeads(f, "mp4ff/*.m*"), kitHeads(f, "cmaf/multi-segment/video*")...) {
		at := max(4, bytes.Index(b, []byte("moof"))) - 4
		f.Add(b[:at], b[at:])
	}
	f.Fuzz(func(t *testing.T, head, segment []byte) {
		init, err := container.ParseInit(head)
		if (init == nil) == (err == nil) {
			t.Fatalf("init %v and error %v", init, err)
		}
		exercise(t, init, segment)
	})
}

// FuzzShape reads hostile parameter sets and SEI messages in front of a key picture.
func FuzzShape(f *testing.F) {
	orientation := []byte{0x06, 47, 3, 0x08, 0x00, 0x20, 0x80}
	for _, s := range [][]byte{sps, sps2, fieldSPS(), header} {
		f.Add(s, orientation)
	}
	f.Fuzz(func(t *testing.T, set, sei []byte) {
		var avc, hevc, mpeg2 tsMux
		avc.tables(0x1b, videoPID)
		avc.pes(0, -1, annexB(append([]byte{0x67}, set...), append([]byte{0x06}, sei...), idr(0)))
		hevc.tables(0x24, videoPID)
		hevc.pes(0, -1, annexB(append([]byte{0x42, 1}, set...), append([]byte{0x4e, 1}, sei...), slice("\x26\x01\x80", 0, 50)))
		mpeg2.tables(0x02, videoPID)
		mpeg2.pes(0, -1, slices.Concat([]byte{0, 0, 1, 0xb3}, set, picture2(0, 1, 3, 0)))
		for _, m := range []tsMux{avc, hevc, mpeg2} {
			exercise(t, nil, m.out)
		}
	})
}
