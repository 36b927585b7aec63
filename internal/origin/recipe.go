package origin

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"spotter/internal/testmedia"
)

// Recipe says which clip Encode makes. Of the codecs at most one may be set; H.264 is where none is.
type Recipe struct {
	HEVC, MPEG2 bool
	AudioOnly   bool // AAC and no picture
	FMP4        bool // else MPEG-TS
	Fragments   bool // with FMP4: a fragment for each picture, so that low-latency parts can be cut; else one for each segment
	Audio       bool // AAC beside the pictures
	Segments    int
	Length      time.Duration // of a segment, a whole number of GOPs; 2 s where zero
	GOP         time.Duration // between keyframes; 1 s where zero
	Size        string        // width x height; 320x180 where empty
	Rate        string        // pictures a second, such as 30000/1001; 25 where empty
	BFrames     int           // in a row
	OpenGOP     bool          // pictures before a keyframe, in order of showing, need the GOP before it
	Interlaced  bool          // H.264 and MPEG-2: two fields a picture, upper first
	TenBit      bool          // H.264 and HEVC
	Numbered    bool          // each picture shows its number, which testmedia.Number reads
	Seed        int           // a different picture for each
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
	rate, err := r.rate()
	if err != nil {
		return Clip{}, err
	}
	pictures := int(math.Round(rate * cmp.Or(r.Length, 2*time.Second).Seconds()))
	length := time.Duration(float64(pictures) / rate * float64(time.Second))
	args := append([]string{"-v", "error", "-nostdin"}, r.input(float64(pictures*r.Segments)/rate)...)
	args = append(args, r.encoder(int(math.Round(rate*cmp.Or(r.GOP, time.Second).Seconds())))...)
	fragments := r.FMP4 && r.Fragments
	switch {
	case fragments:
		args = append(args, "-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof+delay_moov", "all.mp4")
	default:
		kind, name := "mpegts", "s%d.ts"
		if r.FMP4 {
			kind, name = "fmp4", "s%d.m4s"
		}
		// Half a picture less: rounding must not move a cut to the keyframe after.
		at := (length - time.Duration(float64(time.Second)/rate/2)).Seconds()
		args = append(args, "-output_ts_offset", fmt.Sprintf("%f", r.Offset.Seconds()), "-f", "hls", "-hls_time", fmt.Sprintf("%f", at),
			"-hls_list_size", "0", "-hls_segment_type", kind, "-hls_segment_filename", name, "list.m3u8")
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return Clip{}, fmt.Errorf("run ffmpeg: %w: %s", err, out)
	}
	if !fragments {
		return Read(filepath.Join(dir, "list.m3u8"))
	}
	clip, err := readFragments(filepath.Join(dir, "all.mp4"), pictures, length)
	if err == nil && r.Offset != 0 {
		clip = clip.Restamp(r.Offset)
	}
	return clip, err
}

// rate is the pictures a second.
func (r Recipe) rate() (float64, error) {
	over, under, _ := strings.Cut(cmp.Or(r.Rate, "25"), "/")
	a, err := strconv.ParseFloat(over, 64)
	if err != nil {
		return 0, fmt.Errorf("read rate: %w", err)
	}
	b, err := strconv.ParseFloat(cmp.Or(under, "1"), 64)
	if err != nil {
		return 0, fmt.Errorf("read rate: %w", err)
	}
	return a / b, nil
}

func (r Recipe) input(seconds float64) (args []string) {
	if !r.AudioOnly {
		source := fmt.Sprintf("testsrc2=size=%s:rate=%s:duration=%f", cmp.Or(r.Size, "320x180"), cmp.Or(r.Rate, "25"), seconds)
		if r.Seed != 0 {
			source += fmt.Sprintf(",hue=h=%d", r.Seed*47%360)
		}
		if r.Numbered {
			source += ",format=yuv420p," + testmedia.Numbers
		}
		args = append(args, "-f", "lavfi", "-i", source)
	}
	if r.Audio || r.AudioOnly {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:duration=%f", seconds), "-c:a", "aac", "-b:a", "64k")
	}
	return args
}

// encoder returns ffmpeg's options for pictures with a keyframe every gop of them.
func (r Recipe) encoder(gop int) []string {
	if r.AudioOnly {
		return nil
	}
	keys := fmt.Sprintf("-g %d -keyint_min %d", gop, gop)
	format := "yuv420p"
	if r.TenBit {
		format = "yuv420p10le"
	}
	open := map[bool]int{true: 1}[r.OpenGOP]
	options := "-c:v libx264 -preset ultrafast -sc_threshold 0 " + keys
	flags := ""
	switch {
	case r.HEVC:
		options = fmt.Sprintf("-c:v libx265 -preset ultrafast -tag:v hvc1 %s -x265-params log-level=none:scenecut=0:open-gop=%d", keys, open)
		if r.BFrames > 0 {
			options += fmt.Sprintf(":bframes=%d", r.BFrames)
		}
	case r.MPEG2:
		// Its own rate control moves keyframes to the end of a run of B-frames.
		options = fmt.Sprintf("-c:v mpeg2video -q:v 4 -sc_threshold 1000000000 -force_key_frames expr:gte(n,n_forced*%d) %s -bf %d", gop, keys, r.BFrames)
		flags += map[bool]string{false: "+cgop"}[r.OpenGOP]
	default:
		options += fmt.Sprintf(" -bf %d -x264-params open-gop=%d", r.BFrames, open)
		if r.Interlaced {
			options += ":tff=1"
		}
	}
	if r.Interlaced {
		flags += "+ilme+ildct"
		options += " -top 1"
	}
	if flags != "" {
		options += " -flags " + flags
	}
	return append(strings.Fields(options), "-pix_fmt", format)
}
