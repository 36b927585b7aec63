package main_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// clip makes something of the first four seconds of vtest.avi (768x576, ten pictures a second, with people all the
// time), by ffmpeg with args in a fresh folder, which it returns.
func clip(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	clipInto(t, dir, args...)
	return dir
}

func clipInto(t *testing.T, dir string, args ...string) {
	t.Helper()
	testmedia.FFmpeg(t, dir, append([]string{"-t", "4", "-i", filepath.Join(clipFolder, "vtest.avi")}, args...)...)
}

// Parts of ffmpeg's command lines.
var (
	asH264  = []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "20"}
	asHEVC  = []string{"-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast", "-g", "20"}
	asMPEG2 = []string{"-c:v", "mpeg2video", "-vf", "fps=25", "-b:v", "4M", "-g", "12"}
	hlsOf2  = []string{"-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"}
	// fields makes interlaced pictures, 25 a second.
	fields = []string{"-vf", "fps=50,scale=720:576,tinterlace=interleave_top", "-flags", "+ilme+ildct"}
)

func args(parts ...any) (out []string) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			out = append(out, p)
		case []string:
			out = append(out, p...)
		}
	}
	return out
}

// spans wants a transcript with a Person from one position until another, with no hole and no fault, and a summary that
// says so.
func (a transcript) spans(t *testing.T, from, until timeline.Position) {
	t.Helper()
	if len(a.observations) == 0 || !a.has("Person") {
		t.Fatalf("got %+v, want a Person", a)
	}
	if strings.Contains(a.log, "level=WARN") {
		t.Errorf("there were faults: %s", a.log)
	}
	at := from
	for _, o := range a.observations {
		if o.From != at {
			t.Errorf("a scene begins at %v, want %v", o.From, at)
		}
		at = o.Until
	}
	if at != until || a.summary.Duration != until-from {
		t.Errorf("the last scene ends at %v after %v, want %v after %v", at, a.summary.Duration, until, until-from)
	}
}

// encrypted makes an AES-128 stream and returns its folder.
func encrypted(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "stream.key"), "0123456789abcdef")
	write(t, filepath.Join(dir, "key.txt"), "stream.key\nstream.key\n000102030405060708090a0b0c0d0e0f\n")
	clipInto(t, dir, args(asH264, hlsOf2, "-hls_key_info_file", "key.txt", testmedia.Playlist)...)
	return dir
}

func TestAnalyzeStreams(t *testing.T) {
	t.Parallel()
	needPictures(t)
	const open = "open-gop=1:bframes=3"
	for name, how := range map[string][]string{
		"byte ranges in TS":         args(asH264, hlsOf2, "-hls_flags", "single_file"),
		"byte ranges in fMP4":       args(asH264, hlsOf2, "-hls_segment_type", "fmp4", "-hls_flags", "single_file"),
		"fMP4 HEVC with open GOPs":  args(asHEVC, hlsOf2, "-hls_segment_type", "fmp4"),
		"fMP4 H.264 with open GOPs": args(asH264, "-preset", "veryfast", "-x264-params", open, hlsOf2, "-hls_segment_type", "fmp4"),
		"TS HEVC with open GOPs":    args(asHEVC, hlsOf2),
		"MPEG-2":                    args(asMPEG2, hlsOf2),
		"EVENT":                     args(asH264, hlsOf2, "-hls_playlist_type", "event"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clip(t, append(how, testmedia.Playlist)...)
			analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, testmedia.Playlist)).spans(t, 0, 4*second)
		})
	}
	t.Run("AES-128", func(t *testing.T) {
		t.Parallel()
		analyze(t, "spotter", "--config", cascades(t), filepath.Join(encrypted(t), testmedia.Playlist)).spans(t, 0, 4*second)
	})
}

// TestAnalyzeOverHTTP has what only an address can be.
func TestAnalyzeOverHTTP(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := encrypted(t)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	other := &httptest.Server{Listener: l, Config: &http.Server{Handler: server.Config.Handler}}
	other.Start()
	t.Cleanup(other.Close)
	list, err := os.ReadFile(filepath.Join(dir, testmedia.Playlist))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "elsewhere.m3u8"), strings.ReplaceAll(string(list), "\nindex", "\n"+other.URL+"/index"))
	write(t, filepath.Join(dir, "page.html"), "<!DOCTYPE html><title>Please log in</title>")
	conf := cascades(t)

	t.Run("AES-128", func(t *testing.T) {
		t.Parallel()
		analyze(t, "spotter", "--config", conf, server.URL+"/"+testmedia.Playlist+"?token=1").spans(t, 0, 4*second)
	})
	t.Run("segments elsewhere, allowed", func(t *testing.T) {
		t.Parallel()
		analyze(t, "spotter", "--config", conf, "--allow-host", "127.0.0.2", server.URL+"/elsewhere.m3u8").spans(t, 0, 4*second)
	})
	for name, tc := range map[string]struct{ path, says string }{
		"segments elsewhere": {"/elsewhere.m3u8", `host "127.0.0.2" is not in the media's allow_hosts: if it may be asked, give --allow-host 127.0.0.2`},
		"page of HTML":       {"/page.html", "/page.html: not a usable HLS playlist: it is a page of HTML or XML"},
		"404":                {"/gone.m3u8?token=hidden", "/gone.m3u8?...: load playlist: the origin answered 404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails(t, tc.says, conf, server.URL+tc.path)
		})
	}
}

