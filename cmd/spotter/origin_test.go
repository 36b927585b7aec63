package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

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
	dir    string
	length int // of a segment, in seconds

	mu        sync.Mutex
	published int
	ended     bool
}

// newOrigin has a stream of so many segments of a second, of which the first are published.
func newOrigin(t *testing.T, segments, published int) *origin {
	t.Helper()
	return newLongOrigin(t, 1, segments, published)
}

// newLongOrigin has segments of length seconds.
func newLongOrigin(t *testing.T, length, segments, published int) *origin {
	t.Helper()
	needPictures(t)
	o := &origin{dir: t.TempDir(), length: length, published: published}
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-t", strconv.Itoa(length*segments), "-i", filepath.Join(clipFolder, "vtest.avi"),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0",
		"-f", "segment", "-segment_time", strconv.Itoa(length), filepath.Join(o.dir, "%d.ts"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files := http.FileServer(http.Dir(o.dir))
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/index.m3u8", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, o.playlist()) })
	mux.HandleFunc("/html.m3u8", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!DOCTYPE html><title>Please log in</title>")
	})
	mux.HandleFunc("/noise.m3u8", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.ReplaceAll(o.playlist(), ".ts", ".noise"))
	})
	for i := range segments {
		mux.HandleFunc(fmt.Sprintf("/%d.noise", i), func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat("This is no picture. ", 1000))
		})
	}
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *origin) playlist() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := max(0, o.published-window)
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", o.length, first)
	for i := first; i < o.published; i++ {
		fmt.Fprintf(&b, "#EXTINF:%d,\n%d.ts\n", o.length, i)
	}
	if o.ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.String()
}

// publish lets n more segments appear.
func (o *origin) publish(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.published += n
}

// finish ends the event.
func (o *origin) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
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
	return "media: [{id: cup, url: '" + o.URL + "/index.m3u8'}]"
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
