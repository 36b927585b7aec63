// Package opencv owns the decoding of pictures: it gives the access units of a capture.Job to OpenCV, shows each
// wanted picture to a gate, and encodes those that are admitted. No Mat leaves it.
package opencv

import (
	"context"
	"errors"
	"image"

	"spotter/capture"
	"spotter/timeline"
)

// SmallSide is the longer side, in pixels, of the small picture that the gate and local models see.
const SmallSide = 640

var (
	// ErrUnavailable is returned where the program was built without OpenCV.
	ErrUnavailable = errors.New("built without OpenCV: build without the tag nocv")
	// ErrDecode is wrapped when OpenCV cannot decode a job's pictures.
	ErrDecode = errors.New("pictures cannot be decoded")
)

// Gate decides, while the full picture is still at hand, whether it shows something new.
type Gate interface {
	// Admit is called for every sampled picture in order; small belongs to the caller and changes afterwards.
	Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool
}

// Sample is one picture that was looked at.
type Sample struct {
	Position timeline.Position
	// Frame is the picture where the gate admitted it, else nil.
	Frame *capture.Frame
}
