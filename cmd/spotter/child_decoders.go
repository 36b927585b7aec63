package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spotter/capture/apart"
	"spotter/capture/apart/jail"
	"spotter/models/onnx"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local/gallery"
)

// asideFolder is where, under data_dir, segments are kept of which decoders died.
const asideFolder = "aside"

// notConfined is what the log and `spotter check` say where jail.FilesError has a reason.
const notConfined = "the decoder's files are not confined"

// decoders are the decoders' processes, one for each stream that runs.
type decoders struct {
	setup    []byte
	readable []string
	devices  bool // graphics cards
	folder   *temporary
	aside    *apart.Aside
	log      *slog.Logger

	mu     sync.Mutex
	byName map[string]*apart.Client
	spare  map[string]*apart.Client   // started, and used by no stream yet
	ended  map[string]func(how error) // of the streams that run; told of each decoder that ended by itself
}

// newDecoders returns the decoders of a configuration; where looks is set, they look at pictures too.
func newDecoders(c *config, looks bool, log *slog.Logger) (*decoders, error) {
	setup, readable, err := setupFor(c, looks)
	if err != nil {
		return nil, err
	}
	runtime, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":") // systemd's, in memory; the first of several
	folder, err := newTemporary(runtime)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the decoders: %w: give this user the right to write there", err)
	}
	if err := jail.FilesError(); err != nil {
		log.Warn(notConfined, "error", err)
	}
	return &decoders{
		setup: setup, readable: readable, devices: looks && c.Vision.Local.Provider != onnx.CPU, folder: folder, log: log,
		aside:  apart.NewAside(filepath.Join(c.DataDir, asideFolder)),
		byName: map[string]*apart.Client{}, spare: map[string]*apart.Client{}, ended: map[string]func(error){},
	}, nil
}

// Close ends what no stream uses.
func (d *decoders) Close() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	spare := d.spare
	d.spare = nil
	d.mu.Unlock()
	var failed []error
	for _, c := range spare { // not under mu, which who tells of an end may wait for
		failed = append(failed, c.Close())
	}
	return errors.Join(append(failed, d.folder.Close())...)
}

func (d *decoders) start(name string) *apart.Client {
	return apart.NewClient(apart.ClientOptions{
		Process: apart.Options{Dir: d.folder.path, ReadOnly: d.readable, Devices: d.devices, Name: name, Log: d.log},
		Setup:   d.setup,
		Aside:   d.aside,
		OnEnd: func(how error, pause time.Duration) {
			d.log.Warn("the decoder ended", "media", name, "how", how, "next_in", pause)
			d.mu.Lock()
			ended := d.ended[name]
			d.mu.Unlock()
			if ended != nil {
				ended(how)
			}
		},
	})
}

// greet starts the decoder of a stream that is not running yet, and returns what it has opened.
func (d *decoders) greet(ctx context.Context, name string) (g decoderGreeting, err error) {
	c := d.start(name)
	d.mu.Lock()
	d.spare[name] = c
	d.mu.Unlock()
	b, err := c.Greeting(ctx)
	if err != nil {
		return g, err
	}
	if err := json.Unmarshal(b, &g); err != nil {
		return g, fmt.Errorf("read what the decoder has opened: %w", err)
	}
	return g, nil
}

// open returns a running stream's decoder, which the caller must release. ended is told of each process of it that ended by
// itself.
func (d *decoders) open(name string, ended func(how error)) *apart.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.spare[name]
	delete(d.spare, name)
	if c == nil {
		c = d.start(name)
	}
	d.byName[name], d.ended[name] = c, ended
	return c
}

// release ends a stream's decoder and waits for its end.
func (d *decoders) release(name string, c *apart.Client) error {
	d.mu.Lock()
	if d.byName[name] == c {
		delete(d.byName, name)
		delete(d.ended, name)
	}
	d.mu.Unlock()
	return c.Close()
}

// errNotRunning is returned for pictures of a stream that has stopped.
var errNotRunning = errors.New("its stream has stopped")

// locally is the local recogniser: the decoder of a picture's stream looks at it, and the gallery names whom it sees.
type locally struct {
	decoders *decoders
	source   string
	names    *gallery.Gallery // nil where nobody can be named
}

// Recognize implements vision.Recognizer.
func (l *locally) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	if p.Sight != nil && l.source == timeline.SourceONNX {
		return p.Sight.Answer(l.source), nil
	}
	l.decoders.mu.Lock()
	c := l.decoders.byName[p.Media]
	l.decoders.mu.Unlock()
	if c == nil {
		return vision.Answer{}, fmt.Errorf("look at a picture of %q: %w", p.Media, errNotRunning)
	}
	s, err := c.See(ctx, p)
	if err != nil {
		return vision.Answer{}, err
	}
	for i := range s.Faces {
		f := &s.Faces[i]
		if l.names == nil || f.Embedding == nil {
			continue
		}
		if who, _, ok := l.names.Name(f.Embedding); ok {
			f.Who = who
		}
	}
	return s.Answer(l.source), nil
}

// causeOf returns, for the metrics, how a decoder ended.
func causeOf(how error) string {
	switch {
	case errors.Is(how, apart.ErrMemory):
		return "memory"
	case errors.Is(how, apart.ErrHung), errors.Is(how, apart.ErrSlow):
		return "hung"
	}
	return "crashed"
}
