// Package local owns recognition by neural models on the machine itself: how a picture is put before a network and
// how the network's numbers are read. It is plain Go; the networks come from outside.
package local

import "spotter/vision"

// Network is one loaded model with one input.
type Network interface {
	// Run feeds the network and returns its outputs, each flat and row-major. The input is read only during the call
	// and the outputs are the caller's. It may be called from several goroutines.
	Run(input []float32) (outputs [][]float32, err error)
}

// Box is a rectangle in a picture.
type Box = vision.Box

// Detection is one thing found in a picture.
type Detection struct {
	// Label is a name of the vocabulary.
	Label string
	// Confidence is 0 to 100 with one decimal.
	Confidence float64
	Box        Box
}

// DefaultMinConfidence is the confidence, 0 to 100, below which a detection is not shown. A viewer is told what is
// there, so a wrong name costs more than a late one. On Intel's sample video one-by-one-person-detection, one frame a
// second, YOLOX-nano at 50 sees a person in one second fewer than at 35, and a television that is not there in 3
// seconds of 139 instead of 38.
const DefaultMinConfidence = 50
