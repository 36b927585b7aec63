package gatebench

import (
	"context"
	"fmt"
)

// Approach is one way to spare calls.
type Approach interface {
	Name() string
	// Tell returns what it tells of each frame of a stream, and how many calls that costs: one for RecognizeCelebrities
	// and one for DetectLabels. Of r it may read the Answers to what it asks, and nothing else.
	Tell(ctx context.Context, s *Stream, r *Reference) (told []Answer, calls int, err error)
}

// Choice says whose answer to each question stands for a frame: the number of a frame, its own where it was asked about
// itself, or Nobody.
type Choice struct{ Celebrities, Objects int }

// Nobody is a choice where no answer stands.
const Nobody = -1

// Chooser decides by the pictures alone which frames are asked about.
type Chooser interface {
	Name() string
	// Choose returns a choice for each frame, and how many calls they cost.
	Choose(ctx context.Context, s *Stream) (choices []Choice, calls int, err error)
}

// Chosen is the approach that tells what a chooser chooses.
type Chosen struct{ Chooser }

// Tell implements Approach.
func (c Chosen) Tell(ctx context.Context, s *Stream, r *Reference) ([]Answer, int, error) {
	choices, calls, err := c.Choose(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	told := make([]Answer, len(choices))
	for i, choice := range choices {
		for _, n := range []int{choice.Celebrities, choice.Objects} {
			if n < Nobody || n >= len(r.Answers) {
				return nil, 0, fmt.Errorf("%s, frame %d: there is no frame %d", c.Name(), i, n)
			}
		}
		if choice.Celebrities != Nobody {
			told[i].Celebrities = r.Answers[choice.Celebrities].Celebrities
		}
		if choice.Objects != Nobody {
			told[i].Objects = r.Answers[choice.Objects].Objects
		}
	}
	return told, calls, nil
}

// Curve is one approach with its only parameter turned from end to end.
type Curve struct {
	Name      string
	Parameter string
	Settings  []Setting
	// Default is the number of the setting that the approach comes with.
	Default int
}

// Setting is an approach with its parameter at a value.
type Setting struct {
	Value string
	Approach
}

// NewCurve returns the curve of an approach at the given values, of which it comes with the usual one.
func NewCurve[T int | float64](name, parameter string, usual T, values []T, at func(T) Approach) Curve {
	c := Curve{Name: name, Parameter: parameter}
	for i, v := range values {
		if v == usual {
			c.Default = i
		}
		c.Settings = append(c.Settings, Setting{fmt.Sprint(v), at(v)})
	}
	return c
}

// mostScene is after how many seconds a scene is asked about again, by approaches that would never.
const mostScene = 30

// Every asks both questions of every so manyth frame, whatever it shows. 1 is the dense run, 4 the seed.
type Every int

// Name implements Chooser.
func (k Every) Name() string {
	if k == 1 {
		return "every second"
	}
	return fmt.Sprintf("every %d s", int(k))
}

// Choose implements Chooser.
func (k Every) Choose(_ context.Context, s *Stream) ([]Choice, int, error) {
	choices := make([]Choice, len(s.Frames))
	for i := range choices {
		from := i - i%int(k)
		choices[i] = Choice{from, from}
	}
	return choices, 2 * ((len(choices) + int(k) - 1) / int(k)), nil
}

// FixedCurve is Every at intervals of 1 to 32 s; it comes with the seed's 4 s.
func FixedCurve() Curve {
	return NewCurve("fixed interval", "seconds", 4, []int{1, 2, 3, 4, 6, 8, 12, 16, 32}, func(k int) Approach { return Chosen{Every(k)} })
}

// span is a scene: frames [from, until), and the one asked on behalf of all.
type span struct{ from, until, asked int }

// stand returns the choices for n frames where each scene's asked frame stands for it.
func stand(n int, scenes []span) []Choice {
	choices := make([]Choice, n)
	for i := range choices {
		choices[i] = Choice{Nobody, Nobody}
	}
	for _, s := range scenes {
		for i := s.from; i < s.until; i++ {
			choices[i] = Choice{s.asked, s.asked}
		}
	}
	return choices
}
