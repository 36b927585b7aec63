//go:build !nocv

package opencv_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// shift is how much later than the recording's testmedia.Package puts its time stamps.
const shift = 10 * time.Second

// recorded returns the times, in milliseconds, of a recording's pictures as ffprobe tells them.
func recorded(t testing.TB, path string) []float64 {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "json", path).Output()
	if err != nil {
		t.Skip("no ffprobe: apt install ffmpeg")
	}
	var found struct {
		Frames []struct {
			Time string `json:"pts_time"`
		} `json:"frames"`
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	var times []float64
	for _, f := range found.Frames {
		s, err := strconv.ParseFloat(f.Time, 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, 1000*s)
	}
	return times
}

// TestRecordingsOfTheKit looks at every picture of recordings without bitstream restrictions (counter.mp4 has B-frames
// and does not say how many) and with a late start.
func TestRecordingsOfTheKit(t *testing.T) {
	for name, encoder := range map[string]string{
		"counter.mp4":       "",
		"delayed_start.mp4": "-vsync passthrough -enc_time_base -1 -c:v libx264 -preset ultrafast -crf 16 -bf 0 -pix_fmt yuv420p",
	} {
		t.Run(name, func(t *testing.T) {
			path := testmedia.Kit(t, "videos", name)
			times := recorded(t, path)
			dir := testmedia.Package(t, path, fields(encoder)...)
			planner := capture.NewPlanner(time.Millisecond)
			d := newDecoder(t)
			var got []timeline.Position
			follow(t, dir, capture.ZeroPTS.Shifted(shift), func(s *capture.Segment) error {
				seen, lost := looks(t, d, planner.Plan(s))
				if lost > 0 {
					t.Errorf("segment %d: %d lost", s.Sequence, lost)
				}
				for _, l := range seen {
					got = append(got, l.at)
				}
				return nil
			})
			if len(got) != len(times) {
				t.Fatalf("%d pictures, want %d", len(got), len(times))
			}
			for i, at := range got {
				if math.Abs(float64(at)-times[i]) > 1 {
					t.Errorf("picture %d at %v, want %.1f ms", i, at, times[i])
				}
			}
		})
	}
}

// TestCounterShowsTheSamePicturesAsFFmpeg compares each decoded picture of counter.mp4 with what ffmpeg shows there.
func TestCounterShowsTheSamePicturesAsFFmpeg(t *testing.T) {
	path := testmedia.Kit(t, "videos", "counter.mp4")
	dir := testmedia.Package(t, path)
	raw := t.TempDir()
	var pictures [][]byte
	d := newDecoder(t)
	gate := func(_ timeline.Position, pix []byte, w, h int) {
		if pictures == nil {
			testmedia.FFmpeg(t, raw, "-i", path, "-vsync", "passthrough", "-vf", fmt.Sprintf("scale=%d:%d", w, h), "-pix_fmt", "rgba", "-f", "rawvideo", "out")
			b, err := os.ReadFile(filepath.Join(raw, "out"))
			if err != nil {
				t.Fatal(err)
			}
			pictures = slices.Collect(slices.Chunk(b, 4*w*h))
		}
	}
	i := 0
	for _, job := range jobs(t, dir, time.Millisecond) {
		each(t, d, job, func(at timeline.Position, pix []byte, w, h int) {
			gate(at, pix, w, h)
			best, least := -1, math.MaxInt
			for n, p := range pictures {
				if diff := difference(pix, p); diff < least {
					best, least = n, diff
				}
			}
			if best != i {
				t.Errorf("picture %d looks like ffmpeg's picture %d", i, best)
			}
			i++
		})
	}
	if i != len(pictures) {
		t.Errorf("%d pictures, want %d", i, len(pictures))
	}
}

func difference(a, b []byte) (sum int) {
	for i := 0; i < min(len(a), len(b)); i += 61 {
		d := int(a[i]) - int(b[i])
		sum += d * d
	}
	return sum
}

// TestSegmentsOfTheKit decodes every segment of the kit that is one, by itself, or wants a reason why not.
func TestSegmentsOfTheKit(t *testing.T) {
	inits := map[string]string{
		"mp4Video.mp4": "mp4VideoInit.mp4", "mp4Muxed.mp4": "mp4MuxedInit.mp4", "mp4Audio.mp4": "mp4AudioInit.mp4",
		"mp4WebVtt.mp4": "mp4WebVttInit.mp4", "webmVideo.webm": "webmVideoInit.webm",
	}
	var decoded []string
	for _, folder := range []string{"http-streaming", "cmaf/multi-segment"} {
		root := testmedia.Kit(t, "segments", folder)
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name, init := e.Name(), inits[e.Name()]
			if number, ok := strings.CutPrefix(name, "video_"); ok && number != "init.mp4" {
				init = "video_init.mp4"
			}
			if !slices.Contains([]string{".ts", ".mp4", ".m4s"}, filepath.Ext(name)) || strings.Contains(name, "nit") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				dir := single(t, root, name, init)
				n := 0
				faults := follow(t, dir, capture.ZeroFirst, func(s *capture.Segment) error {
					d := newDecoder(t)
					job := capture.NewPlanner(100 * time.Millisecond).Plan(s)
					seen, lost := looks(t, d, job)
					n += len(seen)
					t.Logf("%v %dx%d: %d looks, %d lost", s.Video.Codec, s.Video.Width, s.Video.Height, len(seen), lost)
					if len(seen) == 0 && lost == 0 && !job.Blind {
						t.Error("neither looks nor losses")
					}
					return nil
				})
				for _, f := range faults {
					if !slices.ContainsFunc([]error{container.ErrNoVideo, container.ErrCodec, container.ErrEncrypted, container.ErrFormat, container.ErrEmpty},
						func(e error) bool { return errors.Is(f.Err, e) }) {
						t.Errorf("refused without a reason: %v", f.Err)
					}
				}
				if n > 0 {
					decoded = append(decoded, name)
				}
			})
		}
	}
	for _, name := range []string{"bipbop0.ts", "bipbop1.ts", "bc0.ts", "caption.ts", "oneSecond.ts", "videoDiffPtsDts.ts", "mp4Video.mp4", "video_1.m4s", "video_12.m4s"} {
		if !slices.Contains(decoded, name) {
			t.Errorf("nothing of %s was decoded", name)
		}
	}
}

// single makes a playlist of one segment, and of its initialisation section if it has one.
func single(t testing.TB, root, segment, init string) string {
	t.Helper()
	dir := t.TempDir()
	list := "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:10\n"
	if init != "" {
		copyFile(t, filepath.Join(root, init), filepath.Join(dir, "init"))
		list += "#EXT-X-MAP:URI=\"init\"\n"
	}
	copyFile(t, filepath.Join(root, segment), filepath.Join(dir, "segment"))
	list += "#EXTINF:5,\nsegment\n#EXT-X-ENDLIST\n"
	if err := os.WriteFile(filepath.Join(dir, testmedia.Playlist), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
