//go:build nocv

package classic

import (
	"context"
	"errors"
	"fmt"

	"spotter/vision"
)

var errLeftOut = errors.New("this program was built without OpenCV (tag nocv); set vision.local.recognizer to onnx")

// Recognizer cannot be made in a program built without OpenCV.
type Recognizer struct{}

// New fails with vision.ErrPermanent, because the program was built without OpenCV.
func New(string) (*Recognizer, error) {
	return nil, fmt.Errorf("load cascades: %w: %w", vision.ErrPermanent, errLeftOut)
}

// Recognize fails as New does.
func (r *Recognizer) Recognize(context.Context, vision.Picture) (vision.Answer, error) {
	return vision.Answer{}, fmt.Errorf("find faces: %w: %w", vision.ErrPermanent, errLeftOut)
}

// Close does nothing.
func (r *Recognizer) Close() error { return nil }
