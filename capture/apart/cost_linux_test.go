//go:build bench && linux && !nocv

package apart_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/capture/opencv"
	"spotter/internal/scorecard/record"
	"spotter/internal/testmedia"
	"spotter/timeline"
	"spotter/vision"
)

const (
	costVariable = "TEST_COST" // "here FOLDER" or "apart FOLDER"; with no folder the process is only started
	costRounds   = 5
	costMinutes  = 2 // how often the minute is read
)

type gateOnly struct{ *vision.Gate }

func (g gateOnly) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	return g.Gate.Admit(ctx, at, small)
}

// TestCostWork is not a test: it is the process that TestApartCost measures.
func TestCostWork(t *testing.T) {
	var how, dir string
	if n, _ := fmt.Sscan(os.Getenv(costVariable), &how, &dir); n == 0 {
		t.Skip("it is run by TestApartCost")
	}
	var demuxer capture.Demuxer
	var decode func(ctx context.Context, job capture.Job, gate gateOnly) error
	if how == "apart" {
		d := newDecoder(t)
		if _, err := d.Greeting(t.Context()); err != nil {
			t.Fatal(err)
		}
		demuxer, decode = d, func(ctx context.Context, job capture.Job, gate gateOnly) error {
			return d.Decode(ctx, job, gate, func(apart.Sample) error { return nil })
		}
	} else {
		d, err := opencv.New()
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		decode = func(ctx context.Context, job capture.Job, gate gateOnly) error {
			return d.Decode(ctx, job, gate, func(opencv.Sample) error { return nil })
		}
	}
	if dir == "" {
		return
	}
	for range costMinutes {
		gate := gateOnly{vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})}
		follow(t, dir, demuxer, func(ctx context.Context, _ *capture.Segment, job capture.Job) error {
			return decode(ctx, job, gate)
		})
	}
}

// TestApartCost prints what the decoder's process costs: CPU of parent and child, against one process that does all, over
// the same minutes of 1080p30 with a look a second, in pairs. Run it with
//
//	go test -tags bench -v -timeout 20m -run ApartCost ./capture/apart
func TestApartCost(t *testing.T) {
	dir := minute(t)
	start := map[string][]float64{}
	for range 3 {
		for _, how := range []string{"here", "apart"} {
			start[how] = append(start[how], cpu(t, how))
		}
	}
	var ratios, here, there []float64
	for i := range costRounds {
		order := []string{"here", "apart"}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		took := map[string]float64{}
		for _, how := range order {
			took[how] = cpu(t, how+" "+dir) - median(start[how])
		}
		here, there, ratios = append(here, took["here"]/costMinutes), append(there, took["apart"]/costMinutes), append(ratios, took["apart"]/took["here"])
		t.Logf("in one process %.2f s, apart %.2f s", took["here"], took["apart"])
	}
	record.Add(t, record.Measurement{
		Group: "The decoder's process", Name: "CPU, decoding apart / in one process", Values: there, Base: here, Goal: record.AtMost(1.05),
	})
	t.Logf("CPU s a stream minute: in one process %.3f, apart %.3f (medians of %d)", median(here), median(there), costRounds)
	t.Logf("start alone: in one process %.3f s, apart %.3f s", median(start["here"]), median(start["apart"]))
	t.Logf("ratio, median of pairs: %.3f (%.3f to %.3f; goal <= 1.05)", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

// cpu returns the seconds, user and system, of a process and the child that it waited for.
func cpu(t *testing.T, what string) float64 {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestCostWork$")
	cmd.Env = append(os.Environ(), costVariable+"="+what)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// minute returns the folder of a minute of 1080p30 of 5 Mb/s with a keyframe a second, made of the same footage as that of
// package bench.
func minute(t *testing.T) string {
	t.Helper()
	if cache, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(cache, "spotter", "bench", "1080p30-1s")
		if _, err := os.Stat(filepath.Join(dir, testmedia.Playlist)); err == nil {
			return dir
		}
	}
	const footage = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(footage); err != nil {
		t.Skip("no footage: apt install opencv-doc")
	}
	dir := t.TempDir()
	testmedia.FFmpeg(t, dir, "-stream_loop", "-1", "-i", footage, "-t", "60", "-an",
		"-vf", "scale=1920:1080,noise=alls=12:allf=t,fps=30,format=yuv420p", "-c:v", "libx264", "-preset", "veryfast",
		"-b:v", "5M", "-maxrate", "5M", "-bufsize", "10M", "-g", "30", "-keyint_min", "30", "-sc_threshold", "0",
		"-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod", testmedia.Playlist)
	return dir
}
