// Package apart owns the decoder's process: hostile media is taken apart, decoded and looked at by models in a confined
// child of this program, one a stream. Process and Keeper start it; Client asks it, from this side of a socket pair; Host
// answers, on the other. Whatever a child says is checked before it is believed, and none outlives its parent.
//
// Messages are framed by length (message.go). A child keeps nothing that a new one would miss, so one that crashed,
// hangs or talks nonsense is replaced at any time, and what it was at is tried once more.
package apart

import (
	"context"
	"errors"
	"image"

	"spotter/capture"
	"spotter/timeline"
)

// ErrDecode is wrapped when the decoder works but cannot decode a job's pictures.
var ErrDecode = errors.New("pictures cannot be decoded")

// Gate decides, of each sampled picture in order, whether its full size is wanted. small belongs to the caller and changes
// afterwards.
type Gate interface {
	Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool
}

// Sample is one picture that was looked at.
type Sample struct {
	Position timeline.Position
	// Frame is the picture where the gate admitted it, else nil.
	Frame *capture.Frame
}
