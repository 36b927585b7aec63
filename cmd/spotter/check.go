package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"spotter/capture/opencv"
	"spotter/models"
	"spotter/models/onnx"
	"spotter/store"
	"spotter/vision/classic"
)

func (c *cli) checkCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, libraries, models, disk, clock, names, origins and credentials",
		Long: "Check what the box needs, and say for each thing that is wrong how it is mended. Exit codes: 0 all is well, 1 something is\n" +
			"to be mended, 2 the configuration or the command line is wrong.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd.Context(), format) },
	}
	cmd.Flags().StringVar(&format, "format", formatText, "`FORMAT`: text or json")
	return cmd
}

func (c *cli) check(ctx context.Context, format string) error {
	if format != formatText && format != formatJSON {
		return fmt.Errorf("%w: --format: %q is neither text nor json", errUsage, format)
	}
	r := &report{to: c.stdout, format: format}
	conf, err := c.config()
	r.line("configuration", configName(c.configPath), err)
	if err == nil {
		r.all(ctx, &conf)
	}
	switch failed := r.end(); {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("%w: %w", errSaid, errConfig)
	case r.failed() > 0:
		return errSaid
	}
	return nil
}

func configName(path string) string {
	if path = configPath(path); path == "" {
		return "defaults (no --config)"
	}
	return path
}

func (r *report) all(ctx context.Context, conf *config) {
	r.libraries(conf)
	r.models(conf)
	r.data(conf)
	r.machine(ctx, conf)
	hosts := conf.hosts()
	r.names(ctx, hosts)
	r.clock(ctx, hosts)
	r.ports(conf)
	if len(conf.Media) == 0 && conf.Timeline.DynamoDB == nil {
		r.advise("media", "none is configured", noMediaMend)
	}
	for i := range conf.Media {
		r.media(ctx, conf, &conf.Media[i])
	}
	r.engage(conf)
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
		r.line("data folder", "", mend(err, "give this user the right to write there, or set data_dir"))
		return
	}
	r.disk(conf)
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
