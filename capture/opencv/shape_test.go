//go:build !nocv

package opencv_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

func TestSquareSize(t *testing.T) {
	for _, tc := range []struct {
		name          string
		width, height int
		aspect        [2]int
		want          image.Point
	}{
		{"nobody says", 1920, 1080, [2]int{0, 0}, image.Pt(1920, 1080)},
		{"square", 1920, 1080, [2]int{1, 1}, image.Pt(1920, 1080)},
		{"square, and odd", 641, 361, [2]int{1, 1}, image.Pt(641, 361)},
		{"anamorphic HD", 1440, 1080, [2]int{4, 3}, image.Pt(1920, 1080)},
		{"PAL 16:9", 720, 576, [2]int{64, 45}, image.Pt(1024, 576)},
		{"PAL 16:9, of 702 samples", 720, 576, [2]int{16, 11}, image.Pt(1048, 576)},
		{"PAL 4:3", 720, 576, [2]int{12, 11}, image.Pt(786, 576)},
		{"NTSC 4:3", 720, 480, [2]int{10, 11}, image.Pt(654, 480)},
		{"NTSC 16:9", 720, 480, [2]int{40, 33}, image.Pt(872, 480)},
		{"narrow", 1920, 1080, [2]int{1, 2}, image.Pt(960, 1080)},
		{"too wide", 4096, 2160, [2]int{2, 1}, image.Pt(4096, 1080)},
		{"large as it is", 5120, 1024, [2]int{1, 2}, image.Pt(2560, 1024)},
		{"hostile", 1920, 1080, [2]int{65535, 1}, image.Pt(1920, 1080)},
		{"hostile the other way", 1920, 1080, [2]int{1, 65535}, image.Pt(1920, 1080)},
		{"negative", 1920, 1080, [2]int{-4, 3}, image.Pt(1920, 1080)},
		{"of few pixels", 2, 2, [2]int{1, 4}, image.Pt(1, 2)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, h := opencv.SquareSize(tc.width, tc.height, container.Shape{AspectWidth: tc.aspect[0], AspectHeight: tc.aspect[1]})
			if got := image.Pt(w, h); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestPicturesStandUpright turns and widens a picture that is red on the left and blue on the right.
func TestPicturesStandUpright(t *testing.T) {
	for _, tc := range []struct {
		name  string
		size  string
		shape container.Shape
		full  image.Point
		small image.Point
		red   image.Point // an eighth of the way inside the picture, from the middle
	}{
		{"as it is", "640x480", container.Shape{}, image.Pt(640, 480), image.Pt(640, 480), image.Pt(-1, 0)},
		{"90 degrees", "640x480", container.Shape{Rotation: 90}, image.Pt(480, 640), image.Pt(480, 640), image.Pt(0, -1)},
		{"180 degrees", "1280x720", container.Shape{Rotation: 180}, image.Pt(1280, 720), image.Pt(640, 360), image.Pt(1, 0)},
		{"270 degrees", "1280x720", container.Shape{Rotation: 270}, image.Pt(720, 1280), image.Pt(360, 640), image.Pt(0, 1)},
		{"4:3", "1440x1080", container.Shape{AspectWidth: 4, AspectHeight: 3}, image.Pt(1920, 1080), image.Pt(640, 360), image.Pt(-1, 0)},
		{"16:11", "720x576", container.Shape{AspectWidth: 16, AspectHeight: 11}, image.Pt(1048, 576), image.Pt(640, 351), image.Pt(-1, 0)},
		{"10:11", "720x480", container.Shape{AspectWidth: 10, AspectHeight: 11}, image.Pt(654, 480), image.Pt(640, 469), image.Pt(-1, 0)},
		{"all at once", "352x288", container.Shape{AspectWidth: 16, AspectHeight: 11, Rotation: 90, Interlaced: true}, image.Pt(288, 512), image.Pt(288, 512), image.Pt(0, -1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			small, frame := shaped(t, colours(t, tc.size), tc.shape)
			full := decodeJPEG(t, frame.JPEG)
			if got := image.Pt(frame.Width, frame.Height); got != tc.full || full.Bounds().Size() != tc.full {
				t.Errorf("frame of %v, JPEG of %v, want %v", got, full.Bounds(), tc.full)
			}
			if got := small.Rect.Size(); got != tc.small {
				t.Errorf("small picture of %v, want %v", got, tc.small)
			}
			for _, m := range []image.Image{small, full} {
				s := m.Bounds().Size()
				at := image.Pt(s.X/2+tc.red.X*s.X/8, s.Y/2+tc.red.Y*s.Y/8)
				if c := color.RGBAModel.Convert(m.At(at.X, at.Y)).(color.RGBA); c.R < 200 || c.B > 60 {
					t.Errorf("%T: %v at %v, want red", m, c, at)
				}
			}
		})
	}
}

// TestHeldPicturesAreBounded lets fewer pictures wait than the decoder holds at a run's end.
func TestHeldPicturesAreBounded(t *testing.T) {
	const picture = 256 * 144 * 3
	for _, stream := range []testmedia.Stream{
		{Rate: "25", Seconds: 3, Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3:b-pyramid=normal")},
		{Rate: "25", Seconds: 3, Encoder: fields(x265 + "keyint=25:min-keyint=25:scenecut=0:bframes=4:b-adapt=0")},
	} {
		dir := stream.Make(t)
		for _, held := range []int{1, 2 * picture, 3 * picture} {
			for _, interval := range []time.Duration{time.Second, 40 * time.Millisecond} {
				d := newDecoder(t)
				d.Hold(held)
				for _, job := range jobs(t, dir, interval) {
					seen, lost := looks(t, d, job)
					if lost > 0 || len(seen) < int(2500*time.Millisecond/interval) {
						t.Errorf("%d bytes, every %v: %d looks, %d lost", held, interval, len(seen), lost)
					}
					for _, l := range seen {
						if !l.whole || math.Abs(float64(l.at)-float64(l.number)*40) > 1 {
							t.Errorf("%d bytes, every %v: at %v number %d, whole %v", held, interval, l.at, l.number, l.whole)
						}
					}
				}
			}
		}
	}
}

// TestRunsOfOneJobDiffer puts runs of streams with different sizes and shapes into one job.
func TestRunsOfOneJobDiffer(t *testing.T) {
	var mixed capture.Job
	var want []image.Point
	for _, size := range []image.Point{{256, 144}, {320, 240}, {128, 96}} {
		dir := colours(t, fmt.Sprintf("%dx%d", size.X, size.Y))
		for _, run := range jobs(t, dir, time.Second)[0].Runs {
			mixed.Codec = container.H264
			mixed.Runs = append(mixed.Runs, run)
			want = append(want, size)
		}
	}
	for i := range mixed.Runs { // in an order of their own
		if i%2 == 1 {
			mixed.Runs[i].Shape.Rotation = 90
			want[i] = image.Pt(want[i].Y, want[i].X)
		}
		mixed.Runs[i].Pictures[0].At = timeline.Position(i)
	}
	var got []image.Point
	decode(t, newDecoder(t), mixed, func(f *capture.Frame) {
		got = append(got, f.Small.Rect.Size())
		if f.Position != timeline.Position(len(got)-1) {
			t.Errorf("picture %d at %v", len(got)-1, f.Position)
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
}

// TestShapesChangeFromRunToRun keeps nothing of the shape before.
func TestShapesChangeFromRunToRun(t *testing.T) {
	list := smallJobs(t, time.Second)
	d := newDecoder(t)
	shapes := []container.Shape{
		{},
		{Transfer: container.TransferPQ, WideGamut: true},
		{AspectWidth: 2, AspectHeight: 1},
		{Rotation: 90},
		{Interlaced: true},
		{Transfer: container.TransferHLG, Rotation: 270, AspectWidth: 4, AspectHeight: 3},
		{},
	}
	sizes := []image.Point{{256, 144}, {256, 144}, {512, 144}, {144, 256}, {256, 144}, {144, 342}, {256, 144}}
	i := 0
	for range 4 {
		for _, job := range list {
			for r := range job.Runs {
				job.Runs[r].Shape = shapes[(i+r)%len(shapes)]
			}
			err := d.Decode(context.Background(), job, gateFunc(admitAll), func(s opencv.Sample) error {
				want := sizes[i%len(sizes)]
				if got := s.Frame.Small.Rect.Size(); got != want || s.Frame.Width != want.X || s.Frame.Height != want.Y {
					t.Errorf("picture %d: small of %v, full of %dx%d, want %v", i, got, s.Frame.Width, s.Frame.Height, want)
				}
				i++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
