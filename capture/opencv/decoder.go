//go:build !nocv

package opencv

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"spotter/capture"
)

// OpenCV's FFmpeg backend is configured by the environment of the process alone. This package is the only one that
// opens videos, so it sets these once, when the first Decoder is made:
//
//   - codec_whitelist keeps the format prober from decoding the first keyframe a second time, which for a segment with
//     one keyframe is half of all the work. The prober needs it only to learn what our own MP4 header already says; the
//     decoder proper is opened by OpenCV itself and is not bound by the list.
//   - a quiet log level, because the prober reports each refusal, and hostile streams each of their faults.
const (
	captureOptionsVariable = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
	captureOptions         = "codec_whitelist;none"
	logLevelVariable       = "OPENCV_FFMPEG_LOGLEVEL"
	logLevelQuiet          = "-8" // AV_LOG_QUIET
)

// Decoder decodes the jobs of one stream. It is used by one goroutine at a time.
type Decoder struct {
	file  *os.File // in memory; gone with the process
	path  string
	full  gocv.Mat
	small gocv.Mat
	rgba  gocv.Mat
	pix   *image.RGBA
}

// New returns a decoder; Close frees it.
func New() (*Decoder, error) {
	if err := errors.Join(os.Setenv(captureOptionsVariable, captureOptions), os.Setenv(logLevelVariable, logLevelQuiet)); err != nil {
		return nil, fmt.Errorf("configure OpenCV: %w", err)
	}
	fd, err := unix.MemfdCreate("spotter-pictures", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	return &Decoder{
		file:  os.NewFile(uintptr(fd), "spotter-pictures"),
		path:  fmt.Sprintf("/proc/self/fd/%d", fd),
		full:  gocv.NewMat(),
		small: gocv.NewMat(),
		rgba:  gocv.NewMat(),
	}, nil
}

// Close frees the decoder's memory.
func (d *Decoder) Close() error {
	return errors.Join(d.full.Close(), d.small.Close(), d.rgba.Close(), d.file.Close())
}

// Decode decodes a job, shows its pictures to the gate in order and emits a sample for each. It stops at the first
// error of emit and when ctx is done. Pictures that cannot be decoded are left out; the returned error, which wraps
// ErrDecode, then says how many, after all others were emitted.
func (d *Decoder) Decode(ctx context.Context, job capture.Job, gate Gate, emit func(Sample) error) error {
	lost := 0
	for len(job.Runs) > 0 {
		n := sameParams(job.Runs)
		l, err := d.runs(ctx, job, job.Runs[:n], gate, emit)
		if err != nil {
			return err
		}
		lost += l
		job.Runs = job.Runs[n:]
	}
	if lost > 0 {
		return fmt.Errorf("%w: %d lost of this segment", ErrDecode, lost)
	}
	return nil
}

// sameParams returns how many runs from the first on share their parameter sets, so that one file holds them.
func sameParams(runs []capture.Run) int {
	n := 1
	for n < len(runs) && equalSets(runs[0].Params, runs[n].Params) {
		n++
	}
	return n
}

// runs decodes consecutive runs with the same parameter sets by one opening. It returns how many pictures were lost.
func (d *Decoder) runs(ctx context.Context, job capture.Job, runs []capture.Run, gate Gate, emit func(Sample) error) (lost int, err error) {
	for _, r := range runs {
		lost += len(r.Pictures)
	}
	list, err := d.write(job.Codec, runs)
	if err != nil || len(list) == 0 {
		return lost, nil // nothing of it is readable
	}
	video, err := gocv.VideoCaptureFileWithAPI(d.path, gocv.VideoCaptureFFmpeg)
	if video != nil {
		defer video.Close()
	}
	if err != nil {
		return lost, nil
	}
	shown := 0 // pictures that OpenCV has handed out, of those in list
	for i := range list {
		if list[i].wanted == nil {
			continue
		}
		if ctx.Err() != nil {
			return lost, ctx.Err()
		}
		if i < shown {
			continue // a later picture came in its place
		}
		video.Grab(i - shown)
		if !video.Read(&d.full) || d.full.Empty() {
			return lost, nil
		}
		got := nearest(list, video.Get(gocv.VideoCapturePosMsec))
		shown = got + 1
		if got < i { // the decoder showed a picture more than expected: go on to the wanted one
			for got < i && video.Read(&d.full) && !d.full.Empty() {
				got = nearest(list, video.Get(gocv.VideoCapturePosMsec))
			}
			shown = got + 1
		}
		s, err := d.look(list[i].at(list[got]), gate)
		if err != nil {
			return lost, err
		}
		lost--
		if err := emit(s); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// nearest returns which of the pictures, sorted by time, is shown at ms milliseconds after the first.
func nearest(list []picture, ms float64) int {
	best := 0
	for i := range list {
		if math.Abs(list[i].ms()-ms) < math.Abs(list[best].ms()-ms) {
			best = i
		}
	}
	return best
}
