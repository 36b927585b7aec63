//go:build !nocv

package opencv_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
)

// interlaced makes a 25i recording of a camera that pans over a photograph by so many pixels a field, and the pictures
// that a camera without fields would have taken at the time of each first field.
func interlaced(t testing.TB, speed int, encoder string) (dir string, want []*image.RGBA) {
	t.Helper()
	const w, h = 480, 288
	dir, _ = photo(t)
	pan := fmt.Sprintf("fps=50,crop=%d:%d:x='10+%d*mod(n,12)':y=100", w, h, speed)
	input := []string{"-loop", "1", "-r", "50", "-t", "0.8", "-i", "sdr.png"}
	testmedia.FFmpeg(t, dir, slices.Concat(input, []string{"-vf", pan + ",select='not(mod(n,2))'", "-vsync", "0", "-pix_fmt", "rgba", "-f", "rawvideo", "raw"})...)
	b, err := os.ReadFile(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	for pix := range slices.Chunk(b, 4*w*h) {
		want = append(want, &image.RGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)})
	}
	testmedia.FFmpeg(t, dir, slices.Concat(input, []string{"-vf", pan + ",format=yuv420p,tinterlace=interleave_top,setfield=tff"}, fields(encoder),
		[]string{"-f", "hls", testmedia.Playlist})...)
	return dir, want
}

// combing is how much more a picture changes from line to line than from each line to the second next.
func combing(m *image.RGBA) float64 {
	near, far := 0, 0
	for y := 2; y < m.Rect.Dy(); y++ {
		for x := range m.Rect.Dx() {
			v := int(m.RGBAAt(x, y).G)
			near += max(v-int(m.RGBAAt(x, y-1).G), int(m.RGBAAt(x, y-1).G)-v)
			far += max(v-int(m.RGBAAt(x, y-2).G), int(m.RGBAAt(x, y-2).G)-v)
		}
	}
	return float64(near) / float64(far)
}

func TestCombsAreRemoved(t *testing.T) {
	h264 := "-c:v libx264 -preset veryfast -crf 12 -flags +ilme+ildct -x264-params keyint=3:tff=1"
	mpeg2 := "-c:v mpeg2video -q:v 2 -g 3 -flags +ilme+ildct"
	for _, tc := range []struct {
		name, encoder string
		speed         int // pixels a field
	}{
		{"H.264, still", h264, 0},
		{"H.264, slow", h264, 2},
		{"H.264, fast", h264, 12},
		{"MPEG-2", mpeg2, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, want := interlaced(t, tc.speed, tc.encoder)
			var off, combs [2]float64
			for mend := range 2 {
				n := 0
				d := newDecoder(t)
				for _, job := range jobs(t, dir, 120*time.Millisecond) {
					for i := range job.Runs {
						job.Runs[i].Shape = container.Shape{Interlaced: mend == 1}
					}
					decode(t, d, job, func(f *capture.Frame) {
						off[mend] += meanDifference(f.Small, want[int(f.Position+20)/40])
						combs[mend] += combing(f.Small)
						n++
					})
				}
				off[mend], combs[mend] = off[mend]/float64(n), combs[mend]/float64(n)
			}
			var clean float64
			for _, m := range want {
				clean += combing(m) / float64(len(want))
			}
			t.Logf("off by %.2f, as woven %.2f; combing %.2f, as woven %.2f, without fields %.2f", off[1], off[0], combs[1], combs[0], clean)
			if tc.speed == 0 && off[1] > off[0]+0.5 {
				t.Errorf("a still picture is off by %.2f, as woven by %.2f", off[1], off[0])
			}
			if tc.speed > 0 && (off[1] > 0.85*off[0] || combs[1] > clean+0.25*(combs[0]-clean)) {
				t.Errorf("off by %.2f, as woven %.2f; combing %.2f, as woven %.2f", off[1], off[0], combs[1], combs[0])
			}
		})
	}
}

func TestCombKeepsWhatIsNoComb(t *testing.T) {
	const w, h = 64, 48
	for _, tc := range []struct {
		name string
		draw func(x, y int) byte
	}{
		{"flat", func(int, int) byte { return 100 }},
		{"gradient", func(x, y int) byte { return byte(2*x + 2*y) }},
		{"thin lines", func(_, y int) byte {
			if y%6 == 3 {
				return 255
			}
			return 0
		}},
		{"edge", func(_, y int) byte { return byte(min(1, y/20) * 200) }},
		{"diagonal", func(x, y int) byte { return byte(min(1, max(0, x-y)) * 200) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m []byte
			for i := range w * h {
				v := tc.draw(i%w, i/w)
				m = append(m, v, v, v)
			}
			was := slices.Clone(m)
			opencv.Comb(m, w, h)
			if !bytes.Equal(m, was) {
				t.Error("it was changed")
			}
		})
	}
	for _, size := range []image.Point{{0, 0}, {1, 1}, {7, 3}, {3, 5}, {2, 4}} { // no size is out of bounds
		opencv.Comb(make([]byte, 3*size.X*size.Y), size.X, size.Y)
	}
}
