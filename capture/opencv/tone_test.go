//go:build !nocv

package opencv_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
)

const lossless = "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=none:lossless=1:keyint=1"

// shaped decodes the first picture of the recording in dir as one of this shape, and returns it small and as a frame.
func shaped(t testing.TB, dir string, shape container.Shape) (*image.RGBA, *capture.Frame) {
	t.Helper()
	job := jobs(t, dir, time.Second)[0]
	job.Runs = job.Runs[:1]
	job.Runs[0].Shape = shape
	var frame *capture.Frame
	err := newDecoder(t).Decode(context.Background(), job, gateFunc(admitAll), func(s opencv.Sample) error {
		frame = s.Frame
		return nil
	})
	if err != nil || frame == nil {
		t.Fatalf("frame %v, error %v", frame, err)
	}
	return frame.Small, frame
}

// pq is the inverse EOTF of SMPTE ST 2084 for cd/m2.
func pq(light float64) float64 {
	p := math.Pow(light/10000, 0.1593017578125)
	return math.Pow((0.8359375+18.8515625*p)/(1+18.6875*p), 78.84375)
}

// hlg returns the signal of a colour in cd/m2 for a display of 1000 cd/m2: the inverse OOTF and the OETF of BT.2100.
func hlg(c [3]float64) (out [3]float64) {
	y := (0.2627*c[0] + 0.6780*c[1] + 0.0593*c[2]) / 1000
	for i, v := range c {
		if y == 0 {
			continue
		}
		e := v / 1000 * math.Pow(y, -0.2/1.2)
		if out[i] = math.Sqrt(3 * e); e > 1.0/12 {
			out[i] = 0.17883277*math.Log(12*e-0.28466892) + 0.55991073
		}
	}
	return out
}

// sdr returns what a colour in cd/m2 with BT.2020 primaries must become: BT.2390's EETF from 1000 to 203 cd/m2 on each
// colour, BT.709 primaries, BT.1886.
func sdr(c [3]float64) (out [3]float64) {
	peak := pq(203) / pq(1000)
	knee := 1.5*peak - 0.5
	var l [3]float64
	for i, v := range c {
		if e := pq(v) / pq(1000); e > knee {
			x := (e - knee) / (1 - knee)
			e = (2*x*x*x-3*x*x+1)*knee + (x*x*x-2*x*x+x)*(1-knee) + (3*x*x-2*x*x*x)*peak
			low, high := 0.0, 1000.0
			for range 50 { // what light has this signal
				if middle := (low + high) / 2; pq(middle)/pq(1000) < e {
					low = middle
				} else {
					high = middle
				}
			}
			v = low
		}
		l[i] = v / 203
	}
	for i, row := range [3][3]float64{{1.6605, -0.5876, -0.0728}, {-0.1246, 1.1329, -0.0083}, {-0.0182, -0.1006, 1.1187}} {
		v := row[0]*l[0] + row[1]*l[1] + row[2]*l[2]
		out[i] = 255 * math.Pow(min(1, max(0, v)), 1/2.4)
	}
	return out
}

// patches are colours in cd/m2 with BT.2020 primaries.
var patches = []struct {
	name  string
	light [3]float64
	exact bool // not only by sdr, but by the plain law below the knee
}{
	{"black", [3]float64{0, 0, 0}, true},
	{"dark grey", [3]float64{5, 5, 5}, true},
	{"grey of 18 %", [3]float64{36.5, 36.5, 36.5}, true},
	{"half", [3]float64{80, 80, 80}, true},
	{"reference white", [3]float64{203, 203, 203}, false},
	{"highlight", [3]float64{600, 600, 600}, false},
	{"peak", [3]float64{1000, 1000, 1000}, false},
	{"light skin", [3]float64{105, 78, 60}, false},
	{"dark skin", [3]float64{28, 19, 12}, false},
	{"foliage", [3]float64{22, 30, 12}, false},
	{"sky", [3]float64{45, 60, 95}, false},
	{"red of BT.709", [3]float64{60, 7, 2}, false},
}

// raw returns a picture of the patches side by side as yuv420p10le.
func raw(signal func([3]float64) [3]float64, full bool, w, h int) []byte {
	luma, chroma := make([]byte, 2*w*h), [2][]byte{make([]byte, w*h/2), make([]byte, w*h/2)}
	black, lumas, chromas := 64.0, 876.0, 896.0
	if full {
		black, lumas, chromas = 0, 1023, 1023
	}
	for x := range w {
		s := signal(patches[x*len(patches)/w].light)
		y := 0.2627*s[0] + 0.6780*s[1] + 0.0593*s[2]
		u, v := (s[2]-y)/1.8814, (s[0]-y)/1.4746
		for row := range h {
			binary.LittleEndian.PutUint16(luma[2*(row*w+x):], uint16(math.Round(black+lumas*y)))
			if row%2 == 0 && x%2 == 0 {
				at := row/2*w + x
				binary.LittleEndian.PutUint16(chroma[0][at:], uint16(math.Round(512+chromas*u)))
				binary.LittleEndian.PutUint16(chroma[1][at:], uint16(math.Round(512+chromas*v)))
			}
		}
	}
	return bytes.Join([][]byte{luma, chroma[0], chroma[1]}, nil)
}

