package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"spotter/models/onnx"
	"spotter/vision"
)

// mediaID is what a media's id may look like: it stands in paths, keys and metrics.
var mediaID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// check adds what is wrong with the values.
func (c *config) check(f *faults) {
	if !filepath.IsAbs(c.DataDir) {
		f.add(fmt.Sprintf("%q is not an absolute path", c.DataDir), "data_dir")
	}
	c.Log.check(f)
	c.HTTP.check(f)
	seen := map[string]bool{}
	for i := range c.Media {
		m := &c.Media[i]
		m.check(f, i)
		if seen[m.ID] {
			f.add(fmt.Sprintf("%q is there twice: ids name one stream of one event", m.ID), "media", i, "id")
		}
		seen[m.ID] = true
	}
	c.Vision.check(f)
	c.checkSync(f)
	c.checkTimeline(f)
	if c.Retention.Age < time.Hour {
		f.add("keep at least 1h", "retention", "age")
	}
	if c.Retention.bytes() < leastBytes {
		f.add(fmt.Sprintf("%q is not a size such as 20GiB, of 16MiB at least", c.Retention.MaxBytes), "retention", "max_bytes")
	}
	c.Engage.check(f)
}

// leastBytes is room for a day of one busy stream.
const leastBytes = 16 << 20

// mostKeep bounds how long the face of somebody unknown is kept.
const mostKeep = 30 * 24 * time.Hour

func (v *visionConfig) check(f *faults) {
	if mode, err := vision.ParseMode(v.Mode); err != nil {
		f.add(err.Error(), "vision", "mode")
	} else if mode == vision.CloudOnly && v.Rekognition == nil {
		f.add("cloud-only needs a rekognition section", "vision", "mode")
	}
	if v.MaxScene < time.Second || v.MaxScene > 10*time.Minute {
		f.add(fmt.Sprintf("%s is not between 1s and 10m", v.MaxScene), "vision", "max_scene")
	}
	l := v.Local
	oneOf(f, l.Recognizer, []string{"auto", "onnx", "classic"}, "vision", "local", "recognizer")
	oneOf(f, l.Objects, []string{yoloxNano, yoloxTiny, yoloxS, nanodet}, "vision", "local", "objects")
	oneOf(f, l.Faces, []string{yunet, ultraface}, "vision", "local", "faces")
	oneOf(f, l.Identities, []string{sface, mobilefacenet}, "vision", "local", "identities")
	oneOf(f, l.Provider, onnx.Providers(), "vision", "local", "provider")
	percent(f, l.MinConfidence, "vision", "local", "min_confidence")
	if k := l.UnknownFaces.Keep; k != 0 && (k < time.Minute || k > mostKeep) {
		f.add(fmt.Sprintf("%s is neither 0, which keeps none, nor between 1m and 720h", k), "vision", "local", "unknown_faces", "keep")
	}
	r := v.Rekognition
	if r == nil {
		return
	}
	percent(f, r.MinConfidence, "vision", "rekognition", "min_confidence")
	if r.MaxLabels < 1 || r.MaxLabels > 1000 {
		f.add(fmt.Sprintf("%d is not between 1 and 1000", r.MaxLabels), "vision", "rekognition", "max_labels")
	}
	if r.CallsPerSecond <= 0 {
		f.add("must be above 0", "vision", "rekognition", "calls_per_second")
	}
	if r.USDPerHour <= 0 {
		f.add("must be above 0; vision.mode: local-only asks no cloud", "vision", "rekognition", "usd_per_hour")
	}
	if r.Deadline < 100*time.Millisecond || r.Deadline > time.Minute {
		f.add(fmt.Sprintf("%s is not between 100ms and 1m", r.Deadline), "vision", "rekognition", "deadline")
	}
	if n := parseBytes(r.Spool); n < 0 || n > 0 && n < leastSpool {
		f.add(fmt.Sprintf("%q is not a size such as 256MiB, of 8MiB at least, or 0", r.Spool), "vision", "rekognition", "spool")
	}
}

// leastSpool is room for one picture as large as the cloud takes.
const leastSpool = 8 << 20

func oneOf(f *faults, value string, allowed []string, path ...any) {
	if !slices.Contains(allowed, value) {
		f.add(fmt.Sprintf("%q is none of %s", value, strings.Join(allowed, ", ")), path...)
	}
}

func percent(f *faults, value float64, path ...any) {
	if !(value >= 0 && value <= 100) {
		f.add(fmt.Sprintf("%v is not between 0 and 100", value), path...)
	}
}
