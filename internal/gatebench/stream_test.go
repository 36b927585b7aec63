package gatebench_test

import (
	"context"
	"image"
	"path/filepath"
	"testing"

	"spotter/internal/gatebench"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// numbered is a recording of numbered pictures.
func numbered(t *testing.T, rate string) string {
	dir := testmedia.Stream{Rate: rate, Seconds: 4, Encoder: []string{"-c:v", "libx264", "-preset", "ultrafast", "-crf", "10"}}.Make(t)
	testmedia.FFmpeg(t, dir, "-i", testmedia.Playlist, "-c", "copy", "all.mp4")
	return filepath.Join(dir, "all.mp4")
}

func TestSample(t *testing.T) {
	for rate, want := range map[string][]int{"10": {0, 10, 20, 30}, "30000/1001": {0, 30, 60, 90}, "25": {0, 25, 50, 75}} {
		t.Run(rate, func(t *testing.T) {
			s := &gatebench.Stream{Video: numbered(t, rate)}
			if err := s.Sample(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(s.Frames) != len(want) {
				t.Fatalf("%d frames, want %d", len(s.Frames), len(want))
			}
			for i := range s.Frames {
				f := &s.Frames[i]
				n, ok := testmedia.Number(f.Small)
				if !ok || n != want[i] || f.Picture(s.Rate) != want[i] {
					t.Errorf("frame %d at %s is picture %d (%t), taken for %d, want %d", i, f.At, n, ok, f.Picture(s.Rate), want[i])
				}
				if len(f.JPEG) == 0 || f.Width != 256 || f.Height != 144 {
					t.Errorf("frame %d: %d bytes, %dx%d", i, len(f.JPEG), f.Width, f.Height)
				}
			}
		})
	}
}

func TestPictures(t *testing.T) {
	seen := 0
	err := gatebench.Pictures(t.Context(), numbered(t, "10"), func(n int, at timeline.Position, small *image.RGBA) error {
		got, ok := testmedia.Number(small)
		if !ok || got != n || n != seen || at != timeline.Position(100*n) {
			t.Errorf("picture %d at %s shows %d (%t)", n, at, got, ok)
		}
		seen++
		return nil
	})
	if err != nil || seen != 40 {
		t.Errorf("%d pictures, %v", seen, err)
	}
}

func TestPicturesStopsEarly(t *testing.T) {
	video := numbered(t, "25")
	err := gatebench.Pictures(t.Context(), video, func(int, timeline.Position, *image.RGBA) error { return context.Canceled })
	if err != context.Canceled {
		t.Errorf("%v, want what the function returned", err)
	}
	if err := gatebench.Pictures(t.Context(), video+"x", nil); err == nil {
		t.Error("a missing video was read")
	}
}
