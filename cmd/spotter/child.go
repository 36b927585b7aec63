package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/capture/opencv"
	"spotter/models"
	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/local"
)

// decoderCommand is the command line of the decoder's process, which only Spotter itself starts.
const decoderCommand = "decoder"

// decoderSetup is what a decoder's process is told to open.
type decoderSetup struct {
	Local     *localConfig // nil: nothing looks at pictures
	DataDir   string
	Library   string // of ONNX Runtime
	NoLibrary string // why there is none
}

// decoderGreeting is what it says of what it has opened.
type decoderGreeting struct {
	Source     string  // of its answers; empty where nothing looks at pictures
	Why        string  // that source
	Looks      bool    // at every sampled picture
	FindsFaces bool    //
	Threshold  float64 // from which two faces are one person; 0 where it cannot tell faces apart
	Nameless   string  // why it cannot
}

// decodeApart is the decoder's process. It returns its exit code.
func decodeApart(stderr io.Writer) int {
	conn, err := apart.Confine()
	if err == nil {
		err = apart.Serve(context.Background(), conn, openWork)
	}
	if err != nil {
		fmt.Fprintf(stderr, "spotter %s: %v\n", decoderCommand, err)
		return exitFailed
	}
	return exitDone
}

// working is what a decoder's process has opened.
type working struct {
	decoder  *opencv.Decoder
	refusal  error // why there is no decoder
	greeting decoderGreeting
	see      func(context.Context, vision.Picture) (vision.Sight, error)
	close    []func() error
}

func openWork(setup []byte) (*apart.Work, error) {
	var s decoderSetup
	if err := json.Unmarshal(setup, &s); err != nil {
		return nil, fmt.Errorf("read what to open: %w", err)
	}
	w := &working{}
	if w.decoder, w.refusal = opencv.New(); w.refusal == nil {
		w.close = append(w.close, w.decoder.Close)
	} else if !errors.Is(w.refusal, opencv.ErrUnavailable) {
		return nil, w.refusal
	}
	if s.Local != nil {
		if err := w.openLocal(&s); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	greeting, err := json.Marshal(w.greeting)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &apart.Work{Decode: w.decode, See: w.see, SeeAll: w.greeting.Looks, Greeting: greeting, Close: w.Close}, nil
}

// Close frees what was opened.
func (w *working) Close() error {
	var failed []error
	for i := len(w.close) - 1; i >= 0; i-- {
		failed = append(failed, w.close[i]())
	}
	return errors.Join(failed...)
}

// decode is apart.Work's Decode by OpenCV.
func (w *working) decode(ctx context.Context, job capture.Job, gate apart.Gate, beat func(), emit func(apart.Sample) error) error {
	if w.refusal != nil {
		return w.refusal
	}
	w.decoder.Beat = beat
	err := w.decoder.Decode(ctx, job, gate, func(s opencv.Sample) error { return emit(apart.Sample(s)) })
	if errors.Is(err, opencv.ErrDecode) {
		return fmt.Errorf("%w%w", blank{apart.ErrDecode}, err)
	}
	return err
}

// blank is an error that adds no words to those of another.
type blank struct{ error }

func (blank) Error() string   { return "" }
func (b blank) Unwrap() error { return b.error }

// openLocal opens the neural models, or OpenCV's cascades where auto finds the models or their library missing.
func (w *working) openLocal(s *decoderSetup) error {
	l := s.Local
	if l.Recognizer != "classic" {
		err := w.openONNX(s)
		if err == nil {
			w.greeting.Source, w.greeting.Why = "onnx", l.Objects+" on ONNX Runtime"
			return nil
		}
		if l.Recognizer == "onnx" || errors.Is(err, onnx.ErrProvider) { // an accelerator is asked for by name
			return err
		}
		w.greeting.Why = fmt.Sprintf("OpenCV's cascades, because of the models: %v", err)
	} else {
		w.greeting.Why = "OpenCV's cascades, as configured"
	}
	k, err := classic.New(classic.DefaultFolder)
	if err != nil {
		return err
	}
	w.greeting.Source, w.close = "classic", append(w.close, k.Close)
	w.see = func(ctx context.Context, p vision.Picture) (vision.Sight, error) {
		a, err := k.Recognize(ctx, p)
		return vision.Sight{Objects: a.Objects}, err
	}
	return nil
}

// openONNX opens the objects' model and, where their models are in place, what tells faces apart. Without that there are
// still objects; but where the configuration insists on these models, one that is altered is an error.
func (w *working) openONNX(s *decoderSetup) error {
	n := &networks{config: &config{DataDir: s.DataDir, Vision: visionConfig{Local: *s.Local}}, library: func() (string, error) {
		if s.Library == "" {
			return "", errors.New(s.NoLibrary)
		}
		return s.Library, nil
	}}
	objects, err := n.objects()
	if err != nil {
		return errors.Join(err, n.Close())
	}
	finder, identity, _, err := n.faceNetworks()
	if err != nil {
		if s.Local.Recognizer == "onnx" && !errors.Is(err, models.ErrMissing) {
			return errors.Join(err, n.Close())
		}
		w.greeting.Nameless = err.Error()
	}
	w.close = append(w.close, n.Close)
	w.greeting.Looks, w.greeting.FindsFaces = true, finder != nil
	if identity != nil {
		w.greeting.Threshold = identity.Threshold()
	}
	w.see = local.NewRecognizer(objects, finder, identity, nil).See
	return nil
}

// isDecoder reports whether the program was started as a decoder's process.
func isDecoder(args []string) bool { return len(args) == 2 && args[1] == decoderCommand }

// setupFor returns what the decoders of a configuration are told to open, and what they may read.
func setupFor(c *config, looks bool) (setup []byte, readable []string, err error) {
	s := decoderSetup{DataDir: c.DataDir}
	if looks {
		s.Local = &c.Vision.Local
		readable = append(c.modelFiles(), c.modelsDir(), classic.DefaultFolder)
		if s.Library, err = findONNX(); err != nil {
			s.NoLibrary = err.Error()
		} else {
			readable = append(readable, resolved(s.Library))
		}
	}
	setup, err = json.Marshal(s)
	return setup, readable, err
}

// modelFiles returns where the configured models really are: a file in the models' folder may be a link.
func (c *config) modelFiles() (files []string) {
	l := c.Vision.Local
	for _, name := range []string{l.Objects, l.Faces, l.Identities} {
		if m, err := models.Find(name); err == nil {
			files = append(files, resolved(models.Path(c.modelsDir(), m)))
		}
	}
	return files
}

// resolved returns the file that a path leads to, or the path where that is not to be found.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
