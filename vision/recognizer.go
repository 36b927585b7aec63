// Package vision owns what is done with a picture: the gate that decides which pictures are worth asking about, the
// recognisers' common interface and the rules of budget and fallback around it, the one vocabulary of object names,
// and the observer that turns answers into observations. It is plain Go.
package vision

import (
	"context"
	"errors"
	"image"
	"slices"

	"spotter/timeline"
)

// Want says what is asked about a picture. Each part is a call of its own to the cloud, and is paid for by itself.
type Want uint8

// The parts of an answer.
const (
	WantCelebrities Want = 1 << iota
	WantObjects
	WantAll = WantCelebrities | WantObjects
)

// Has reports whether w includes all of part.
func (w Want) Has(part Want) bool { return w&part == part }

// Calls returns how many calls w takes, 0 to 2.
func (w Want) Calls() int { return int(w&1 + w>>1&1) }

// Picture is one decoded picture in Go memory. It must not be changed.
type Picture struct {
	// Small is the picture scaled down to at most 640 pixels on its longer side. Only the cloud can do without.
	Small *image.RGBA
	// JPEG is the picture at full size; nil where only Small is at hand.
	JPEG []byte
	// Width and Height are the full size in pixels.
	Width, Height int
	// Media is the stream's id and At the position in it. Media may be empty where nobody has to name the picture.
	Media string
	At    timeline.Position
	// Sight is what local models saw in it, where they have looked already.
	Sight *Sight
	// Want is what is asked; 0 means all. A recogniser may answer more.
	Want Want
}

// Wanted returns what is asked about the picture, never 0.
func (p *Picture) Wanted() Want {
	if p.Want == 0 {
		return WantAll
	}
	return p.Want
}

// Answer is who and what a recogniser sees in one picture, each name once, most confident first.
type Answer struct {
	// Source is one of the timeline's sources.
	Source      string
	Celebrities []timeline.Entity
	Objects     []timeline.Entity
	// Faces are those behind Celebrities and those without a name, where the recogniser says where they are.
	Faces []NamedFace
	// Places are where Objects are, as far as the recogniser says.
	Places []Place
}

// Improve returns a with the parts that better answers in the place of its own. Whom a named stays where better saw a face
// that it does not know: the gallery may.
func (a Answer) Improve(better Answer, parts Want) Answer {
	a.Source = better.Source
	if parts.Has(WantObjects) {
		a.Objects = better.Objects
	}
	if parts.Has(WantCelebrities) {
		stranger := slices.ContainsFunc(better.Faces, func(f NamedFace) bool { return f.Who.Name == "" })
		if stranger {
			a.Celebrities = Union(better.Celebrities, a.Celebrities)
		} else {
			a.Celebrities = better.Celebrities
		}
	}
	return a
}

// NamedFace is a face in the picture and whose it is. Who has no name where the recogniser knows none.
type NamedFace struct {
	Box Box
	Who timeline.Entity
}

// PartialError is an error of a recogniser that did answer a part of what was wanted, and was paid for it.
type PartialError struct {
	Answer  Answer
	Missing Want // what Answer lacks
	Err     error
}

func (e *PartialError) Error() string { return e.Err.Error() }

// Unwrap returns why the rest is missing.
func (e *PartialError) Unwrap() error { return e.Err }

// Recognizer names who and what is in a picture.
type Recognizer interface {
	// Recognize answers for one picture, until ctx is done. "Nothing to be seen" is an empty Answer, not an error.
	// An error wraps ErrPermanent when asking again cannot help until a person mends something, and ErrThrottled
	// when the recogniser asked for a slower pace; any other is transient. It may be called from several goroutines.
	Recognize(ctx context.Context, p Picture) (Answer, error)
}

var (
	// ErrPermanent is wrapped by errors that a retry cannot mend: rights, region, an unreadable picture.
	ErrPermanent = errors.New("will not work until mended")
	// ErrThrottled is wrapped when the recogniser refused for pace or for budget.
	ErrThrottled = errors.New("throttled")
)