// fails wants an analysis to fail with one line that says why, to print nothing, and to tell no secret.
func fails(t *testing.T, says, conf string, arg ...string) {
	t.Helper()
	code, stdout, stderr := program(t, nil, append([]string{"analyze", "--config", conf}, arg...)...)
	var said []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "spotter: ") {
			said = append(said, line)
		}
	}
	if code != 1 || stdout != "" || len(said) != 1 || !strings.Contains(said[0], says) || strings.Contains(stderr, "hidden") {
		t.Errorf("exit code %d, printed %q and %q, want 1, nothing and a line that says %q", code, stdout, stderr, says)
	}
}

func TestAnalyzeRefuses(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := encrypted(t)
	list, err := os.ReadFile(filepath.Join(dir, testmedia.Playlist))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sample.m3u8"), strings.ReplaceAll(string(list), "METHOD=AES-128", "METHOD=SAMPLE-AES"))
	write(t, filepath.Join(dir, "away.m3u8"), strings.ReplaceAll(string(list), "\nindex", "\nhttps://origin.example/index"))
	testmedia.FFmpeg(t, dir, args("-f", "lavfi", "-i", "sine", "-t", "4", hlsOf2, "sound.m3u8")...)
	testmedia.FFmpeg(t, dir, "-f", "lavfi", "-i", "sine", "-f", "lavfi", "-i", "color=s=320x240", "-map", "0", "-map", "1", "-t", "1", "-frames:v", "1",
		"-c:v", "mjpeg", "-disposition:v", "attached_pic", "song.mp3")
	conf := cascades(t)
	for name, says := range map[string]string{
		"sample.m3u8": "cannot be decrypted: METHOD=SAMPLE-AES (only AES-128 is read",
		"sound.m3u8":  "sound.m3u8: it has no video",
		"song.mp3":    "song.mp3 has no video",
		"away.m3u8":   "give the playlist's http address instead of the file",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fails(t, says, conf, filepath.Join(dir, name))
		})
	}
}

// TestAnalyzeDiscontinuities changes codec, size, rate and container, with the same scene on both sides.
func TestAnalyzeDiscontinuities(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := clip(t, args(asH264, "-f", "hls", "-hls_time", "2", "-hls_segment_filename", "a%d.ts", "a.m3u8")...)
	small := args(asHEVC, "-vf", "scale=640:480", "-r", "25", "-g", "50", "-f", "hls", "-hls_time", "2")
	clipInto(t, dir, args(small, "-hls_segment_filename", "b%d.ts", "b.m3u8")...)
	clipInto(t, dir, args(small, "-hls_segment_type", "fmp4", "-hls_segment_filename", "c%d.m4s", "c.m3u8")...)
	write(t, filepath.Join(dir, testmedia.Playlist), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na0.ts\n#EXTINF:2,\na1.ts\n"+
		"#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb0.ts\n#EXTINF:2,\nb1.ts\n"+
		"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\nc0.m4s\n#EXTINF:2,\nc1.m4s\n#EXT-X-ENDLIST\n")
	a := analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, testmedia.Playlist))
	a.spans(t, 0, 12*second)
	if a.summary.Observations != 3 {
		t.Errorf("got %+v, want a scene for each encoding", a)
	}
}

// TestAnalyzeBeginsInsideGOP cuts a stream behind its first keyframe: the next comes at 2.0.
func TestAnalyzeBeginsInsideGOP(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := clip(t, args(asH264, "-bf", "0", "-f", "hls", "-hls_time", "1", "-hls_flags", "split_by_time", "-hls_playlist_type", "vod", testmedia.Playlist)...)
	write(t, filepath.Join(dir, "cut.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nindex1.ts\n#EXTINF:1,\nindex2.ts\n#EXTINF:1,\nindex3.ts\n#EXT-X-ENDLIST\n")
	analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, "cut.m3u8")).spans(t, second, 3*second)
}

// TestAnalyzeIFrames has a playlist of nothing but I-frames, two a second.
func TestAnalyzeIFrames(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := clip(t, args(asH264, "-bf", "0", "-g", "5", "-sc_threshold", "0", "-f", "hls", "-hls_time", "0.5", "-hls_playlist_type", "vod", "-hls_flags", "iframes_only+single_file", testmedia.Playlist)...)
	a := analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, testmedia.Playlist))
	a.spans(t, 0, 3_900) // as its playlist says
	if a.summary.Sampled != 4 {
		t.Errorf("got %+v, want a look a second", a)
	}
}

// TestAnalyzeLive ends a stream that would go on for ever as a user does.
func TestAnalyzeLive(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 20, 6)
	conf := filepath.Join(t.TempDir(), "spotter.yaml")
	write(t, conf, config(newData(t), eager))
	cmd := exec.CommandContext(t.Context(), "spotter", "analyze", "--format", "json", "--config", conf, o.URL+hls.Media)
	cmd.Env = environment(nil)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scanned := bufio.NewScanner(out); scanned.Scan(); {
		lines = append(lines, scanned.Text())
		switch len(lines) {
		case 3:
			o.Publish(4)
		case 8: // which are of what came later
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	var first timeline.Observation
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || first.From != 0 || first.Until != second {
		t.Errorf("the first scene is %q, want one from 0.0 until 1.0", lines[0])
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, `{"summary":{"duration":`) {
		t.Errorf("the last line is %q, want the summary", last)
	}
}
