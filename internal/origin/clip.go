package origin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Segment is the bytes of one media segment and what its playlist says of it.
type Segment struct {
	Body          []byte
	Duration      time.Duration
	Discontinuity bool // it starts after a discontinuity
	Gap           bool // EXT-X-GAP
}

// Clip is a stretch of stream that an origin publishes.
type Clip struct {
	Init     []byte // EXT-X-MAP of fMP4, nil for TS
	Segments []Segment
}

// Recipe says which clip Encode makes.
type Recipe struct {
	HEVC     bool // else H.264
	FMP4     bool // else MPEG-TS
	Segments int  // of two seconds, 25 pictures a second, 320x180, a keyframe each second
	// Offset is added to all time stamps; 95440 s reaches the wrap of 33-bit PTS within four seconds.
	Offset time.Duration
}

// Encode makes a clip of ffmpeg's test pattern. It fails where ffmpeg is not installed.
func Encode(ctx context.Context, r Recipe) (Clip, error) {
	dir, err := os.MkdirTemp("", "origin")
	if err != nil {
		return Clip{}, err
	}
	defer os.RemoveAll(dir)
	codec := "-c:v libx264 -preset ultrafast -sc_threshold 0"
	if r.HEVC {
		codec = "-c:v libx265 -preset ultrafast -x265-params log-level=none:scenecut=0:open-gop=0 -tag:v hvc1"
	}
	kind, name := "mpegts", "s%d.ts"
	if r.FMP4 {
		kind, name = "fmp4", "s%d.m4s"
	}
	args := fmt.Sprintf("-v error -nostdin -f lavfi -i testsrc2=size=320x180:rate=25:duration=%d %s -g 25 -keyint_min 25 "+
		"-output_ts_offset %f -f hls -hls_time 2 -hls_list_size 0 -hls_segment_type %s -hls_segment_filename %s list.m3u8",
		2*r.Segments, codec, r.Offset.Seconds(), kind, name)
	cmd := exec.CommandContext(ctx, "ffmpeg", strings.Fields(args)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return Clip{}, fmt.Errorf("run ffmpeg: %w: %s", err, out)
	}
	return Read(filepath.Join(dir, "list.m3u8"))
}

// Read makes a clip of what ffmpeg's HLS muxer wrote, of which it is given the playlist.
func Read(playlist string) (clip Clip, err error) {
	dir := filepath.Dir(playlist)
	list, err := os.ReadFile(playlist)
	if err != nil {
		return clip, err
	}
	var length float64
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			if length, err = strconv.ParseFloat(strings.TrimSuffix(text, ","), 64); err != nil {
				return clip, fmt.Errorf("read ffmpeg's playlist: %w", err)
			}
		}
		if text, ok := strings.CutPrefix(line, "#EXT-X-MAP:URI="); ok {
			if clip.Init, err = os.ReadFile(filepath.Join(dir, strings.Trim(text, `"`))); err != nil {
				return clip, err
			}
		}
		if line == "" || line[0] == '#' {
			continue
		}
		s := Segment{Duration: time.Duration(length * float64(time.Second))}
		if s.Body, err = os.ReadFile(filepath.Join(dir, line)); err != nil {
			return clip, err
		}
		clip.Segments = append(clip.Segments, s)
	}
	return clip, nil
}
