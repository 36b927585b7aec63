package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

const (
	// behind is how many segments of a second a new reader begins before the live edge (RFC 8216 section 6.3.3).
	behind = 3
	// window is how many segments the playlist holds.
	window = 8
	second = timeline.Position(1000)
)

// origin is a live HLS origin: vtest.avi from opencv-doc in segments with a keyframe every second, which appear when the
// test says so. It also has streams that are none.
type origin struct {
	*httptest.Server
	*hls.Origin
	noise *httptest.Server // a stream whose segments are text
}

// newOrigin has a stream of so many segments of a second, of which the first are published.
func newOrigin(t *testing.T, segments, published int) *origin {
	t.Helper()
	return newLongOrigin(t, 1, segments, published)
}

// newLongOrigin has segments of length seconds.
func newLongOrigin(t *testing.T, length, segments, published int) *origin {
	t.Helper()
	return newStyledOrigin(t, length, segments, published, hls.Style{Window: window})
}

func newStyledOrigin(t *testing.T, length, segments, published int, style hls.Style) *origin {
	t.Helper()
	clip := hls.Clip{Segments: streams.first(t, length, segments)}
	text := hls.Clip{Segments: []hls.Segment{{Body: []byte(strings.Repeat("This is no picture. ", 1000)), Duration: time.Second}}}
	noise := hls.New(text, hls.Style{Window: window})
	noise.Publish(window)
	o := &origin{Origin: hls.New(clip, style), noise: httptest.NewServer(noise)}
	t.Cleanup(o.noise.Close)
	o.Publish(published)
	mux := http.NewServeMux()
	mux.Handle("/", o.Origin)
	mux.HandleFunc("/html.m3u8", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!DOCTYPE html><title>Please log in</title>")
	})
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Server.Close)
	return o
}

// usual is how many seconds of a stream are made where a test needs no more.
const usual = 24

// streams is vtest.avi in segments, which is made once for all tests.
var streams encodings

// encodings are streams by the length of their segments.
type encodings struct {
	mu   sync.Mutex
	made map[int][]hls.Segment
}

// first returns the first segments of a stream, which are not to be changed.
func (e *encodings) first(t *testing.T, length, segments int) []hls.Segment {
	t.Helper()
	needPictures(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.made[length]) < segments {
		dir := t.TempDir()
		testmedia.FFmpeg(t, dir, "-t", strconv.Itoa(max(usual, length*segments)), "-i", filepath.Join(clipFolder, "vtest.avi"),
			"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0",
			"-f", "hls", "-hls_time", strconv.Itoa(length), "-hls_list_size", "0", testmedia.Playlist)
		clip, err := hls.Read(filepath.Join(dir, testmedia.Playlist))
		if err != nil {
			t.Fatal(err)
		}
		if e.made == nil {
			e.made = map[int][]hls.Segment{}
		}
		e.made[length] = clip.Segments
	}
	return slices.Clip(e.made[length][:segments])
}

// newData returns a folder for a box's data.
func newData(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}

// config is a configuration with free ports and the cascades, which are always there, and what else is said.
func config(data string, more ...string) string {
	return "data_dir: " + data + "\n" +
		"http: {viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0'}}\n" +
		strings.Join(more, "\n") + "\n"
}

// Parts of configurations. With eager, each look is a scene of its own.
const (
	classic = "vision: {local: {recognizer: classic}}"
	eager   = "vision: {local: {recognizer: classic}, max_scene: 1s}"
)

func (o *origin) media() string {
	return "media: [{id: cup, url: '" + o.URL + hls.Media + "'}]"
}

// program runs a command to its end and returns its exit code and what it printed.
func program(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaint strings.Builder
	cmd := exec.CommandContext(t.Context(), "spotter", args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(env), &out, &complaint
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), complaint.String()
}

// write makes a file with its folder.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
