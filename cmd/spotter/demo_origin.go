package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"spotter/models"
	"spotter/timeline"
)

// clipFolder is where Debian's opencv-doc has its clips and photographs.
const clipFolder = "/usr/share/doc/opencv-doc/examples/data"

// clip is one part of the demo's programme.
type clip struct {
	file   string
	length time.Duration
	shows  string // an object that any recogniser finds in it; empty where they differ
}

// programme is what the demo's stream shows, over and over.
type programme struct{ clips []clip }

// scene is one showing of a clip.
type scene struct {
	timeline.Span
	name, shows string
}

func demoProgramme() *programme {
	return &programme{clips: []clip{
		{"vtest.avi", 10 * time.Second, "Person"},
		{"fruits.jpg", 4 * time.Second, ""},
		{"messi5.jpg", 4 * time.Second, ""},
		{"Megamind.avi", 6 * time.Second, ""},
		{"basketball1.png", 4 * time.Second, ""},
	}}
}

// scenes returns the showings that are over by position until.
func (p *programme) scenes(until timeline.Position) []scene {
	var out []scene
	var at timeline.Position
	for {
		for _, c := range p.clips {
			end := at + timeline.FromDuration(c.length)
			if end > until {
				return out
			}
			out = append(out, scene{timeline.Span{From: at, Until: end}, c.file, c.shows})
			at = end
		}
	}
}

func (p *programme) longest() (d time.Duration) {
	for _, c := range p.clips {
		d = max(d, c.length)
	}
	return d
}

// programmeFile is the encoded programme, in the demo's folder.
const programmeFile = "programme.ts"

// makeProgramme encodes the clips one behind the other, with hard cuts.
func makeProgramme(ctx context.Context, dir string) (*programme, error) {
	p := demoProgramme()
	args := []string{"-nostdin", "-v", "error"}
	var graph, joined strings.Builder
	for i, c := range p.clips {
		path := filepath.Join(clipFolder, c.file)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: apt install opencv-doc, or run make setup", err)
		}
		if filepath.Ext(c.file) != ".avi" {
			args = append(args, "-loop", "1", "-framerate", "25")
		}
		args = append(args, "-t", seconds(c.length), "-i", path)
		fmt.Fprintf(&graph, "[%d:v]scale=960:540:force_original_aspect_ratio=decrease,pad=960:540:-1:-1,setsar=1,fps=25,"+
			"tpad=stop_mode=clone:stop_duration=%s,trim=duration=%s,format=yuv420p[v%d];", i, seconds(c.length), seconds(c.length), i)
		fmt.Fprintf(&joined, "[v%d]", i)
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d:v=1:a=0", joined.String(), len(p.clips))
	args = append(args, "-filter_complex", graph.String(), "-an", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0",
		"-g", "25", "-keyint_min", "25", "-muxdelay", "0", "-muxpreload", "0", "-y", filepath.Join(dir, programmeFile))
	if _, err := tool(ctx, "ffmpeg", args...); err != nil {
		return nil, fmt.Errorf("make the programme: %w", err)
	}
	return p, nil
}

func seconds(d time.Duration) string { return timeline.FromDuration(d).String() }

// demoOrigin is a live HLS origin on loopback: ffmpeg in real time, and a file server.
type demoOrigin struct {
	url    string
	ffmpeg *exec.Cmd
	ended  chan error
	server *http.Server
	served chan error
	away   atomic.Bool
	toggle chan os.Signal // each takes the origin away, or brings it back
}

