//go:build !nocv

package opencv_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// colours makes a stream with a red left half and a blue right half.
func colours(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	testmedia.FFmpeg(t, dir, "-f", "lavfi", "-i", "color=red:size="+size+":rate=5:duration=2,drawbox=x=iw/2:color=blue:t=fill",
		"-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p", "-g", "5", "-f", "hls", "-hls_list_size", "0", testmedia.Playlist)
	return dir
}

func TestFrames(t *testing.T) {
	for _, tc := range []struct {
		size  string
		full  image.Point
		small image.Point
	}{
		{"1920x1080", image.Pt(1920, 1080), image.Pt(640, 360)},
		{"1366x768", image.Pt(1366, 768), image.Pt(640, 359)},
		{"608x1080", image.Pt(608, 1080), image.Pt(360, 640)},
		{"642x480", image.Pt(642, 480), image.Pt(640, 478)},
		{"640x480", image.Pt(640, 480), image.Pt(640, 480)},
		{"98x66", image.Pt(98, 66), image.Pt(98, 66)},
		{"2048x16", image.Pt(2048, 16), image.Pt(640, 5)},
		{"3840x2160", image.Pt(3840, 2160), image.Pt(640, 360)},
	} {
		t.Run(tc.size, func(t *testing.T) {
			d := newDecoder(t)
			var frames []*capture.Frame
			var copies [][]byte
			for _, job := range jobs(t, colours(t, tc.size), time.Second) {
				err := d.Decode(context.Background(), job, gateFunc(admitAll), func(s opencv.Sample) error {
					frames = append(frames, s.Frame)
					copies = append(copies, slices.Clone(s.Frame.Small.Pix))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if len(frames) != 2 {
				t.Fatalf("%d frames, want 2", len(frames))
			}
			for i, f := range frames {
				if !bytes.Equal(f.Small.Pix, copies[i]) {
					t.Error("the small picture changed afterwards")
				}
				if f.Small.Rect.Size() != tc.small || f.Small.Stride != 4*tc.small.X {
					t.Errorf("small picture of %v, stride %d, want %v", f.Small.Rect, f.Small.Stride, tc.small)
				}
				checkColours(t, f.Small)
				if i > 0 {
					continue // decoding is slow under the race detector
				}
				full, err := jpeg.Decode(bytes.NewReader(f.JPEG))
				if err != nil {
					t.Fatal(err)
				}
				if full.Bounds().Size() != tc.full || f.Width != tc.full.X || f.Height != tc.full.Y {
					t.Errorf("JPEG of %v, frame of %dx%d, want %v", full.Bounds(), f.Width, f.Height, tc.full)
				}
				checkColours(t, full)
			}
		})
	}
}

// checkColours wants red in the left quarter's middle and blue in the right's.
func checkColours(t *testing.T, m image.Image) {
	t.Helper()
	b := m.Bounds()
	left := color.RGBAModel.Convert(m.At(b.Dx()/4, b.Dy()/2)).(color.RGBA)
	right := color.RGBAModel.Convert(m.At(b.Dx()*3/4, b.Dy()/2)).(color.RGBA)
	if left.R < 200 || left.B > 60 || left.A != 255 || right.B < 200 || right.R > 60 {
		t.Errorf("%T: left %v, right %v, want red and blue", m, left, right)
	}
}

func TestGateDecidesWhatIsAFrame(t *testing.T) {
	list := smallJobs(t, time.Second)
	for _, tc := range []struct {
		name string
		gate opencv.Gate
		want []bool
	}{
		{"all", gateFunc(admitAll), []bool{true, true, true, true}},
		{"none", gateFunc(admitNone), []bool{false, false, false, false}},
		{"every third", admitEvery(3), []bool{true, false, false, true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDecoder(t)
			var got []bool
			for _, job := range list {
				err := d.Decode(context.Background(), job, tc.gate, func(s opencv.Sample) error {
					if s.Frame != nil && s.Frame.Position != s.Position {
						t.Errorf("frame at %v in the sample at %v", s.Frame.Position, s.Position)
					}
					got = append(got, s.Frame != nil)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("admitted %v, want %v", got, tc.want)
			}
		})
	}
}

// TestSmallBelongsToTheDecoder pins what Gate says: the picture shown to it changes afterwards.
func TestSmallBelongsToTheDecoder(t *testing.T) {
	d := newDecoder(t)
	var seen []*image.RGBA
	for _, job := range smallJobs(t, time.Second) {
		gate := gateFunc(func(_ timeline.Position, m *image.RGBA) bool { seen = append(seen, m); return false })
		if err := d.Decode(context.Background(), job, gate, func(opencv.Sample) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) < 2 || seen[0] != seen[1] {
		t.Errorf("%d looks at %p, want two at the same memory", len(seen), seen)
	}
}

func decodeJPEG(t testing.TB, b []byte) image.Image {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
