//go:build !nocv

package opencv_test

import (
	"context"
	"errors"
	"image"
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
	"spotter/timeline"
)

const (
	damageRate = 25
	damageGOP  = 25 // pictures
)

func damageStream(codec string) testmedia.Stream {
	s := testmedia.Stream{Rate: "25", Seconds: 3, FMP4: true, Segment: "10"}
	s.Encoder = fields(x264 + "keyint=25:min-keyint=25:scenecut=0:bframes=2:b-adapt=0:b-pyramid=none")
	if codec == "HEVC" {
		s.Encoder = fields("-tag:v hvc1 " + x265 + "keyint=25:min-keyint=25:scenecut=0:bframes=2:b-adapt=0:open-gop=0:no-b-pyramid=1")
	}
	return s
}

// alter hands every unit's NAL units of the only segment in dir to f, which may write into them, and stores what comes
// of it in a new folder.
func alter(t testing.TB, dir string, f func(unit int, nalus [][]byte)) string {
	t.Helper()
	out := t.TempDir()
	for _, name := range []string{testmedia.Playlist, "init.mp4"} {
		copyFile(t, filepath.Join(dir, name), filepath.Join(out, name))
	}
	head, err := os.ReadFile(filepath.Join(dir, "init.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	init, err := container.ParseInit(head)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "index0.m4s"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := container.Demux(init, b)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range v.Units {
		nalus, err := u.NALUs() // of fMP4 they are the segment's own bytes
		if err != nil {
			t.Fatal(err)
		}
		f(i, nalus)
	}
	if err := os.WriteFile(filepath.Join(out, "index0.m4s"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// slice is a unit's largest NAL unit.
func slice(nalus [][]byte) []byte {
	return slices.MaxFunc(nalus, func(a, b []byte) int { return len(a) - len(b) })
}

// TestDamageStaysWhereItIs damages one unit. Pictures of other groups of pictures are all there and right; within the
// group none stands at the position of another that was decoded.
func TestDamageStaysWhereItIs(t *testing.T) {
	streams := map[string]string{"H.264": damageStream("H.264").Make(t), "HEVC": damageStream("HEVC").Make(t)}
	// The units, in decoding order: I0 P3 B1 B2 P6 ... of each group.
	for _, tc := range []struct {
		name   string
		unit   int
		damage func(slice []byte)
		whole  bool // the rest of the group is not harmed
	}{
		{"lost B", damageGOP + 3, lose, true},
		{"truncated B", damageGOP + 3, truncate, true},
		{"garbled B", damageGOP + 3, garble, true},
		{"garbled P", damageGOP + 4, garble, false},
		{"garbled keyframe", damageGOP, garble, false},
		{"lost last B", 2*damageGOP - 1, lose, false},
		{"lost P", damageGOP + 4, lose, false},
		{"truncated P", damageGOP + 4, truncate, false},
		{"lost keyframe", damageGOP, lose, false},
		{"truncated keyframe", damageGOP, truncate, false},
		{"keyframe zeroed in the middle", damageGOP, zero, false},
		{"P zeroed in the middle", damageGOP + 4, zero, false},
	} {
		for codec, stream := range streams {
			t.Run(tc.name+" "+codec, func(t *testing.T) {
				t.Parallel()
				dir := alter(t, stream, func(i int, nalus [][]byte) {
					if i == tc.unit {
						tc.damage(slice(nalus))
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
}

func lose(s []byte)     { s[0] = s[0]&0x81 | 63<<1&0x7e | 12; clear(s[1:]) } // not a slice any more, in either codec
func garble(s []byte)   { clear(s[1:]); s[1], s[2] = 0x80, 0x80 }            // a slice whose header cannot be read
func truncate(s []byte) { clear(s[len(s)/3:]) }
func zero(s []byte)     { clear(s[len(s)/3 : 2*len(s)/3]) }

// checkDamaged decodes a job of which the second group is damaged.
func checkDamaged(t *testing.T, d *opencv.Decoder, job capture.Job, whole bool) {
	t.Helper()
	seen, lost := looks(t, d, job)
	outside, wrong := 0, 0
	for _, l := range seen {
		want := int(l.at+timeline.Position(500/damageRate)) * damageRate / 1000
		inside := want/damageGOP == 1
		if !inside {
			outside++
		}
		if !l.whole || l.number != want {
			later := l.number > want && job.Codec != container.MPEG2 // which may blend old and new into any number
			if !inside || l.whole && (whole || later) {              // a decoder conceals with older pictures, never with later
				t.Errorf("at %v picture %d (whole %v), want %d", l.at, l.number, l.whole, want)
			}
			wrong++
		}
	}
	planned := 0
	for _, r := range job.Runs {
		for _, p := range r.Pictures {
			if int(p.At)/(1000*damageGOP/damageRate) != 1 {
				planned++
			}
		}
	}
	if outside < planned-1 { // with the keyframe away the group before goes on, and its end may suffer
		t.Errorf("%d of %d pictures outside the damaged group", outside, planned)
	}
	t.Logf("%d looks, %d lost, %d not as they were", len(seen), lost, wrong)
}

// TestFlippedBits never crashes and accounts for every picture.
func TestFlippedBits(t *testing.T) {
	for _, codec := range []string{"H.264", "HEVC"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			dir := damageStream(codec).Make(t)
			d := newDecoder(t)
			random := rand.New(rand.NewPCG(1, 2))
			total, lost := 0, 0
			for range 60 {
				damaged := alter(t, dir, func(_ int, nalus [][]byte) {
					if random.IntN(4) == 0 {
						n := nalus[random.IntN(len(nalus))]
						for range 1 + random.IntN(8) {
							n[random.IntN(len(n))] ^= 1 << random.IntN(8)
						}
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
		})
	}
}

// TestParameterSets replaces a job's parameter sets by such as must not be decoded, or not believed.
func TestParameterSets(t *testing.T) {
	for _, codec := range []string{"H.264", "HEVC"} {
		sps := spsH264
		if codec == "HEVC" {
			sps = spsHEVC
		}
		dir := damageStream(codec).Make(t)
		for _, tc := range []struct {
			name    string
			params  func(old [][]byte) [][]byte
			reason  string
			decoded bool // all of it
		}{
			{"as they were", func(old [][]byte) [][]byte { return old }, "", true},
			{"none", func([][]byte) [][]byte { return nil }, "no sequence parameter set", false},
			{"no SPS", func(old [][]byte) [][]byte { return old[len(old)-1:] }, "no sequence parameter set", false},
			{"SPS alone", func(old [][]byte) [][]byte { return old[len(old)-2 : len(old)-1] }, "", false},
			{"SPS cut", func(old [][]byte) [][]byte { return replace(old, old[len(old)-2][:3]) }, "read sequence parameter set", false},
			{"16384x16384", func(old [][]byte) [][]byte { return replace(old, sps(16384, 16384)) }, "at most", false},
			{"1048576x16", func(old [][]byte) [][]byte { return replace(old, sps(1<<20, 16)) }, "", false},
			{"2^31x2^31", func(old [][]byte) [][]byte { return replace(old, sps(1<<31, 1<<31)) }, "at most", false},
			{"4096x2304, which is not so", func(old [][]byte) [][]byte { return replace(old, sps(4096, 2304)) }, "", false},
			{"a second one of 64x64", func(old [][]byte) [][]byte { return append(slices.Clone(old), sps(64, 64)) }, "different picture sizes", false},
			{"a second one of 16384x16384", func(old [][]byte) [][]byte { return append(slices.Clone(old), sps(16384, 16384)) }, "at most", false},
		} {
			t.Run(tc.name+" "+codec, func(t *testing.T) {
				d := newDecoder(t)
				for _, interval := range []time.Duration{time.Second, 200 * time.Millisecond} {
					for _, job := range jobs(t, dir, interval) {
						for i := range job.Runs {
							job.Runs[i].Params = tc.params(job.Runs[i].Params)
						}
						err := d.Decode(context.Background(), job, gateFunc(admitAll), func(opencv.Sample) error { return nil })
						if tc.decoded != (err == nil) && tc.reason != "" {
							t.Errorf("error %v", err)
						}
						if err != nil && (!errors.Is(err, opencv.ErrDecode) || !strings.Contains(err.Error(), tc.reason)) {
							t.Errorf("error %v, want one with %q", err, tc.reason)
						}
					}
				}
				if peak := resident(t); peak > 1<<20 {
					t.Errorf("%d KiB were used", peak)
				}
			})
		}
		if codec == "HEVC" {
			t.Run("0x0", func(t *testing.T) {
				d := newDecoder(t)
				job := jobs(t, dir, time.Second)[0]
				job.Runs[0].Params = replace(job.Runs[0].Params, sps(0, 0))
				var seen []timeline.Position
				gate := gateFunc(func(at timeline.Position, _ *image.RGBA) bool { seen = append(seen, at); return true })
				err := d.Decode(context.Background(), job, gate, func(opencv.Sample) error { return nil })
				if !errors.Is(err, opencv.ErrDecode) || len(seen) != 2 {
					t.Errorf("looks at %v, error %v", seen, err)
				}
			})
		}
	}
}

func replace(sets [][]byte, sps []byte) [][]byte {
	out := slices.Clone(sets)
	out[len(out)-2] = sps // VPS, SPS, PPS
	return out
}

// TestFlippedBitsInParameterSets never crashes, accounts for every picture and keeps memory bounded.
func TestFlippedBitsInParameterSets(t *testing.T) {
	for _, codec := range []string{"H.264", "HEVC"} {
		list := jobs(t, damageStream(codec).Make(t), time.Second)
		d := newDecoder(t)
		random := rand.New(rand.NewPCG(3, 4))
		for range 60 {
			job := capture.Job{Codec: list[0].Codec}
			for _, r := range list[0].Runs[:1] {
				r.Params = slices.Clone(r.Params)
				i := random.IntN(len(r.Params))
				r.Params[i] = slices.Clone(r.Params[i])
				for range 1 + random.IntN(4) {
					r.Params[i][random.IntN(len(r.Params[i]))] ^= 1 << random.IntN(8)
				}
				job.Runs = append(job.Runs, r)
			}
			looks(t, d, job)
		}
		if peak := resident(t); peak > 1<<20 {
			t.Errorf("%s: %d KiB were used", codec, peak)
		}
	}
}
