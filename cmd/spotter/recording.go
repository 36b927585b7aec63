package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
)

// shift is added to a recording's time stamps when it is packaged: MPEG-TS knows none below zero, which the decoding
// times of B-frames are. The clock takes it off again.
const shift = 10 * time.Second

// packaged is the playlist that ffmpeg writes.
const packaged = "index.m3u8"

// openSource returns where to read the argument of analyze: the address of a playlist, a playlist file, or any
// recording that ffmpeg reads, which is packaged into HLS first so that there is one way through the program. It also
// returns how its zero has to be read, and a function that removes what was made.
func openSource(ctx context.Context, arg string, zero capture.Zero, interval time.Duration, options fetch.Options) (*source, capture.Zero, func(), error) {
	if u, err := url.Parse(arg); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		options.Hosts = []string{u.Hostname()}
		getter := fetch.NewHTTP(options)
		return &source{urls: []*url.URL{u}, getter: getter, recording: true}, zero, getter.Close, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, zero, nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case info.IsDir():
		return nil, zero, nil, fmt.Errorf("%s is a folder: give a recording or a playlist in it", arg)
	case info.Size() == 0:
		return nil, zero, nil, fmt.Errorf("%s is empty: give a recording or a playlist", arg)
	}
	if isPlaylist(arg) {
		s, done, err := openFolder(filepath.Dir(arg), filepath.Base(arg))
		return s, zero, done, err
	}
	dir, err := os.MkdirTemp("", "spotter-recording-")
	if err != nil {
		return nil, zero, nil, err
	}
	remove := func() { os.RemoveAll(dir) }
	if err := packageRecording(ctx, arg, dir, interval); err != nil {
		remove()
		return nil, zero, nil, err
	}
	s, done, err := openFolder(dir, packaged)
	if err != nil {
		remove()
		return nil, zero, nil, err
	}
	return s, zero.Shifted(shift), func() { done(); remove() }, nil
}

func openFolder(dir, name string) (*source, func(), error) {
	folder, err := fetch.NewFolder(dir)
	if err != nil {
		return nil, nil, err
	}
	return &source{urls: []*url.URL{folder.URL(name)}, getter: folder, recording: true}, func() { folder.Close() }, nil
}

// isPlaylist reports whether a file begins as RFC 8216 section 4.1 has it.
func isPlaylist(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 10)
	n, _ := f.Read(head)
	return bytes.HasPrefix(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), []byte("#EXTM3U"))
}

// countsFromFirst reports whether positions in a local file count from its first picture by default, as in HLS and TS.
func countsFromFirst(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".ts", ".m2ts", ".mts":
		return true
	}
	return isPlaylist(path)
}

// packageRecording packages the video of a recording into HLS in dir with its time stamps kept, later by shift. H.264
// and HEVC are taken as they are; what else ffmpeg reads is encoded with a keyframe for every look.
func packageRecording(ctx context.Context, path, dir string, interval time.Duration) error {
	codec, err := videoCodec(ctx, path)
	if err != nil {
		return err
	}
	args := []string{"-nostdin", "-v", "error", "-copyts", "-i", path, "-map", "0:v:0"}
	if codec == "h264" || codec == "hevc" {
		args = append(args, "-c", "copy")
	} else {
		args = append(args, "-vsync", "passthrough", "-enc_time_base", "-1", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-bf", "0", "-g", "100000",
			"-pix_fmt", "yuv420p", "-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2",
			"-force_key_frames", "expr:gte(t,n_forced*"+strconv.FormatFloat(interval.Seconds(), 'f', 3, 64)+")")
	}
	args = append(args, "-output_ts_offset", strconv.Itoa(int(shift/time.Second)), "-muxdelay", "0", "-muxpreload", "0",
		"-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod", filepath.Join(dir, packaged))
	if _, err := tool(ctx, "ffmpeg", args...); err != nil {
		return fmt.Errorf("package %s: %w", path, err)
	}
	return nil
}

// videoCodec returns ffmpeg's name of the codec of a recording's first video stream.
func videoCodec(ctx context.Context, path string) (string, error) {
	out, err := tool(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=codec_name", "-of", "json", path)
	if err != nil {
		return "", fmt.Errorf("%s is no recording that can be read: %w", path, err)
	}
	var found struct {
		Streams []struct {
			Codec string `json:"codec_name"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(out, &found); err != nil || len(found.Streams) == 0 {
		return "", fmt.Errorf("%s has no video", path)
	}
	return found.Streams[0].Codec, nil
}

// tool runs ffmpeg or ffprobe and returns what it printed. Its error has the last line of its complaint.
func tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s is not installed: apt install ffmpeg, or run make setup", name)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return nil, fmt.Errorf("%s: %s", name, lines[len(lines)-1])
	}
	return out.Bytes(), nil
}
