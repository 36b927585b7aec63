// Package gatebench owns the measurement of the gate: streams of known content, other ways to choose what is asked
// about, and how well each choice does.
package gatebench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/image/draw"

	"spotter/timeline"
)

// Frame is one sampled picture of a stream: there is one a second.
type Frame struct {
	At timeline.Position
	// Small is the picture at no more than 640 pixels on its longer side.
	Small *image.RGBA
	// JPEG is the picture at full size, of Width by Height pixels.
	JPEG          []byte
	Width, Height int
	// Key is the JPEG's hash, by which what was computed of the frame is found again.
	Key [sha256.Size]byte
	// Hash and Sharpness are those of Small.
	Hash      uint64
	Sharpness float64
}

// Picture is the number of the frame's picture in a stream of so many pictures a second.
func (f *Frame) Picture(rate float64) int { return int(math.Round(f.At.Seconds() * rate)) }

// Stream is a recording whose content is known.
type Stream struct {
	Name string
	// Video is the path of the recording.
	Video string
	// Rate is how many pictures a second it has, Pictures how many in all.
	Rate     float64
	Pictures int
	Frames   []Frame
	// Truth is what is on screen by construction; nil where that is not known.
	Truth *Reference
	// Cuts are where shots change by construction.
	Cuts []Transition
}

const (
	smallSide = 640
	quality   = 92 // of the JPEG that a recogniser gets
)

// onceASecond is ffmpeg's select expression for the first picture of every second.
const onceASecond = "isnan(prev_selected_t)+gte(floor(t+0.0005),floor(prev_selected_t+0.0005)+1)"

// Sample reads the frames of s from its video, and how many pictures it has.
func (s *Stream) Sample(ctx context.Context) error {
	v, err := probe(ctx, s.Video)
	if err != nil {
		return err
	}
	s.Rate, s.Pictures, s.Frames = v.rate, v.pictures, nil
	return decode(ctx, s.Video, "select='"+onceASecond+"'", v.size, func(n int, full *image.RGBA) error {
		// The first picture of the second: positions are counted from the first picture.
		at := math.Ceil(float64(n)*v.rate-0.01) / v.rate
		f := Frame{
			At: timeline.Position(math.Round(at * 1000)), Small: shrink(full), Width: v.size.X, Height: v.size.Y,
		}
		var encoded bytes.Buffer
		if err := jpeg.Encode(&encoded, full, &jpeg.Options{Quality: quality}); err != nil {
			return fmt.Errorf("encode frame: %w", err)
		}
		f.JPEG = encoded.Bytes()
		f.Key, f.Hash, f.Sharpness = sha256.Sum256(f.JPEG), PerceptualHash(f.Small), Sharpness(f.Small)
		s.Frames = append(s.Frames, f)
		return nil
	})
}

// Pictures gives fn every picture of a video in turn, at no more than 640 pixels on its longer side. The picture is
// fn's only during the call.
func Pictures(ctx context.Context, video string, fn func(n int, at timeline.Position, small *image.RGBA) error) error {
	v, err := probe(ctx, video)
	if err != nil {
		return err
	}
	size := smaller(v.size)
	return decode(ctx, video, fmt.Sprintf("scale=%d:%d", size.X, size.Y), size, func(n int, m *image.RGBA) error {
		return fn(n, timeline.Position(math.Round(float64(n)/v.rate*1000)), m)
	})
}

// smaller returns a size of the same shape with no side over 640 pixels, both even.
func smaller(size image.Point) image.Point {
	if long := max(size.X, size.Y); long > smallSide {
		size = image.Pt(size.X*smallSide/long, size.Y*smallSide/long)
	}
	return image.Pt(size.X&^1, size.Y&^1)
}

func shrink(m *image.RGBA) *image.RGBA {
	to := image.NewRGBA(image.Rectangle{Max: smaller(m.Rect.Size())})
	draw.BiLinear.Scale(to, to.Rect, m, m.Rect, draw.Src, nil)
	return to
}

type video struct {
	size     image.Point
	rate     float64
	pictures int
}

// probe reads size, rate and number of pictures of a video's first stream.
func probe(ctx context.Context, path string) (v video, err error) {
	out, err := output(exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
		"-show_entries", "stream=width,height,r_frame_rate,nb_read_packets", "-of", "default=noprint_wrappers=1", path))
	if err != nil {
		return v, fmt.Errorf("probe %s: %w", path, err)
	}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "width":
			v.size.X, err = strconv.Atoi(value)
		case "height":
			v.size.Y, err = strconv.Atoi(value)
		case "nb_read_packets":
			v.pictures, err = strconv.Atoi(value)
		case "r_frame_rate":
			v.rate, err = ratio(value)
		}
		if err != nil {
			return v, fmt.Errorf("probe %s: %s=%s: %w", path, key, value, err)
		}
	}
	if v.size.X == 0 || v.size.Y == 0 || !(v.rate > 0) {
		return v, fmt.Errorf("probe %s: no video", path)
	}
	return v, nil
}

// ratio reads a fraction such as 30000/1001.
func ratio(s string) (float64, error) {
	over, under, _ := strings.Cut(s, "/")
	a, err := strconv.ParseFloat(over, 64)
	if err != nil || under == "" {
		return a, err
	}
	b, err := strconv.ParseFloat(under, 64)
	return a / b, err
}
