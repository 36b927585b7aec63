//go:build nocv

package opencv

import (
	"context"

	"spotter/capture"
)

// Decoder stands for the decoder in programs without OpenCV.
type Decoder struct {
	Beat func() // never called
}

// New returns ErrUnavailable.
func New() (*Decoder, error) { return nil, ErrUnavailable }

// Close does nothing.
func (d *Decoder) Close() error { return nil }

// Decode returns ErrUnavailable.
func (d *Decoder) Decode(context.Context, capture.Job, Gate, func(Sample) error) error {
	return ErrUnavailable
}