// startOrigin plays the programme in real time, over and over, until ctx is done. It returns once the first segment is
// published. Close waits for its parts.
func startOrigin(ctx context.Context, dir string) (*demoOrigin, error) {
	live := filepath.Join(dir, "live")
	if err := os.Mkdir(live, 0o750); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &demoOrigin{
		url:    "http://" + l.Addr().String() + "/index.m3u8",
		ended:  make(chan error, 1),
		served: make(chan error, 1),
		toggle: make(chan os.Signal, 1),
	}
	o.server = &http.Server{Handler: o.unlessAway(http.FileServer(http.Dir(live))), ReadHeaderTimeout: 5 * time.Second}
	o.ffmpeg = exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", filepath.Join(dir, programmeFile),
		"-c", "copy", "-muxdelay", "0", "-muxpreload", "0", "-f", "hls", "-hls_time", "2", "-hls_list_size", "8",
		"-hls_flags", "delete_segments+program_date_time+temp_file", filepath.Join(live, "index.m3u8"))
	o.ffmpeg.Stderr = os.Stderr
	o.ffmpeg.Cancel = func() error { return o.ffmpeg.Process.Signal(syscall.SIGTERM) }
	if err := o.ffmpeg.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start ffmpeg: %w", err), l.Close())
	}
	signal.Notify(o.toggle, syscall.SIGUSR1)
	go func() { o.ended <- o.ffmpeg.Wait() }()
	go func() { o.served <- o.server.Serve(l) }()
	if err := o.published(ctx, filepath.Join(live, "index.m3u8")); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

// published waits for the playlist, which ffmpeg writes with the first segment.
func (o *demoOrigin) published(ctx context.Context, playlist string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(playlist); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-o.ended:
			o.ended <- err // for Close
			return fmt.Errorf("the demo's ffmpeg ended by itself: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unlessAway answers as an origin does whose encoder or network is gone, while it is.
func (o *demoOrigin) unlessAway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.away.Load() {
			http.Error(w, "the demo's origin was taken away; SIGUSR1 brings it back", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wait returns when the stream ends, which is an error unless ctx is done. Until then each SIGUSR1 takes the origin away, or
// brings it back.
func (o *demoOrigin) wait(ctx context.Context) error {
	for {
		select {
		case <-o.toggle:
			o.away.Store(!o.away.Load())
		case err := <-o.ended:
			o.ended <- err // for Close
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the demo's ffmpeg ended by itself: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

// Close ends the origin. The context of startOrigin must be done or about to be.
func (o *demoOrigin) Close() error {
	signal.Stop(o.toggle)
	if err := o.ffmpeg.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-o.ended
	err := o.server.Close()
	<-o.served
	return err
}

// free returns address where it is free, else the same host with a port that is.
func free(address string) string {
	if l, err := net.Listen("tcp", address); err == nil {
		l.Close()
		return address
	}
	host, _, _ := net.SplitHostPort(address)
	return net.JoinHostPort(host, "0")
}

// demoModel puts the configured model into the demo's data folder where it can be had: kept from an earlier run, in
// the box's own data folder, or in one of the mirrors, of which the empty one is upstream. Without it the cascades serve.
func (c *cli) demoModel(ctx context.Context, conf *config, mirrors []string) {
	m, err := models.Find(conf.Vision.Local.Objects)
	if err != nil {
		return
	}
	kept := filepath.Join(os.TempDir(), "spotter-models")
	if cache, err := os.UserCacheDir(); err == nil {
		kept = filepath.Join(cache, "spotter", "models")
	}
	usual := defaultConfig()
	if models.Verify(usual.modelsDir(), m) == nil {
		kept = usual.modelsDir()
	}
	var tried []string
	for _, mirror := range mirrors {
		err := pullWithin(ctx, kept, mirror, m)
		if err == nil {
			err = pullWithin(ctx, conf.modelsDir(), kept, m)
		}
		if err == nil {
			return
		}
		tried = append(tried, err.Error())
	}
	c.say("no local model could be had:\n  " + strings.Join(tried, "\n  "))
}

// pullWithin brings a model to dir, in a time that a newcomer waits.
func pullWithin(ctx context.Context, dir, mirror string, m models.Model) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return (&models.Puller{Dir: dir, Mirror: mirror}).Pull(ctx, m)
}

// demoMirrors are where a model may come from: upstream, the mirror of the environment, the test kit.
func demoMirrors() []string {
	mirrors := []string{""}
	if m := os.Getenv(mirrorVariable); m != "" {
		mirrors = append(mirrors, m)
	}
	kit := os.Getenv("SPOTTER_KIT")
	if kit == "" {
		kit = filepath.Join("..", "shared", "kit")
	}
	return append(mirrors, filepath.Join(kit, "models"))
}
