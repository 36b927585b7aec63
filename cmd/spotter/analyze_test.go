package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"spotter/models/onnx"
	"spotter/timeline"

	"spotter/internal/testmedia"
)

// transcript is what analyze --format json prints.
type transcript struct {
	log          string // which went to standard error
	observations []timeline.Observation
	summary      struct {
		Duration                                    timeline.Position
		Sampled, Admitted, Recognized, Observations int
	}
}

func (a transcript) has(object string) bool {
	for _, o := range a.observations {
		for _, e := range o.Objects {
			if e.Name == object {
				return true
			}
		}
	}
	return false
}

// analyze runs a spotter on a recording.
func analyze(t *testing.T, spotter string, args ...string) (a transcript) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), spotter, append([]string{"analyze", "--format", "json"}, args...)...)
	cmd.Env = environment(nil)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	a.log = complaint.String()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, line := range lines[:len(lines)-1] {
		var o timeline.Observation
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		a.observations = append(a.observations, o)
	}
	end := struct{ Summary any }{&a.summary}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil {
		t.Fatalf("last line %q: %v", lines[len(lines)-1], err)
	}
	if a.summary.Observations != len(a.observations) {
		t.Errorf("%d observations printed, the summary says %+v", len(a.observations), a.summary)
	}
	return a
}

func cascades(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter.yaml")
	write(t, path, config(newData(t), classic))
	return path
}

func TestAnalyzeFindsPeople(t *testing.T) {
	t.Parallel()
	needPictures(t)
	a := analyze(t, "spotter", "--config", cascades(t), filepath.Join(clipFolder, "vtest.avi"))
	if a.summary.Duration != 79_500 || a.summary.Sampled < 79 || a.summary.Sampled > 81 || !a.has("Person") {
		t.Errorf("got %+v, want 79.5 s with a Person", a)
	}
	last := timeline.Position(0)
	for _, o := range a.observations {
		if o.From != last || o.Until <= o.From {
			t.Errorf("%v until %v does not continue %v", o.From, o.Until, last)
		}
		last = o.Until
	}
	if last != 79_500 {
		t.Errorf("the last scene ends at %v", last)
	}
}

func TestAnalyzeTellsTime(t *testing.T) {
	t.Parallel()
	needPictures(t)
	kit := testmedia.Kit(t)
	for name, tc := range map[string]struct {
		args     []string
		from     timeline.Position
		duration timeline.Position
	}{
		"counter.mp4":                          {nil, 0, 3_000},
		"delayed_start.mp4":                    {nil, 1_075, 0},
		"delayed_start.mp4 with zero at first": {[]string{"--zero", "first"}, 0, 0},
		"short_hamilton_clip.mp4":              {nil, 852, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, _, _ := strings.Cut(name, " ")
			a := analyze(t, "spotter", append(tc.args, "--config", cascades(t), filepath.Join(kit, "videos", file))...)
			if len(a.observations) == 0 || a.observations[0].From != tc.from {
				t.Fatalf("got %+v, want the first scene from %v", a, tc.from)
			}
			if tc.duration != 0 && a.summary.Duration != tc.duration {
				t.Errorf("duration %v, want %v", a.summary.Duration, tc.duration)
			}
		})
	}
}

// TestAnalyzeWithModel runs a copy of the program that stands where ONNX Runtime is beside it.
func TestAnalyzeWithModel(t *testing.T) {
	t.Parallel()
	needPictures(t)
	kit := testmedia.Kit(t)
	library, err := filepath.Abs(filepath.Join("..", "..", ".build", "onnxruntime", onnx.Library))
	if err != nil {
		t.Fatal(err)
	}
	if runtime, err := onnx.Open(library); err != nil {
		t.Skipf("no ONNX Runtime: %v", err)
	} else if err := runtime.Close(); err != nil {
		t.Fatal(err)
	}
	dir, data := t.TempDir(), newData(t)
	spotter, err := exec.LookPath("spotter")
	if err != nil {
		t.Fatal(err)
	}
	place := func(old, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(old, path); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "bin", "spotter")
	if err := os.MkdirAll(filepath.Dir(program), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(spotter, program); err != nil { // no symbolic link: it is the real place that counts
		t.Skipf("the program cannot be put elsewhere: %v", err)
	}
	place(library, filepath.Join(dir, ".build", "onnxruntime", onnx.Library))
	place(filepath.Join(kit, "models", "yolox_nano.onnx"), filepath.Join(data, "models", "yolox_nano.onnx"))
	conf := filepath.Join(dir, "spotter.yaml")
	write(t, conf, config(data, "vision: {local: {recognizer: onnx}, max_scene: 5s}"))
	a := analyze(t, program, "--config", conf, filepath.Join(kit, "videos", "bottle-detection.mp4"))
	if !a.has("Bottle") || a.observations[0].Source != timeline.SourceONNX {
		t.Errorf("got %+v, want a Bottle by onnx", a)
	}
}
