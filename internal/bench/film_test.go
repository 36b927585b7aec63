//go:build bench && !nocv

package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"spotter/internal/testmedia"
)

// film is a minute of video at 30 pictures a second, as HLS in segments of 2 s.
type film struct {
	height    int // 720, 1080 or 2160
	codec     string
	keyframes int // seconds from one to the next
}

const (
	h264 = "H.264"
	hevc = "HEVC"
)

// String is the film's name for people.
func (f film) String() string {
	return fmt.Sprintf("%dp30 %s, keyframe every %d s", f.height, f.codec, f.keyframes)
}

// bitrate is what broadcasters give such a film, in kb/s: 5 Mb/s at 1080p, by the number of pixels to the power of 3/4, and
// of HEVC six tenths.
func (f film) bitrate() int {
	rate := map[int]int{720: 2700, 1080: 5000, 2160: 14_000}[f.height]
	if f.codec == hevc {
		rate = rate * 6 / 10
	}
	return rate
}

func (f film) encoder() []string {
	gop := fmt.Sprint(30 * f.keyframes)
	rate := []string{"-b:v", fmt.Sprint(f.bitrate(), "k"), "-maxrate", fmt.Sprint(f.bitrate(), "k"), "-bufsize", fmt.Sprint(2*f.bitrate(), "k")}
	if f.codec == hevc {
		return append([]string{
			"-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
			"-x265-params", "log-level=error:scenecut=0:keyint=" + gop + ":min-keyint=" + gop + ":repeat-headers=1",
		}, rate...)
	}
	return append([]string{"-c:v", "libx264", "-preset", "veryfast", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0"}, rate...)
}

// make returns the film's folder. It is made once and kept in the user's cache: twenty seconds are encoded, and played three
// times.
func (f film) make(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	name := fmt.Sprintf("%dp30-%ds", f.height, f.keyframes)
	if f.codec == hevc {
		name += "-hevc"
	}
	dir := filepath.Join(cache, "spotter", "bench", name)
	if _, err := os.Stat(filepath.Join(dir, testmedia.Playlist)); err == nil {
		return dir
	}
	const footage = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(footage); err != nil {
		t.Skip("no footage: apt install opencv-doc")
	}
	made := filepath.Join(filepath.Dir(dir), fmt.Sprintf("making-%s-%d", name, os.Getpid()))
	if err := os.MkdirAll(made, 0o755); err != nil {
		t.Fatal(err)
	}
	const part = "part.mp4"
	filter := fmt.Sprintf("scale=%d:%d,noise=alls=12:allf=t,fps=30,format=yuv420p", f.height*16/9, f.height)
	args := append([]string{"-i", footage, "-t", "20", "-an", "-vf", filter}, f.encoder()...)
	testmedia.FFmpeg(t, made, append(args, part)...)
	testmedia.FFmpeg(t, made, "-stream_loop", "2", "-i", part, "-c", "copy",
		"-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod", testmedia.Playlist)
	if err := os.Remove(filepath.Join(made, part)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(made, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
