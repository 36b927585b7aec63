package container_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"spotter/capture/container"

	"spotter/internal/testmedia"
)

// TestOpenGOPOfFFmpeg has what ffmpeg's HLS muxer makes of open GOPs in fMP4: of each segment but the first the keyframe
// has the time of the picture that is shown before it.
func TestOpenGOPOfFFmpeg(t *testing.T) {
	t.Parallel()
	for name, encoder := range map[string][]string{
		"HEVC":                    {"-c:v", "libx265", "-x265-params", "log-level=none", "-g", "50"},
		"HEVC, one leading":       {"-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast", "-g", "50"},
		"HEVC without a pyramid":  {"-c:v", "libx265", "-x265-params", "log-level=none:b-pyramid=0", "-g", "50"},
		"H.264 with an open GOP":  {"-c:v", "libx264", "-x264-params", "open-gop=1:bframes=3", "-g", "50"},
		"H.264 with a closed GOP": {"-c:v", "libx264", "-g", "50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := testmedia.Stream{Rate: "25", Seconds: 6, Encoder: encoder, FMP4: true, Segment: "2"}.Make(t)
			init, err := container.ParseInit(read(t, filepath.Join(dir, "init.mp4")))
			if err != nil {
				t.Fatal(err)
			}
			var times []int64
			for i := range 3 {
				v, err := container.Demux(init, read(t, filepath.Join(dir, fmt.Sprintf("index%d.m4s", i))))
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range v.Units {
					times = append(times, u.PTS)
				}
			}
			slices.Sort(times)
			for i := 1; i < len(times); i++ {
				if times[i]-times[i-1] != container.Clock/25 {
					t.Errorf("picture %d comes %d ticks after the one before, want %d", i, times[i]-times[i-1], container.Clock/25)
				}
			}
		})
	}
}
