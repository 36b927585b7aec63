//go:build !nocv

package opencv

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"sync"

	"gocv.io/x/gocv"
	"golang.org/x/sys/unix"

	"spotter/capture"
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

// configure does it once: setting the environment while another decoder reads it is not safe.
var configure = sync.OnceValue(func() error {
	keepMemory()
	return errors.Join(os.Setenv(captureOptionsVariable, captureOptions), os.Setenv(logLevelVariable, logLevelQuiet))
})

// Decoder decodes the jobs of one stream. It is used by one goroutine at a time.
type Decoder struct {
	// Beat, where set, is called for every picture that is decoded, wanted or not: a sign that decoding goes on. Set it
	// before Decode.
	Beat func()

	file *os.File // in memory; gone with the process
	path string
	held int // bytes of full pictures that may wait, beside the first

	full   gocv.Mat
	spare  gocv.Mat // memory for the next full picture while pictures wait
	square gocv.Mat // the full picture with square samples
	turned gocv.Mat
	half   gocv.Mat
	small  gocv.Mat
	rgba   gocv.Mat

	tone *toneMap
	pix  *image.RGBA
}

// heldBytes is ten pictures of 1080p.
const heldBytes = 64 << 20

// New returns a decoder; Close frees it.
func New() (*Decoder, error) {
	if err := configure(); err != nil {
		return nil, fmt.Errorf("configure OpenCV: %w", err)
	}
	fd, err := unix.MemfdCreate("spotter-pictures", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	d := &Decoder{
		file: os.NewFile(uintptr(fd), "spotter-pictures"),
		path: fmt.Sprintf("/proc/self/fd/%d", fd),
		held: heldBytes,
	}
	for _, m := range d.mats() {
		*m = gocv.NewMat()
	}
	return d, nil
}

func (d *Decoder) mats() []*gocv.Mat {
	return []*gocv.Mat{&d.full, &d.spare, &d.square, &d.turned, &d.half, &d.small, &d.rgba}
}

// Close frees the decoder's memory.
func (d *Decoder) Close() error {
	err := d.file.Close()
	for _, m := range d.mats() {
		err = errors.Join(err, m.Close())
	}
	return err
}

// Decode decodes a job, shows its pictures to the gate in order and emits a sample for each. It stops at the first
// error of emit and when ctx is done. Pictures that cannot be decoded are left out; the returned error, which wraps
// ErrDecode, then says how many and why, after all others were emitted.
func (d *Decoder) Decode(ctx context.Context, job capture.Job, gate Gate, emit func(Sample) error) error {
	var reason error
	lost, alone := 0, false
	for runs := job.Runs; len(runs) > 0; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := 1
		if !alone {
			n = min(together(runs), max(1, d.held/max(1, fullBytes(job.Codec, runs[0].Params))))
		}
		list, n, err := d.write(job.Codec, runs[:n])
		if err != nil {
			list, reason = nil, err
		}
		shape := runs[0].Shape
		see := func(at timeline.Position) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s, err := d.look(ctx, at, shape, gate)
			if err != nil {
				return err
			}
			return emit(s)
		}
		seen, told, err := d.show(list, n > 1, see)
		if err != nil {
			return err
		}
		if n == 1 {
			lost += len(runs[0].Pictures) - seen
			told = 1
		}
		alone = told < n // the next is missing, or may be: it is tried alone
		runs = runs[told:]
	}
	if lost == 0 {
		return nil
	}
	if reason != nil {
		return fmt.Errorf("%w: %d of this segment: %w", ErrDecode, lost, reason)
	}
	return fmt.Errorf("%w: %d of this segment are damaged", ErrDecode, lost)
}

// maxTogether bounds the pictures that show holds at once.
const maxTogether = 8

// together returns how many runs from the first on one file holds: lone keyframes of one shape with the same parameter
// sets.
func together(runs []capture.Run) int {
	n := 1
	for n < min(len(runs), maxTogether) && len(runs[0].Units) == 1 && len(runs[n].Units) == 1 &&
		runs[0].Shape == runs[n].Shape && equalSets(runs[0].Params, runs[n].Params) {
		n++
	}
	return n
}
