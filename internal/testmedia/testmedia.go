// Package testmedia owns the media that tests make with ffmpeg, and the way to the test kit.
package testmedia

import (
	"cmp"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Playlist is the name of the media playlist of what Stream.Make and Package make.
const Playlist = "index.m3u8"

// bits is how many cells of a picture hold its number.
const bits = 12

// Numbers is the filter for ffmpeg that draws a picture's number over it: a band of cells across the top, white for 1,
// lowest bit first, and below it a band of the same with black for 1, so that a torn picture is told from a whole one.
// Number reads it.
const Numbers = "geq=lum='if(lt(Y,H/4),if(eq(mod(floor(N/pow(2,floor(X*12/W))),2),lt(Y,H/8)),235,16),lum(X,Y))'" +
	":cb='if(lt(Y,H/4),128,cb(X,Y))':cr='if(lt(Y,H/4),128,cr(X,Y))'"

// Stream is an HLS recording of numbered pictures, the first of which is number 0.
type Stream struct {
	Rate    string   // pictures a second: 25, 30000/1001
	Seconds int      // at most 4095 pictures
	Size    string   // width x height; 256x144 where empty
	Format  string   // ffmpeg's pixel format; yuv420p where empty
	Encoder []string // ffmpeg's options for the encoder
	FMP4    bool     // fragmented MP4 in place of MPEG-TS
	Segment string   // seconds a segment lasts at least; 4 where empty
}

// Make encodes the stream into a fresh folder, which it returns. It skips the test where ffmpeg is not installed.
func (s Stream) Make(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	source := "testsrc2=size=" + cmp.Or(s.Size, "256x144") + ":rate=" + s.Rate + ":duration=" + strconv.Itoa(s.Seconds) +
		",format=yuv420p," + Numbers + ",format=" + cmp.Or(s.Format, "yuv420p")
	args := append([]string{"-f", "lavfi", "-i", source}, s.Encoder...)
	args = append(args, "-f", "hls", "-hls_time", cmp.Or(s.Segment, "4"), "-hls_list_size", "0", "-hls_playlist_type", "vod")
	if s.FMP4 {
		args = append(args, "-hls_segment_type", "fmp4")
	}
	FFmpeg(t, dir, append(args, Playlist)...)
	return dir
}

// Package packages a recording's video into HLS, ten seconds later than its own time stamps say, as the analyze
// command does; what is neither H.264 nor HEVC needs an encoder. It returns the folder.
func Package(t testing.TB, recording string, encoder ...string) string {
	t.Helper()
	dir := t.TempDir()
	if len(encoder) == 0 {
		encoder = []string{"-c", "copy"}
	}
	args := append([]string{"-copyts", "-i", recording, "-map", "0:v:0"}, encoder...)
	FFmpeg(t, dir, append(args, "-output_ts_offset", "10",
		"-muxdelay", "0", "-muxpreload", "0", "-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod", Playlist)...)
	return dir
}

// FFmpeg runs it in dir, or skips the test where it is not installed.
func FFmpeg(t testing.TB, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: apt install ffmpeg")
	}
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Kit returns a path inside the test kit, which is at SPOTTER_KIT or beside the checkout. It skips the test where there
// is none.
func Kit(t testing.TB, elem ...string) string {
	t.Helper()
	path, ok := FindKit(t, elem...)
	if !ok {
		t.Skip("no test kit: set SPOTTER_KIT to its folder")
	}
	return path
}

// FindKit is Kit for tests that do something else where there is none.
func FindKit(t testing.TB, elem ...string) (path string, ok bool) {
	t.Helper()
	root := os.Getenv("SPOTTER_KIT")
	if root == "" {
		root = filepath.Join(repository(t), "..", "shared", "kit")
	}
	_, err := os.Stat(root)
	return filepath.Join(append([]string{root}, elem...)...), err == nil
}

// repository returns the folder of the go.mod above the test.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

// Number reads the number of a picture that Stream.Make drew, at whatever size; ok is false where it is torn.
func Number(m *image.RGBA) (n int, ok bool) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i := range bits {
		x := (2*i + 1) * w / (2 * bits)
		one, zero := bright(m, x, h/16), bright(m, x, h*3/16)
		if one == zero || one < 0 || zero < 0 {
			return 0, false
		}
		n |= one << i
	}
	return n, true
}

// bright is 1 where the picture is near white around a point, 0 where it is near black, else -1.
func bright(m *image.RGBA, x, y int) int {
	sum, n := 0, 0
	for dy := -1; dy <= 1; dy++ {
		for dx := -2; dx <= 2; dx++ {
			sum += int(m.RGBAAt(x+dx, y+dy).G)
			n++
		}
	}
	switch sum /= n; {
	case sum > 200:
		return 1
	case sum < 55:
		return 0
	}
	return -1
}
