package local

import (
	"context"
	"image"
	"math"
)

// Point is a place in a picture, in parts of its width and height: 0, 0 is the top left pixel and 1, 1 lies one pixel
// past the bottom right one. It may lie outside where a face is cut by the edge.
type Point struct{ X, Y float64 }

// Face is one face in a picture.
type Face struct {
	Box Box
	// Confidence is 0 to 100 with one decimal.
	Confidence float64
	// Landmarks are the right eye, the left eye, the nose, and the right and the left corner of the mouth, right and
	// left as the person has them. All are zero where the model gives none.
	Landmarks [5]Point
}

// DefaultMinFaceConfidence is the confidence, 0 to 100, below which a YuNet or UltraFace reading is not called a face.
// YuNet gives the faces of press photos 92 to 95, and 76 to 88 where they are 12 pixels wide; what it gives less than 70 on
// short_hamilton_clip.mp4 and one-by-one-person-detection.mp4 is out of focus, cut off or no face.
const DefaultMinFaceConfidence = 70

// FaceFinder finds faces, most confident first. It may be used from several goroutines. YuNet and UltraFace are ones.
type FaceFinder interface {
	Find(ctx context.Context, img *image.RGBA) ([]Face, error)
}

// hasLandmarks reports whether the model that found f gives landmarks.
func (f *Face) hasLandmarks() bool { return f.Landmarks != [5]Point{} }

// percent returns a score of 0 to 1 as a confidence, with one decimal.
func percent(score float64) float64 { return math.Round(min(max(score, 0), 1)*1000) / 10 }
