package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recorded is what ffprobe finds out about a recording.
type recorded struct {
	container string // ffmpeg's names of the format, separated by commas
	codec     string // of the first video stream that is no cover picture
}

// examine returns what a file is.
func examine(ctx context.Context, path string) (recorded, error) {
	out, err := tool(ctx, "ffprobe", "-v", "error", "-select_streams", "V:0", "-show_entries", "format=format_name:stream=codec_name",
		"-of", "json", "file:"+path)
	if err != nil {
		return recorded{}, fmt.Errorf("%s is no recording that can be read: %w", path, err)
	}
	var found struct {
		Streams []struct {
			Codec string `json:"codec_name"`
		} `json:"streams"`
		Format struct {
			Name string `json:"format_name"`
		} `json:"format"`
	}
	if err := json.Unmarshal(out, &found); err != nil || len(found.Streams) == 0 {
		return recorded{}, fmt.Errorf("%s has no video", path)
	}
	return recorded{container: found.Format.Name, codec: found.Streams[0].Codec}, nil
}

// has reports whether the recording is of one of these formats, as ffmpeg names them.
func (r recorded) has(formats ...string) bool {
	return slices.ContainsFunc(strings.Split(r.container, ","), func(name string) bool { return slices.Contains(formats, name) })
}

// way is how a recording is packaged.
type way int

const (
	copyTS  way = iota // its pictures as they are, in MPEG-TS
	copyMP4            // the same in fragmented MP4
	encode             // encoded, in MPEG-TS
	photo              // the same, as a still of one second
)

// way returns how the recording is packaged. MP4 and Matroska say themselves how pictures are turned, the shape of
// their samples and their colours, for which MPEG-TS has no room. Where a container gives no presentation times,
// only a decoder can tell the order of the pictures.
func (r recorded) way() way {
	coded := slices.Contains([]string{"h264", "hevc"}, r.codec)
	switch {
	case r.has("image2") || strings.HasSuffix(r.container, "_pipe"):
		return photo
	case !coded && r.codec != "mpeg2video", r.has("avi", "h264", "hevc", "mpegvideo"):
		return encode
	case coded && r.has("mp4", "matroska"):
		return copyMP4
	}
	return copyTS
}

// arguments returns those of ffmpeg to package the video of a recording into HLS in dir with its time stamps kept, in
// MPEG-TS later by shift.
func (w way) arguments(path, dir string, interval time.Duration) []string {
	args := []string{"-nostdin", "-v", "error", "-copyts"}
	if w == photo {
		args = append(args, "-f", "image2", "-pattern_type", "none", "-loop", "1", "-t", "1")
	}
	args = append(args, "-i", "file:"+path, "-map", "0:V:0")
	list := filepath.Join(dir, packaged)
	if w == copyMP4 {
		// Segments that are whole files of their own: of those that ffmpeg's HLS muxer makes, which share a header, the
		// keyframe of an open GOP has a wrong time. Theirs are below zero where need be.
		return append(args, "-c", "copy", "-avoid_negative_ts", "disabled", "-f", "segment", "-segment_time", "4", "-segment_format", "mp4",
			"-segment_format_options", "movflags=frag_keyframe+delay_moov+default_base_moof",
			"-segment_list_type", "m3u8", "-segment_list_size", "0", "-segment_list", list,
			filepath.Join(strings.ReplaceAll(dir, "%", "%%"), "%06d.mp4"))
	}
	if w == copyTS {
		args = append(args, "-c", "copy")
	} else { // with a keyframe for every look
		args = append(args, "-vsync", "passthrough", "-enc_time_base", "-1", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-bf", "0", "-g", "100000",
			"-pix_fmt", "yuv420p", "-vf", "yadif=deint=interlaced,scale=trunc(iw/2)*2:trunc(ih/2)*2",
			"-force_key_frames", "expr:gte(t,n_forced*"+strconv.FormatFloat(interval.Seconds(), 'f', 3, 64)+")")
	}
	return append(args, "-output_ts_offset", strconv.Itoa(int(shift/time.Second)), "-muxdelay", "0", "-muxpreload", "0",
		"-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod", list)
}
