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
	"spotter/capture/container"
	"spotter/timeline"
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
	see := func(at timeline.Position) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s, err := d.look(at, gate)
		if err != nil {
			return err
		}
		return emit(s)
	}
	lost, alone := 0, false
	for runs := job.Runs; len(runs) > 0; {
		n := 1
		if !alone {
			n = together(runs)
		}
		seen, err := d.decode(job.Codec, runs[:n], see)
		if err != nil {
			return err
		}
		if n == 1 {
			lost += len(runs[0].Pictures) - seen
			seen = 1
		}
		alone = seen < n // the next picture is missing, or another came in its place: only alone can it be told
		runs = runs[seen:]
	}
	if lost > 0 {
		return fmt.Errorf("%w: %d of this segment", ErrDecode, lost)
	}
	return nil
}

// together returns how many runs from the first on one file holds: lone keyframes with the same parameter sets, of
// which each is shown as soon as it is read and so can be told by its time stamp.
func together(runs []capture.Run) int {
	n := 1
	for n < len(runs) && len(runs[0].Units) == 1 && len(runs[n].Units) == 1 && equalSets(runs[0].Params, runs[n].Params) {
		n++
	}
	return n
}

// decode decodes runs by one opening and shows their pictures. It returns how many it saw before one was missing.
//
// OpenCV 4.6 tells the time stamp of the access unit that it read last, not of the picture that it shows. For lone
// keyframes the two are one, and a difference means that a picture is missing. Within a run of dependent units pictures
// come in the order of their PTS, from the keyframe on; one that is missing through damage shifts those behind it by
// a picture, up to the run's end.
func (d *Decoder) decode(codec container.Codec, runs []capture.Run, see func(timeline.Position) error) (seen int, err error) {
	list, err := d.write(codec, runs)
	if err != nil || len(list) < len(runs) {
		return 0, nil //nolint:nilerr // what cannot be muxed counts as lost
	}
	video, err := gocv.VideoCaptureFileWithAPI(d.path, gocv.VideoCaptureFFmpeg)
	if video != nil { // also when it failed to open
		defer video.Close()
	}
	if err != nil {
		return 0, nil //nolint:nilerr // unreadable: lost
	}
	hidden := 0
	for _, p := range list {
		if p.wanted == nil {
			hidden++
			continue
		}
		video.Grab(hidden)
		hidden = 0
		if !video.Read(&d.full) || d.full.Empty() {
			return seen, nil
		}
		if len(runs) > 1 && math.Abs(video.Get(gocv.VideoCapturePosMsec)-p.ms()) > 1 {
			return seen, nil
		}
		if err := see(p.wanted.At); err != nil {
			return seen, err
		}
		seen++
	}
	return seen, nil
}