func TestPatchesBecomeSDR(t *testing.T) {
	const w, h = 48 * 12, 64
	each := func(f func(float64) float64) func([3]float64) [3]float64 {
		return func(c [3]float64) [3]float64 { return [3]float64{f(c[0]), f(c[1]), f(c[2])} }
	}
	for _, tc := range []struct {
		name   string
		signal func([3]float64) [3]float64
		shape  container.Shape
		dark   float64
	}{
		{"PQ", each(pq), container.Shape{Transfer: container.TransferPQ, WideGamut: true}, 24},
		{"PQ full range", each(pq), container.Shape{Transfer: container.TransferPQ, WideGamut: true, FullRange: true}, 32},
		{"HLG", hlg, container.Shape{Transfer: container.TransferHLG, WideGamut: true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			picture := raw(tc.signal, tc.shape.FullRange, w, h)
			if err := os.WriteFile(filepath.Join(dir, "raw"), bytes.Repeat(picture, 5), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(fields("-f rawvideo -pix_fmt yuv420p10le -s 576x64 -r 5 -i raw"), fields(lossless)...)
			testmedia.FFmpeg(t, dir, append(args, "-f", "hls", "-hls_segment_type", "fmp4", testmedia.Playlist)...)
			small, _ := shaped(t, dir, tc.shape)
			for i, p := range patches {
				got := small.RGBAAt(i*48+24, h/2)
				want := sdr(p.light)
				off := 0.0
				for c, v := range []uint8{got.R, got.G, got.B} {
					if want[c] > tc.dark { // below, one of the 8 bits of the signal is worth more than that
						off = max(off, math.Abs(float64(v)-want[c]))
					} else if float64(v) > tc.dark {
						t.Errorf("%s: %v, want %.0f", p.name, got, want)
					}
					if plain := 255 * math.Pow(p.light[c]/203, 1/2.4); p.exact && math.Abs(plain-want[c]) > 0.1 {
						t.Errorf("%s: the law says %.1f, its plain form %.1f", p.name, want[c], plain)
					}
				}
				if off > 5 {
					t.Errorf("%s: %v, want %.0f", p.name, got, want)
				}
				t.Logf("%s: %v, want %.0f, off by %.1f", p.name, got, want, off)
			}
		})
	}
}

// photo returns a picture of people at 640 pixels, and its folder.
func photo(t testing.TB) (dir string, m image.Image) {
	t.Helper()
	video := "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(video); err != nil {
		t.Skip("no vtest.avi: apt install opencv-doc")
	}
	dir = t.TempDir()
	testmedia.FFmpeg(t, dir, "-i", video, "-frames:v", "1", "-vf", "scale=640:480", "sdr.png")
	b, err := os.ReadFile(filepath.Join(dir, "sdr.png"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = png.Decode(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return dir, m
}

// TestHDRLooksLikeTheSDROriginal codes a photograph in HDR with zimg, an implementation that is not ours, and compares.
func TestHDRLooksLikeTheSDROriginal(t *testing.T) {
	out, err := exec.Command("ffmpeg", "-v", "error", "-filters").Output()
	if err != nil || !bytes.Contains(out, []byte(" zscale ")) {
		t.Skip("no ffmpeg with zscale")
	}
	for _, tc := range []struct {
		name, curve string
		shape       container.Shape
		most        float64 // mean absolute difference
	}{
		{"PQ", "primaries=2020:transfer=smpte2084", container.Shape{Transfer: container.TransferPQ, WideGamut: true}, 6},
		{"HLG", "primaries=2020:transfer=arib-std-b67", container.Shape{Transfer: container.TransferHLG, WideGamut: true}, 6},
		{"SDR in BT.2020", "primaries=2020:transfer=2020_10", container.Shape{WideGamut: true}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, want := photo(t)
			filter := "format=gbrp16le,zscale=min=gbr:rin=full:pin=709:tin=709:matrix=2020_ncl:range=limited:npl=203:" + tc.curve + ",format=yuv420p10le"
			args := append([]string{"-loop", "1", "-r", "5", "-t", "1", "-i", "sdr.png", "-vf", filter}, fields(lossless)...)
			testmedia.FFmpeg(t, dir, append(args, "-f", "hls", "-hls_segment_type", "fmp4", testmedia.Playlist)...)
			got, frame := shaped(t, dir, tc.shape)
			flat, _ := shaped(t, dir, container.Shape{})
			mapped, unmapped := meanDifference(got, want), meanDifference(flat, want)
			t.Logf("mean difference %.2f, without tone mapping %.2f", mapped, unmapped)
			if mapped > tc.most {
				t.Errorf("mean difference %.2f, want at most %.0f", mapped, tc.most)
			}
			if full := meanDifference(decodeJPEG(t, frame.JPEG), want); full > tc.most+1 {
				t.Errorf("of the JPEG %.2f", full)
			}
		})
	}
}

func meanDifference(a, b image.Image) float64 {
	x, y := rgba(a), rgba(b)
	sum := 0
	for i := range min(len(x.Pix), len(y.Pix)) {
		sum += max(int(x.Pix[i]), int(y.Pix[i])) - min(int(x.Pix[i]), int(y.Pix[i]))
	}
	return float64(sum) / float64(3*len(y.Pix)/4) // alpha is the same
}

func rgba(m image.Image) *image.RGBA {
	if r, ok := m.(*image.RGBA); ok {
		return r
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Src)
	return out
}
