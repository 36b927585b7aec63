//go:build bench && !nocv

package bench_test

import (
	"context"
	"fmt"
	"image"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
	"spotter/vision"
)

const (
	rounds = 5
	// childVariable makes a process started from the test binary do one measured piece of work: "startup", or
	// "FOLDER INTERVAL".
	childVariable = "SPOTTER_BENCH_CHILD"
)

func TestMain(m *testing.M) {
	child := os.Getenv(childVariable)
	if child == "" {
		os.Exit(m.Run())
	}
	if err := work(child); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work ingests a recording as the appliance does, but asks no recogniser.
func work(what string) error {
	d, err := opencv.New()
	if err != nil {
		return err
	}
	defer d.Close()
	dir, every, ok := strings.Cut(what, " ")
	if !ok {
		return nil // only started
	}
	interval, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	folder, err := fetch.NewFolder(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	clock, err := capture.NewClock(capture.ZeroFirst, nil)
	if err != nil {
		return err
	}
	planner, gate := capture.NewPlanner(interval), &counting{gate: vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})}
	f := capture.Follower{Sources: []*url.URL{folder.URL(testmedia.Playlist)}, Getter: folder, Clock: clock, Recording: true}
	err = f.Run(context.Background(), func(ctx context.Context, s *capture.Segment) error {
		return d.Decode(ctx, planner.Plan(s), gate, func(opencv.Sample) error { return nil })
	})
	fmt.Printf("%d looks, %d admitted", gate.looks, gate.admitted)
	return err
}

type counting struct {
	gate            *vision.Gate
	looks, admitted int
}

func (c *counting) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	c.looks++
	admitted := c.gate.Admit(ctx, at, small)
	if admitted {
		c.admitted++
	}
	return admitted
}

// contender is one way to look at a recording.
type contender struct {
	name string
	run  func(dir string) *exec.Cmd
}

func ingest(interval string) func(string) *exec.Cmd {
	return func(dir string) *exec.Cmd { return child(dir + " " + interval) }
}

func child(what string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what)
	return cmd
}

func ffmpeg(args string) func(string) *exec.Cmd {
	return func(dir string) *exec.Cmd {
		cmd := exec.Command("ffmpeg", strings.Fields("-nostdin -v error -threads 1 "+args)...)
		cmd.Dir = dir
		return cmd
	}
}

// TestCPU prints the CPU seconds, user and system, that a minute of a 1080p30 stream of 5 Mb/s takes. Run it with
//
//	go test -tags bench -v -timeout 20m -run CPU ./internal/bench
func TestCPU(t *testing.T) {
	const (
		own  = "ingest, a look a keyframe"
		nok  = "ffmpeg -skip_frame nokey to 640 pixels"
		seed = "ffmpeg -vf fps=1/4 to JPEG (the seed)"
	)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "keyframes\twhat\tCPU s, median\tmin to max")
	for _, keyframes := range []int{2, 1} {
		dir := recording(t, keyframes)
		list := []contender{
			{"start of the process alone", func(string) *exec.Cmd { return child("startup") }},
			{own, ingest(fmt.Sprintf("%ds", keyframes))},
			{nok, ffmpeg("-skip_frame nokey -i " + testmedia.Playlist + " -vsync passthrough -vf scale=640:-2 -f rawvideo -y /dev/null")},
			{seed, ffmpeg("-i " + testmedia.Playlist + " -vf fps=1/4 -y out%d.jpg")},
		}
		if keyframes == 2 {
			list = append(list, contender{"ingest, a look a second", ingest("1s")})
		}
		median := map[string]float64{}
		for i, times := range measure(t, dir, list) {
			slices.Sort(times)
			median[list[i].name] = times[rounds/2]
			fmt.Fprintf(w, "every %d s\t%s\t%.2f\t%.2f to %.2f\n", keyframes, list[i].name, times[rounds/2], times[0], times[rounds-1])
		}
		fmt.Fprintf(w, "every %d s\tingest / nokey (goal <= 1.5)\t%.2f\t\n", keyframes, median[own]/median[nok])
		fmt.Fprintf(w, "every %d s\tingest / seed (goal <= 0.167)\t%.3f\t\n", keyframes, median[own]/median[seed])
	}
}

// measure returns the CPU seconds of each contender in each round; rounds are interleaved, so that what else the
// machine does meets all alike.
func measure(t *testing.T, dir string, list []contender) [][]float64 {
	t.Helper()
	out := make([][]float64, len(list))
	for range rounds {
		for i, c := range list {
			cmd := c.run(dir)
			var said strings.Builder
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %v: %s", c.name, err, said.String())
			}
			if len(out[i]) == 0 && said.Len() > 0 {
				t.Logf("%s: %s", c.name, said.String())
			}
			out[i] = append(out[i], (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
		}
	}
	return out
}

// recording returns the folder of a minute of 1080p30 with a keyframe every so many seconds. It is made once and kept
// in the user's cache.
func recording(t *testing.T, keyframes int) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "spotter", "bench", fmt.Sprintf("1080p30-%ds", keyframes))
	if _, err := os.Stat(filepath.Join(dir, testmedia.Playlist)); err == nil {
		return dir
	}
	const footage = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(footage); err != nil {
		t.Skip("no footage: apt install opencv-doc")
	}
	made := filepath.Join(filepath.Dir(dir), fmt.Sprintf("making-%d-%d", keyframes, os.Getpid()))
	if err := os.MkdirAll(made, 0o755); err != nil {
		t.Fatal(err)
	}
	gop := fmt.Sprint(30 * keyframes)
	testmedia.FFmpeg(t, made, "-stream_loop", "-1", "-i", footage, "-t", "60", "-an",
		"-vf", "scale=1920:1080,noise=alls=12:allf=t,fps=30,format=yuv420p", "-c:v", "libx264", "-preset", "veryfast",
		"-b:v", "5M", "-maxrate", "5M", "-bufsize", "10M", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
		"-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod", testmedia.Playlist)
	if err := os.Rename(made, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
