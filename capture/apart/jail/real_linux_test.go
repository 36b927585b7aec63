//go:build linux && !nocv && !noonnx

package jail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/capture/fetch"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/models/onnx"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/local"
)

const (
	mediaVariable   = "TEST_MEDIA"
	libraryVariable = "TEST_LIBRARY"
	modelVariable   = "TEST_MODEL"
)

// done is what the child says of its work.
type done struct {
	Pictures, Frames, Classic, Networks int
	Status                              map[string]string // lines of /proc/self/status
	Error                               string
}

// TestWork is not a test: it is the confined child, which does all that a decoder does.
func TestWork(t *testing.T) {
	media := os.Getenv(mediaVariable)
	if media == "" {
		t.Skip("it is run by the other test")
	}
	conn, err := apart.Confine()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var d done
	if err := work(media, &d); err != nil {
		d.Error = err.Error()
	}
	d.Status = status()
	if err := json.NewEncoder(conn).Encode(d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// gate admits every picture and shows it to the recognisers.
type gate struct {
	done   *done
	asked  []vision.Recognizer
	counts []*int
	err    error
}

func (g *gate) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	g.done.Pictures++
	for i, r := range g.asked {
		_, err := r.Recognize(ctx, vision.Picture{Small: small, Width: small.Rect.Dx(), Height: small.Rect.Dy(), At: at})
		if g.err = errors.Join(g.err, err); err == nil {
			*g.counts[i]++
		}
	}
	return true
}

// work decodes a recording and asks the recognisers that there are.
func work(media string, d *done) error {
	g := &gate{done: d}
	if r, err := classic.New(classic.DefaultFolder); err == nil {
		defer r.Close()
		g.asked, g.counts = append(g.asked, r), append(g.counts, &d.Classic)
	}
	if library := os.Getenv(libraryVariable); library != "" {
		runtime, err := onnx.Open(library)
		if err != nil {
			return err
		}
		defer runtime.Close()
		net, err := runtime.Load(os.Getenv(modelVariable), 2)
		if err != nil {
			return err
		}
		g.asked, g.counts = append(g.asked, local.NewYOLOX(net, 416, 50)), append(g.counts, &d.Networks)
	}
	decoder, err := opencv.New()
	if err != nil {
		return err
	}
	defer decoder.Close()
	folder, err := fetch.NewFolder(media)
	if err != nil {
		return err
	}
	defer folder.Close()
	clock, err := capture.NewClock(capture.ZeroFirst, nil)
	if err != nil {
		return err
	}
	planner := capture.NewPlanner(500 * time.Millisecond)
	var faults error
	f := &capture.Follower{
		Sources: []*url.URL{folder.URL(testmedia.Playlist)}, Getter: folder, Clock: clock, Recording: true,
		OnFault: func(x capture.Fault) { faults = errors.Join(faults, x.Err) },
	}
	err = f.Run(context.Background(), func(ctx context.Context, s *capture.Segment) error {
		return decoder.Decode(ctx, planner.Plan(s), g, func(s opencv.Sample) error {
			if s.Frame != nil && len(s.Frame.JPEG) > 0 {
				d.Frames++
			}
			return nil
		})
	})
	return errors.Join(err, faults, g.err)
}

// status returns what this process takes.
func status() map[string]string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		lines[name] = strings.TrimSpace(value)
	}
	return lines
}

// TestDecoderWorksConfined lets a confined child decode, look with cascades and, where a model and ONNX Runtime are
// installed, with a network: what a library asks of the kernel in a new version shows here.
func TestDecoderWorksConfined(t *testing.T) {
	tests := []struct {
		name, size, seconds string
		encoder             []string
		long                bool
	}{
		{name: "H.264 1080p", size: "1920x1080", seconds: "2", encoder: []string{"-c:v", "libx264"}},
		{name: "H.264 4K", size: "3840x2160", seconds: "1", encoder: []string{"-c:v", "libx264"}, long: true},
		{name: "HEVC", size: "640x360", seconds: "2", encoder: []string{
			"-c:v", "libx265", "-x265-params", "log-level=error", "-hls_segment_type", "fmp4",
		}},
		{name: "H.264 interlaced", size: "720x576", seconds: "2", encoder: []string{"-c:v", "libx264", "-flags", "+ildct+ilme"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.long && testing.Short() {
				t.Skip("it takes long")
			}
			media := t.TempDir()
			args := []string{"-f", "lavfi", "-i", "testsrc2=rate=25:size=" + test.size + ":duration=" + test.seconds}
			args = append(args, "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-g", "25")
			args = append(append(args, test.encoder...), "-f", "hls", "-hls_playlist_type", "vod", testmedia.Playlist)
			testmedia.FFmpeg(t, media, args...)
			o := apart.Options{
				Command:  []string{"/proc/self/exe", "-test.run=^TestWork$"},
				Dir:      t.TempDir(),
				ReadOnly: []string{media, filepath.Dir(classic.DefaultFolder)},
				Env:      []string{mediaVariable + "=" + media},
			}
			networks := installed(t, &o)
			began := time.Now()
			p, err := apart.Start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var d done
			if err := json.NewDecoder(p.Conn()).Decode(&d); err != nil {
				t.Fatal(err, p.Wait())
			}
			if d.Error != "" || d.Pictures < 2 || d.Frames != d.Pictures || networks && d.Networks != d.Pictures {
				t.Errorf("confined, the decoder did %+v", d)
			}
			if _, err := os.Stat(classic.DefaultFolder); err == nil && d.Classic != d.Pictures {
				t.Errorf("cascades looked at %d of %d pictures", d.Classic, d.Pictures)
			}
			t.Logf("%d pictures in %v: data %s, anonymous %s, at most %s resident, %s threads, seccomp %s", d.Pictures,
				time.Since(began).Round(time.Millisecond), d.Status["VmData"], d.Status["RssAnon"], d.Status["VmHWM"],
				d.Status["Threads"], d.Status["Seccomp"])
		})
	}
}

// installed gives the child ONNX Runtime and a model where they are here.
func installed(t *testing.T, o *apart.Options) bool {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	library, err := onnx.Find(onnx.Places(filepath.Join(root, "bin", "spotter"))...)
	if err != nil {
		t.Log("without a network: ", err)
		return false
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Log("without a network: ", err)
		return false
	}
	folder := filepath.Join(cache, "spotter", "models")
	model := filepath.Join(folder, "yolox_nano.onnx")
	if _, err := os.Stat(model); err != nil {
		t.Log("without a network: ", err)
		return false
	}
	o.ReadOnly = append(o.ReadOnly, folder, filepath.Dir(library))
	o.Env = append(o.Env, libraryVariable+"="+library, modelVariable+"="+model)
	return true
}
