//go:build !nocv

package opencv_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
)

const (
	packetSize = 188
	videoPID   = 256 // of ffmpeg
)

func mpeg2Stream(t testing.TB) string {
	return testmedia.Stream{Rate: "25", Seconds: 3, Segment: "10", Encoder: fields(x262 + "-g 25 -bf 2 -flags +cgop")}.Make(t)
}

// alterTS hands every unit of the only segment in dir to f, which may write into it, and stores what comes of it in a new
// folder.
func alterTS(t testing.TB, dir string, f func(unit int, picture []byte)) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "index0.ts"))
	if err != nil {
		t.Fatal(err)
	}
	var parts [][]byte // of the unit's payload, in b
	unit := -1
	flush := func() {
		whole := slices.Concat(parts...)
		if unit >= 0 {
			f(unit, whole[9+int(whole[8]):]) // behind the PES header
		}
		for _, p := range parts {
			whole = whole[copy(p, whole):]
		}
		parts, unit = nil, unit+1
	}
	for packet := range slices.Chunk(b, packetSize) {
		if binary.BigEndian.Uint16(packet[1:])&0x1fff != videoPID {
			continue
		}
		if packet[1]&0x40 != 0 {
			flush()
		}
		payload := packet[4:]
		if packet[3]&0x20 != 0 { // an adaptation field
			payload = payload[1+int(payload[0]):]
		}
		parts = append(parts, payload)
	}
	flush()
	out := t.TempDir()
	copyFile(t, filepath.Join(dir, testmedia.Playlist), filepath.Join(out, testmedia.Playlist))
	if err := os.WriteFile(filepath.Join(out, "index0.ts"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDamagedMPEG2StaysWhereItIs(t *testing.T) {
	stream := mpeg2Stream(t)
	for _, tc := range []struct {
		name   string
		unit   int
		damage func([]byte)
		whole  bool // the rest of the group is not harmed
	}{
		{"nothing", -1, nil, true},
		{"lost B", damageGOP + 3, func(b []byte) { clear(b) }, true},
		{"truncated B", damageGOP + 3, truncate, true},
		{"garbled B", damageGOP + 3, func(b []byte) { copy(b[len(b)/2:], strings.Repeat("\xff", len(b))) }, true},
		{"lost P", damageGOP + 4, func(b []byte) { clear(b) }, false},
		{"truncated P", damageGOP + 4, truncate, false},
		{"P zeroed in the middle", damageGOP + 4, zero, false},
		{"lost keyframe", damageGOP, func(b []byte) { clear(b) }, false},
		{"truncated keyframe", damageGOP, truncate, false},
		{"keyframe zeroed in the middle", damageGOP, zero, false},
		{"keyframe without its slices", damageGOP, func(b []byte) { clear(b[60:]) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := alterTS(t, stream, func(i int, picture []byte) {
				if i == tc.unit {
					tc.damage(picture)
				}
			})
			d := newDecoder(t)
			for _, interval := range []time.Duration{time.Second, 400 * time.Millisecond, 40 * time.Millisecond} {
				for _, job := range jobs(t, dir, interval) {
					checkDamaged(t, d, job, tc.whole)
				}
			}
		})
	}
}

func TestFlippedBitsOfMPEG2(t *testing.T) {
	stream := mpeg2Stream(t)
	d := newDecoder(t)
	random := rand.New(rand.NewPCG(5, 6))
	total, lost := 0, 0
	for range 60 {
		damaged := alterTS(t, stream, func(_ int, b []byte) {
			for range random.IntN(4) {
				b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			}
			if random.IntN(4) == 0 { // where the headers are
				b[random.IntN(min(40, len(b)))] ^= 1 << random.IntN(8)
			}
		})
		interval := []time.Duration{time.Second, 200 * time.Millisecond}[random.IntN(2)]
		follow(t, damaged, capture.ZeroFirst, func(s *capture.Segment) error {
			seen, l := looks(t, d, capture.NewPlanner(interval).Plan(s))
			total, lost = total+len(seen)+l, lost+l
			return nil
		})
	}
	t.Logf("%d pictures, %d lost", total, lost)
}

// sequenceHeader is one of MPEG-2 with a picture size (H.262 6.2.2.1 and 6.2.2.3).
func sequenceHeader(width, height int) []byte {
	w := new(bitString).u(12, uint64(width&0xfff)).u(12, uint64(height&0xfff)).u(4, 1).u(4, 3)
	w.u(18, 0x3ffff).u(1, 1).u(10, 112).u(3, 0)
	head := w.bytes()
	w = new(bitString).u(4, 1).u(8, 0x48).u(1, 1).u(2, 1).u(2, uint64(width>>12)).u(2, uint64(height>>12))
	w.u(12, 0).u(1, 1).u(8, 0).u(1, 0).u(7, 0)
	return slices.Concat([]byte{0, 0, 1, 0xb3}, head, []byte{0, 0, 1, 0xb5}, w.bytes())
}

func TestSequenceHeaders(t *testing.T) {
	stream := mpeg2Stream(t)
	for _, tc := range []struct {
		name   string
		params func(old []byte) [][]byte
		reason string
	}{
		{"none", func([]byte) [][]byte { return nil }, "no sequence parameter set"},
		{"empty", func([]byte) [][]byte { return [][]byte{{}} }, "not one sequence header"},
		{"cut", func(old []byte) [][]byte { return [][]byte{old[:6]} }, "not one sequence header"},
		{"zero size", func([]byte) [][]byte { return [][]byte{sequenceHeader(0, 576)} }, "not one sequence header"},
		{"16383x16383", func([]byte) [][]byte { return [][]byte{sequenceHeader(16383, 16383)} }, "at most"},
		{"4096x2304, which is not so", func([]byte) [][]byte { return [][]byte{sequenceHeader(4096, 2304)} }, ""},
		{"64x64, which is not so", func([]byte) [][]byte { return [][]byte{sequenceHeader(64, 64)} }, ""},
		{"two in one", func(old []byte) [][]byte { return [][]byte{slices.Concat(old, sequenceHeader(64, 64))} }, "not one sequence header"},
		{"two", func(old []byte) [][]byte { return [][]byte{old, sequenceHeader(64, 64)} }, "different picture sizes"},
		{"a picture in it", func(old []byte) [][]byte { return [][]byte{slices.Concat(old, []byte{0, 0, 1, 0, 0, 8})} }, "not one sequence header"},
		{"MPEG-1", func(old []byte) [][]byte { return [][]byte{sequenceHeader(256, 144)[:12]} }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDecoder(t)
			for _, interval := range []time.Duration{time.Second, 200 * time.Millisecond} {
				for _, job := range jobs(t, stream, interval) {
					for i := range job.Runs {
						job.Runs[i].Params = tc.params(job.Runs[i].Params[0])
					}
					err := d.Decode(context.Background(), job, gateFunc(admitAll), func(opencv.Sample) error { return nil })
					if tc.reason != "" && (!errors.Is(err, opencv.ErrDecode) || !strings.Contains(err.Error(), tc.reason)) {
						t.Errorf("error %v, want one with %q", err, tc.reason)
					}
				}
			}
			if peak := resident(t); peak > 1<<20 {
				t.Errorf("%d KiB were used", peak)
			}
		})
	}
}

// TestSequenceHeaderInsideARun keeps the size of the first sequence header, whatever the pictures bring.
func TestSequenceHeaderInsideARun(t *testing.T) {
	stream := mpeg2Stream(t)
	for _, size := range [][2]int{{64, 64}, {4000, 2000}} {
		dir := alterTS(t, stream, func(i int, picture []byte) {
			if i%damageGOP == 2 { // a B picture, which is overwritten
				copy(picture, sequenceHeader(size[0], size[1]))
			}
		})
		d := newDecoder(t)
		for _, job := range jobs(t, dir, 40*time.Millisecond) {
			if job.Codec != container.MPEG2 {
				t.Fatalf("codec %v", job.Codec)
			}
			seen, lost := looks(t, d, job)
			if len(seen) < 60 {
				t.Errorf("%d looks, %d lost", len(seen), lost)
			}
		}
	}
}
