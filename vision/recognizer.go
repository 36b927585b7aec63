// Package vision owns what is done with a picture: the gate that decides which pictures are worth asking about, the
// recognisers' common interface and the rules of budget and fallback around it, the one vocabulary of object names,
// and the observer that turns answers into observations. It is plain Go.
package vision

import (
	"context"
	"errors"
	"image"

	"spotter/timeline"
)

// Picture is one decoded picture in Go memory. It must not be changed.
type Picture struct {
	// Small is the picture scaled down to at most 640 pixels on its longer side; never nil.
	Small *image.RGBA
	// JPEG is the picture at full size.
	JPEG []byte
	// Width and Height are the full size in pixels.
	Width, Height int
}

// Answer is who and what a recogniser sees in one picture, each name once, most confident first.
type Answer struct {
	// Source is one of the timeline's sources.
	Source      string
	Celebrities []timeline.Entity
	Objects     []timeline.Entity
}

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
