package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"spotter/capture/opencv"
	"spotter/models"
	"spotter/models/onnx"
	"spotter/store"
	"spotter/vision/classic"
)

// leastDisk is room for models, and for weeks of one busy stream.
const leastDisk = 1 << 30

func (c *cli) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check configuration, libraries, models, disk, clock, origins and credentials",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := &report{cli: c}
			conf, err := c.config()
			r.line("configuration", configName(c.configPath), err)
			if err == nil {
				r.all(cmd.Context(), &conf)
			}
			if r.failed > 0 {
				fmt.Fprintf(c.stdout, "\n%d to mend\n", r.failed)
				if err != nil {
					return fmt.Errorf("%w: %w", errSaid, errConfig)
				}
				return errSaid
			}
			fmt.Fprintln(c.stdout, "\nall well")
			return nil
		},
	}
}

func configName(path string) string {
	if path == "" {
		path = os.Getenv(configVariable)
	}
	if path == "" {
		return "defaults (no --config)"
	}
	return path
}

// report prints a line for each check.
type report struct {
	*cli
	failed int
	busy   bool // a box runs on the data folder
}

// line prints what is well, or what is wrong with its mend.
func (r *report) line(name, detail string, err error) {
	if err != nil {
		r.failed++
		fmt.Fprintf(r.stdout, "MEND  %-16s %v\n", name, err)
		return
	}
	fmt.Fprintf(r.stdout, "ok    %-16s %s\n", name, detail)
}

// note prints what is not wrong but worth knowing.
func (r *report) note(name, detail string) { fmt.Fprintf(r.stdout, "note  %-16s %s\n", name, detail) }

func (r *report) all(ctx context.Context, conf *config) {
	r.libraries(conf)
	r.models(conf)
	r.data(conf)
	r.clock()
	r.ports(conf)
	for i := range conf.Media {
		r.media(ctx, conf, &conf.Media[i])
	}
	r.cloud(ctx, conf)
}

func (r *report) libraries(conf *config) {
	decoder, err := opencv.New()
	if err == nil {
		err = decoder.Close()
	}
	r.line("opencv", "decodes", err)
	cascades, err := classic.New(classic.DefaultFolder)
	if err == nil {
		err = cascades.Close()
	}
	r.line("cascades", classic.DefaultFolder, err)
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		r.note("ffmpeg", "not installed: analyze reads playlists only, demo does not run (apt install ffmpeg)")
	} else {
		r.line("ffmpeg", "installed", nil)
	}
	library, err := findONNX()
	if err == nil {
		var runtime *onnx.Runtime
		if runtime, err = onnx.Open(library); err == nil {
			library += " " + runtime.Version()
			err = runtime.Close()
		}
	}
	if err != nil && conf.Vision.Local.Recognizer != "onnx" {
		r.note("onnx runtime", err.Error())
		return
	}
	r.line("onnx runtime", library, err)
}

func (r *report) models(conf *config) {
	l := conf.Vision.Local
	for _, want := range []struct{ key, name, without string }{
		{"objects", l.Objects, "OpenCV's cascades serve"},
		{"faces", l.Faces, "nobody is named"},
		{"identities", l.Identities, "nobody is named"},
	} {
		m, err := models.Find(want.name)
		if err == nil {
			err = models.Verify(conf.modelsDir(), m)
		}
		title := want.key + " model"
		if errors.Is(err, models.ErrMissing) && (l.Recognizer != "onnx" || want.key != "objects") {
			r.note(title, fmt.Sprintf("%s is not in place, so %s: spotter models pull %s", m.Name, want.without, m.Name))
			continue
		}
		r.line(title, fmt.Sprintf("%s in %s", m.Name, conf.modelsDir()), err)
	}
	if l.Provider != onnx.CPU && l.Recognizer != "classic" {
		r.line("provider", l.Provider, tryProvider(conf))
	}
}

// tryProvider loads the objects' model as the box would.
func tryProvider(conf *config) error {
	n := &networks{config: conf}
	_, err := n.objects()
	return errors.Join(err, n.Close())
}

func (r *report) data(conf *config) {
	err := os.MkdirAll(conf.DataDir, 0o750)
	if err != nil {
		r.line("data folder", "", fmt.Errorf("%w: give this user the right to write there, or set data_dir", err))
		return
	}
	var disk unix.Statfs_t
	if err = unix.Statfs(conf.DataDir, &disk); err == nil {
		free := disk.Bavail * uint64(disk.Bsize)
		if free < leastDisk {
			err = fmt.Errorf("%s free in %s: make room, at least %s", humanize.IBytes(free), conf.DataDir, humanize.IBytes(leastDisk))
		}
		r.line("disk", humanize.IBytes(free)+" free in "+conf.DataDir, err)
	}
	path := filepath.Join(conf.DataDir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		r.line("database", "none yet", nil)
		return
	}
	db, err := store.Open(path, store.Options{})
	if errors.Is(err, store.ErrLocked) {
		r.busy = true
		r.note("database", "a box is running on it")
		return
	}
	if err == nil {
		err = db.Close()
	}
	r.line("database", path, err)
}

// clock checks that the kernel holds the clock for synchronised: zero as a time of day and AWS signatures need it.
func (r *report) clock() {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		r.note("clock", "cannot be asked: "+err.Error())
		return
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		r.note("clock", "not synchronised: enable systemd-timesyncd or chrony; AWS refuses requests more than 5 minutes off")
		return
	}
	r.line("clock", "synchronised", nil)
}

func (r *report) ports(conf *config) {
	for _, p := range []struct{ name, address string }{{"viewer", conf.HTTP.Viewer.Listen}, {"admin", conf.HTTP.Admin.Listen}} {
		if r.busy {
			r.note(p.name+" port", p.address+" is not tried while the box runs")
			continue
		}
		l, err := listen("http."+p.name+".listen", p.address)
		if err == nil {
			err = l.Close()
		}
		r.line(p.name+" port", p.address+" is free", err)
	}
}
