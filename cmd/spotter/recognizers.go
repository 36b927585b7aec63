package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"spotter/models"
	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/local"
	"spotter/vision/rekognition"
)

// objectModels are the values of vision.local.objects, with the side in pixels of each network's input.
func objectSides() map[string]int {
	return map[string]int{"yolox-nano": 416, "yolox-s": 640}
}

func objectModels() []string {
	var names []string
	for name := range objectSides() {
		names = append(names, name)
	}
	return names
}

// recognizers are the recogniser that the configuration asks for and what has to be closed after it.
type recognizers struct {
	vision.Recognizer
	local   string          // source of local answers, empty where none are used
	why     string          // why local answers come from there
	limited *vision.Limited // the cloud's budget, nil without the cloud
	close   []func() error
}

// newRecognizers builds what the configuration asks for. onFault hears of what the cloud failed at.
func newRecognizers(ctx context.Context, c *config, onFault func(error)) (*recognizers, error) {
	r := &recognizers{}
	mode := vision.Mode(c.Vision.Mode)
	if c.Vision.Rekognition == nil && mode != vision.CloudOnly {
		mode = vision.LocalOnly // no AWS section: the box runs by itself
	}
	var here, cloud vision.Recognizer
	var err error
	if mode.UsesLocal() {
		if here, err = r.openLocal(c); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	deadline := c.deadline()
	if mode.UsesCloud() {
		if cloud, err = r.openCloud(ctx, c.Vision.Rekognition); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	if r.Recognizer, err = vision.NewFallback(mode, cloud, here, deadline, onFault); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close frees models and libraries.
func (r *recognizers) Close() error {
	var failed []error
	for i := len(r.close) - 1; i >= 0; i-- {
		failed = append(failed, r.close[i]())
	}
	return errors.Join(failed...)
}

func (r *recognizers) openCloud(ctx context.Context, c *rekognitionConfig) (vision.Recognizer, error) {
	cloud, err := rekognition.New(ctx, rekognition.Config{Region: c.Region, MaxLabels: c.MaxLabels, MinConfidence: c.MinConfidence})
	if err != nil {
		return nil, fmt.Errorf("open Rekognition: %w", err)
	}
	r.limited = vision.Limit(cloud, vision.Budget{
		CallsPerSecond:  c.CallsPerSecond,
		CallsPerPicture: rekognition.CallsPerPicture,
		USDPerHour:      c.USDPerHour,
		USDPerPicture:   rekognition.USDPerPicture,
	})
	return r.limited, nil
}

// openLocal opens the neural models, or OpenCV's cascades where auto finds the models or their library missing.
func (r *recognizers) openLocal(c *config) (vision.Recognizer, error) {
	l := c.Vision.Local
	if l.Recognizer != "classic" {
		y, err := r.openONNX(c)
		if err == nil {
			r.local, r.why = "onnx", l.Objects+" on ONNX Runtime"
			return y, nil
		}
		if l.Recognizer == "onnx" {
			return nil, err
		}
		r.why = fmt.Sprintf("OpenCV's cascades, because of the models: %v", err)
	} else {
		r.why = "OpenCV's cascades, as configured"
	}
	k, err := classic.New(classic.DefaultFolder)
	if err != nil {
		return nil, err
	}
	r.local, r.close = "classic", append(r.close, k.Close)
	return k, nil
}

func (r *recognizers) openONNX(c *config) (vision.Recognizer, error) {
	m, err := models.Find(c.Vision.Local.Objects)
	if err != nil {
		return nil, err
	}
	if err := models.Verify(c.modelsDir(), m); err != nil {
		return nil, err
	}
	library, err := findONNX()
	if err != nil {
		return nil, err
	}
	runtime, err := onnx.Open(library)
	if err != nil {
		return nil, err
	}
	net, err := runtime.Load(models.Path(c.modelsDir(), m), 1)
	if err != nil {
		return nil, errors.Join(err, runtime.Close())
	}
	r.close = append(r.close, runtime.Close, net.Close)
	return local.NewYOLOX(net, objectSides()[m.Name], c.Vision.Local.MinConfidence), nil
}

// findONNX returns the path of ONNX Runtime's library.
func findONNX() (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(executable); err == nil {
		executable = real
	}
	return onnx.Find(onnx.Places(executable)...)
}

// log says which recognisers are in use.
func (r *recognizers) log(log *slog.Logger, c *config) {
	if r.local != "" {
		log.Info("local recogniser", "source", r.local, "is", r.why)
	}
	if r.limited != nil {
		k := c.Vision.Rekognition
		log.Info("cloud recogniser", "source", "rekognition", "mode", c.Vision.Mode, "usd_per_hour", k.USDPerHour, "deadline", k.Deadline)
	}
}

func (c *config) modelsDir() string { return filepath.Join(c.DataDir, "models") }
