package gatebench

import (
	"fmt"
	"slices"
)

// Answer is who and what is in a picture, by name.
type Answer struct {
	Celebrities, Objects []string
	// Faces are where the recogniser says that faces are; truth by construction does not say it.
	Faces []Face
}

// Face is a face in a picture, its place in parts of the picture's width and height. Name is empty where the recogniser
// does not know whose it is.
type Face struct {
	Left, Top, Width, Height float64
	Name                     string
}

// Reference says for each frame of a stream what a viewer should be told of that second, and what the recogniser
// answers when it is asked about that very frame. They differ where a frame does not show what its shot shows: in a
// flash, or in the middle of a dissolve.
type Reference struct {
	Name    string
	Due     []Answer
	Answers []Answer
}

// Score is how well a choice did. All but Calls are entities times seconds.
type Score struct {
	Frames int // seconds of stream
	Calls  int // to RecognizeCelebrities and DetectLabels together
	Due    int // should have been told
	Told   int // was told
	Right  int // was both
}

// Judge scores what was told of each frame of a stream, at the cost of so many calls.
func Judge(r *Reference, told []Answer, calls int) (Score, error) {
	s := Score{Frames: len(told), Calls: calls}
	if len(told) != len(r.Due) {
		return s, fmt.Errorf("%d answers for %d frames", len(told), len(r.Due))
	}
	for i, a := range told {
		s.tell(a.Celebrities, r.Due[i].Celebrities)
		s.tell(a.Objects, r.Due[i].Objects)
		s.Due += len(r.Due[i].Celebrities) + len(r.Due[i].Objects)
	}
	return s, nil
}

func (s *Score) tell(told, due []string) {
	s.Told += len(told)
	for _, name := range told {
		if slices.Contains(due, name) {
			s.Right++
		}
	}
}

// Plus returns the sum of two scores.
func (s Score) Plus(o Score) Score {
	return Score{s.Frames + o.Frames, s.Calls + o.Calls, s.Due + o.Due, s.Told + o.Told, s.Right + o.Right}
}

// Recall is the share of what was due that was told, 0 to 1; 1 where nothing was due.
func (s Score) Recall() float64 { return share(s.Right, s.Due) }

// Precision is the share of what was told that was due, 0 to 1; 1 where nothing was told.
func (s Score) Precision() float64 { return share(s.Right, s.Told) }

// Cost is the calls as a share of those that asking both questions of every frame takes.
func (s Score) Cost() float64 { return share(s.Calls, 2*s.Frames) }

// Saved is the share of calls saved against asking both questions every so many seconds. It is negative where that
// would have been cheaper.
func (s Score) Saved(seconds int) float64 {
	return 1 - float64(s.Calls)*float64(seconds)/float64(max(1, 2*s.Frames))
}

func share(part, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(part) / float64(of)
}
