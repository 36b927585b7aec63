package gatebench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"os/exec"
	"slices"
	"strconv"
)

// Rate is how many pictures a second a made stream has.
const Rate = 25

// madeSize is the size of a made stream's pictures.
var madeSize = image.Pt(960, 540)

// Source draws picture n of the n that a shot has into to, all of it.
type Source interface {
	Draw(to *image.RGBA, n, of int) error
}

// Effect changes picture n of a shot.
type Effect func(to *image.RGBA, n int)

// Shot is one shot of a made stream.
type Shot struct {
	Source   Source
	Pictures int
	// Mix is over how many of its first pictures the shot before dissolves into it; 0 is a cut.
	Mix int
	// Goes says that it goes on from the shot before: no viewer sees where.
	Goes bool
	// Shows is who and what is on screen.
	Shows   Answer
	Effects []Effect
	// Blind reports whether picture n does not show it for the moment, as in a flash. It may be nil.
	Blind func(n int) bool
}

// Recipe is a stream to be made.
type Recipe struct {
	Name  string
	Shots []Shot
}

// Transition is where one shot gives way to the next: the numbers of the first and last pictures that are not wholly of
// the old shot and not wholly of the new; both are the new shot's first picture where it is a cut.
type Transition struct{ From, Until int }

// At returns the transitions that are cuts at the given pictures.
func At(pictures ...int) []Transition {
	var list []Transition
	for _, n := range pictures {
		list = append(list, Transition{n, n})
	}
	return list
}

// Cuts returns where the recipe's shots change.
func (r *Recipe) Cuts() []Transition {
	list := []Transition{}
	at := 0
	for i, s := range r.Shots {
		if i > 0 && !s.Goes {
			list = append(list, Transition{at, at + max(0, s.Mix-1)})
		}
		at += s.Pictures
	}
	return list
}

// Pictures returns how many pictures the stream has.
func (r *Recipe) Pictures() (n int) {
	for _, s := range r.Shots {
		n += s.Pictures
	}
	return n
}

// clear is the least share of a dissolve in which a shot can be made out.
const clear = 0.8

// Truth returns what the recipe shows in the first picture of every second; nil where it does not say of any shot.
func (r *Recipe) Truth() *Reference {
	if !slices.ContainsFunc(r.Shots, func(s Shot) bool { return len(s.Shows.Celebrities)+len(s.Shows.Objects) > 0 }) {
		return nil
	}
	t := &Reference{Name: "truth"}
	for n := 0; n < r.Pictures(); n += Rate {
		due, seen := r.at(n)
		t.Due, t.Answers = append(t.Due, due), append(t.Answers, seen)
	}
	return t
}

// at returns what is due at picture n, and what can be made out in it.
func (r *Recipe) at(n int) (due, seen Answer) {
	for i, s := range r.Shots {
		if n >= s.Pictures {
			n -= s.Pictures
			continue
		}
		mixed := mix(&s, n)
		if due = s.Shows; mixed < 0.5 {
			due = r.Shots[i-1].Shows
		}
		if mixed > 1-clear && mixed < clear || s.Blind != nil && s.Blind(n) {
			return due, Answer{}
		}
		return due, due
	}
	return due, seen
}

// mix returns the share of the shot in its picture n, the rest being of the shot before.
func mix(s *Shot, n int) float64 { return min(1, float64(n+1)/float64(s.Mix+1)) }

// Make encodes the stream into an MP4 file.
func (r *Recipe) Make(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba",
		"-s", fmt.Sprintf("%dx%d", madeSize.X, madeSize.Y), "-r", strconv.Itoa(Rate), "-i", "-",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", strconv.Itoa(2*Rate), "-pix_fmt", "yuv420p",
		"-threads", "2", "-f", "mp4", path)
	var said bytes.Buffer
	cmd.Stderr = &said
	to, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("encode %s: %w", r.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("encode %s: %w", r.Name, err)
	}
	drawErr := r.draw(to)
	to.Close()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("encode %s: %w: %s", r.Name, err, said.String())
	}
	return drawErr
}

// draw writes the raw pictures.
func (r *Recipe) draw(w io.Writer) error {
	to := bufio.NewWriterSize(w, 1<<20)
	now, before := image.NewRGBA(image.Rectangle{Max: madeSize}), image.NewRGBA(image.Rectangle{Max: madeSize})
	for i, s := range r.Shots {
		for n := range s.Pictures {
			if err := s.draw(now, n); err != nil {
				return fmt.Errorf("draw %s, shot %d: %w", r.Name, i, err)
			}
			if n < s.Mix && i > 0 { // the shot before runs on underneath
				old := r.Shots[i-1]
				if err := old.draw(before, old.Pictures+n); err != nil {
					return fmt.Errorf("draw %s, shot %d: %w", r.Name, i-1, err)
				}
				blend(now, before, mix(&s, n))
			}
			if _, err := to.Write(now.Pix); err != nil {
				return fmt.Errorf("draw %s: %w", r.Name, err)
			}
		}
	}
	return to.Flush()
}

func (s *Shot) draw(to *image.RGBA, n int) error {
	if err := s.Source.Draw(to, n, s.Pictures); err != nil {
		return err
	}
	for _, effect := range s.Effects {
		effect(to, n)
	}
	return nil
}

// blend leaves in to only the given share of it, and for the rest what is in from.
func blend(to, from *image.RGBA, of float64) {
	a := int(math.Round(of * 256))
	for i, p := range from.Pix {
		to.Pix[i] = uint8((int(to.Pix[i])*a + int(p)*(256-a)) >> 8)
	}
}

// names returns the answer that has these celebrities alone.
func names(list ...string) Answer { return Answer{Celebrities: slices.Clone(list)} }
