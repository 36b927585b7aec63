//go:build bench && !nocv

package bench_test

import (
	"context"
	"fmt"
	"image"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/capture/opencv"
	"spotter/internal/scorecard/record"
	"spotter/internal/testmedia"
	"spotter/timeline"
	"spotter/vision"
)

// childVariable makes a process started from the test binary do one measured piece of work: "startup", or "FOLDER INTERVAL".
const childVariable = "SPOTTER_BENCH_CHILD"

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

// The ways to look at a recording. The seed's command makes what the seed made; the other one of ffmpeg's decodes what ingest
// decodes.
const (
	startsAlone = "start of the process alone"
	ingests     = "ingest, a look a keyframe"
	noKey       = "ffmpeg -skip_frame nokey to 640 pixels"
	seedsOwn    = "ffmpeg -vf fps=1/4 to JPEG (the seed)"
)

// TestCPU prints the CPU seconds, user and system, that a minute of a stream of 30 pictures a second takes. Run it with
//
//	go test -tags bench -v -timeout 60m -run CPU ./internal/bench
func TestCPU(t *testing.T) {
	films := []film{{1080, h264, 2}, {1080, h264, 1}, {720, h264, 2}, {720, hevc, 2}, {1080, hevc, 2}, {2160, h264, 2}, {2160, hevc, 2}}
	rounds := record.Rounds(5, 2)
	if record.Quick() {
		films = []film{films[0], films[2]}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "film\twhat\tCPU s, median\tmin to max")
	for _, f := range films {
		list := []contender{
			{startsAlone, func(string) *exec.Cmd { return child("startup") }},
			{ingests, ingest(fmt.Sprintf("%ds", f.keyframes))},
			{noKey, ffmpeg("-skip_frame nokey -i " + testmedia.Playlist + " -vsync passthrough -vf scale=640:-2 -f rawvideo -y /dev/null")},
			{seedsOwn, ffmpeg("-i " + testmedia.Playlist + " -vf fps=1/4 -y out%d.jpg")},
		}
		if f == films[0] && !record.Quick() {
			list = append(list, contender{"ingest, a look a second", ingest("1s")})
		}
		times := map[string][]float64{}
		for i, took := range measure(t, f.make(t), list, rounds) {
			times[list[i].name] = took
			sorted := slices.Sorted(slices.Values(took))
			fmt.Fprintf(w, "%v\t%s\t%.2f\t%.2f to %.2f\n", f, list[i].name, sorted[rounds/2], sorted[0], sorted[rounds-1])
		}
		recordCPU(t, f, list, times)
	}
}

// recordCPU gives what a film took to the scorecard. The design's goals are for 1080p30 H.264 with a keyframe every 2 s.
func recordCPU(t *testing.T, f film, list []contender, times map[string][]float64) {
	t.Helper()
	group := "CPU a stream minute, " + f.String()
	var most [2]*record.Goal
	if f == (film{1080, h264, 2}) {
		most = [2]*record.Goal{record.AtMost(1.5), record.AtMost(1. / 6)}
	}
	record.Add(t,
		record.Measurement{Group: group, Name: "Spotter's ingest / ffmpeg -skip_frame nokey", Values: times[ingests], Base: times[noKey], Goal: most[0]},
		record.Measurement{Group: group, Name: "Spotter's ingest / the seed's ffmpeg -vf fps=1/4", Values: times[ingests], Base: times[seedsOwn], Goal: most[1]})
	for _, c := range list {
		record.Add(t, record.Measurement{Group: group, Name: c.name, Unit: "s", Values: times[c.name]})
	}
}

// measure returns the CPU seconds of each contender in each round; rounds are interleaved, so that what else the
// machine does meets all alike.
func measure(t *testing.T, dir string, list []contender, rounds int) [][]float64 {
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
