package origin_test

import (
	"encoding/csv"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/origin"
	"spotter/internal/testmedia"
)

var (
	clipTS   = recipe(origin.Recipe{Segments: 3, Audio: true, BFrames: 2})
	clipFMP4 = recipe(origin.Recipe{Segments: 3, FMP4: true, Fragments: true, Audio: true})
)

func recipe(r origin.Recipe) func(t testing.TB) origin.Clip {
	var once sync.Once
	var clip origin.Clip
	var err error
	return func(t testing.TB) origin.Clip {
		t.Helper()
		if _, missing := exec.LookPath("ffmpeg"); missing != nil {
			t.Skip("no ffmpeg: apt install ffmpeg")
		}
		once.Do(func() { clip, err = origin.Encode(t.Context(), r) })
		if err != nil {
			t.Fatal(err)
		}
		return clip
	}
}

// probe returns what ffprobe prints of a stream, a line for each entry.
func probe(t testing.TB, body []byte, stream, entries string) (rows [][]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(out)))
	r.FieldsPerRecord = -1
	if rows, err = r.ReadAll(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func whole(c origin.Clip) (b []byte) {
	b = append(b, c.Init...)
	for _, s := range c.Segments {
		b = append(b, s.Body...)
	}
	return b
}

func TestRecipes(t *testing.T) {
	for name, tc := range map[string]struct {
		origin.Recipe
		want     string // codec, width, height, pixel format, field order, frame rate
		pictures int
		length   time.Duration
	}{
		"H.264 in TS":        {origin.Recipe{Segments: 2}, "h264 320 180 yuv420p progressive 25/1", 100, 2 * time.Second},
		"H.264 in fragments": {origin.Recipe{Segments: 2, FMP4: true, Fragments: true, Rate: "50", Size: "160x90"}, "h264 160 90 yuv420p progressive 50/1", 200, 2 * time.Second},
		"H.264 in fMP4":      {origin.Recipe{Segments: 2, FMP4: true, TenBit: true, OpenGOP: true, BFrames: 2}, "h264 320 180 yuv420p10le progressive 25/1", 100, 2 * time.Second},
		"29.97":              {origin.Recipe{Segments: 2, Rate: "30000/1001", GOP: 2 * time.Second}, "h264 320 180 yuv420p progressive 30000/1001", 120, 2002 * time.Millisecond},
		"59.94, numbered":    {origin.Recipe{Segments: 2, Rate: "60000/1001", Numbered: true, Length: time.Second}, "h264 320 180 yuv420p progressive 60000/1001", 120, 1001 * time.Millisecond},
		"interlaced":         {origin.Recipe{Segments: 1, Interlaced: true}, "h264 320 180 yuv420p tt 25/1", 50, 2 * time.Second},
		"HEVC, 10 bit":       {origin.Recipe{Segments: 1, HEVC: true, TenBit: true, BFrames: 2}, "hevc 320 180 yuv420p10le  25/1", 50, 2 * time.Second},
		"MPEG-2":             {origin.Recipe{Segments: 2, MPEG2: true, BFrames: 2, Seed: 3}, "mpeg2video 320 180 yuv420p progressive 25/1", 100, 2 * time.Second},
		"MPEG-2, interlaced": {origin.Recipe{Segments: 1, MPEG2: true, Interlaced: true}, "mpeg2video 320 180 yuv420p tt 25/1", 50, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := recipe(tc.Recipe)(t)
			var got string
			if rows := probe(t, whole(clip), "v:0", "stream=codec_name,width,height,pix_fmt,field_order,r_frame_rate"); len(rows) > 0 {
				got = strings.TrimSpace(strings.ReplaceAll(strings.Join(rows[0], " "), "unknown", ""))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if n := len(probe(t, whole(clip), "v:0", "packet=pts")); n != tc.pictures {
				t.Errorf("%d pictures, want %d", n, tc.pictures)
			}
			if len(clip.Segments) != tc.Segments {
				t.Fatalf("%d segments, want %d", len(clip.Segments), tc.Segments)
			}
			for i, s := range clip.Segments {
				if d := s.Duration - tc.length; d.Abs() > time.Millisecond {
					t.Errorf("segment %d lasts %v, want %v", i, s.Duration, tc.length)
				}
			}
		})
	}
}

func TestRecipeRefuses(t *testing.T) {
	if _, err := origin.Encode(t.Context(), origin.Recipe{Segments: 1, Rate: "fast"}); err == nil {
		t.Error("no error")
	}
}

func TestNumbered(t *testing.T) {
	clip := recipe(origin.Recipe{Segments: 1, Numbered: true, Rate: "50", FMP4: true, Fragments: true})(t)
	file := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(file, whole(clip), 0o600); err != nil {
		t.Fatal(err)
	}
	testmedia.FFmpeg(t, filepath.Dir(file), "-i", file, "-vf", "select=eq(n\\,77)", "-frames:v", "1", "one.png")
	f, err := os.Open(filepath.Join(filepath.Dir(file), "one.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewRGBA(m.Bounds())
	draw.Draw(picture, picture.Rect, m, m.Bounds().Min, draw.Src)
	if n, ok := testmedia.Number(picture); n != 77 || !ok {
		t.Errorf("picture %d, %v", n, ok)
	}
}

func TestAudioOnly(t *testing.T) {
	clip := recipe(origin.Recipe{Segments: 2, AudioOnly: true})(t)
	if len(probe(t, whole(clip), "v", "packet=pts")) != 0 || len(probe(t, whole(clip), "a", "packet=pts")) < 100 {
		t.Error("not just audio")
	}
}

// TestRestamp compares all time stamps, which ffprobe reads, with those before.
func TestRestamp(t *testing.T) {
	for name, tc := range map[string]struct {
		clip   func(testing.TB) origin.Clip
		offset time.Duration
		wrap   int64 // of the stamps; ffprobe itself goes on over the wrap inside a file
	}{
		"TS":              {clipTS, 1000 * time.Second, 1 << 33},
		"TS, back":        {clipTS, -500 * time.Millisecond, 1 << 33},
		"TS, a day":       {clipTS, 24 * time.Hour, 1 << 33},
		"TS, over 2^33":   {clipTS, 30 * time.Hour, 1 << 33},
		"fMP4":            {clipFMP4, 1000 * time.Second, 0},
		"fMP4, for years": {clipFMP4, 10_000 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			clip := tc.clip(t)
			moved := clip.Restamp(tc.offset)
			for _, stream := range []string{"v:0", "a:0"} {
				before, after := probe(t, whole(clip), stream, "packet=pts,dts:stream=time_base"), probe(t, whole(moved), stream, "packet=pts,dts:stream=time_base")
				if len(before) != len(after) || len(before) < 100 {
					t.Fatalf("%d packets before, %d after", len(before), len(after))
				}
				clock := timebase(t, before)
				want := int64(tc.offset.Seconds() * float64(clock))
				for i := range before {
					if strings.Contains(before[i][0], "/") {
						continue // the time base
					}
					for j := range 2 {
						d := number(t, after[i][j]) - number(t, before[i][j]) - want
						if tc.wrap != 0 {
							d %= tc.wrap
						}
						// Of several audio frames in one PES packet ffprobe itself rounds the stamps.
						if d != 0 && (stream == "v:0" || d*d > 1) {
							t.Fatalf("%s: packet %d moved from %v to %v, want by %d", stream, i, before[i], after[i], want)
						}
					}
				}
			}
		})
	}
}

// timebase is the ticks a second in the row of what probe returned that says it.
func timebase(t testing.TB, rows [][]string) int64 {
	t.Helper()
	for _, row := range rows {
		if _, clock, ok := strings.Cut(row[0], "/"); ok {
			return number(t, clock)
		}
	}
	t.Fatal("no time base")
	return 0
}

func number(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
