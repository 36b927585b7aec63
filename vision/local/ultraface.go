package local

import (
	"context"
	"fmt"
	"image"
	"sync"

	"spotter/vision"
)

const (
	ultrafaceWidth, ultrafaceHeight = 320, 240
	ultrafaceAnchors                = 4420
	// ultrafaceOverlap is the intersection over union above which two boxes are one face (UltraFace,
	// run_video_face_detect_onnx.py).
	ultrafaceOverlap = 0.3
)

// UltraFace finds faces with the network version-RFB-320 of that name, a quarter of YuNet's work. It gives no
// landmarks, so Align can only guess them from the box: it does not turn a tilted head upright, and a face seen from the
// side lies off the middle. It sees half as much detail as YuNet and misses faces below some 20 pixels in 640. It may be
// used from several goroutines.
type UltraFace struct {
	net Network
	min float32 // score, 0 to 1

	mu    sync.Mutex // guards what is reused from picture to picture
	frame letterbox
	found []candidate
}

// NewUltraFace returns a finder on a network with an input of 1x3x240x320 and the outputs scores, 1x4420x2, and boxes,
// 1x4420x4. It shows nothing below minConfidence, 0 to 100.
func NewUltraFace(net Network, minConfidence float64) *UltraFace {
	const half, scale = 127.0, 1.0 / 128
	return &UltraFace{
		net: net, min: float32(minConfidence / 100),
		frame: letterbox{
			size: image.Pt(ultrafaceWidth, ultrafaceHeight), place: stretch, rgb: true,
			mul: &[3]float32{scale, scale, scale}, add: &[3]float32{-half * scale, -half * scale, -half * scale},
		},
	}
}

// Find returns the faces in img, most confident first, without landmarks. Its errors are those of YuNet's Find.
func (u *UltraFace) Find(ctx context.Context, img *image.RGBA) ([]Face, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	outputs, err := run(ctx, u.net, &u.frame, img)
	if err != nil {
		return nil, fmt.Errorf("find faces: %w", err)
	}
	scores, boxes := bySize(outputs, 2*ultrafaceAnchors), bySize(outputs, 4*ultrafaceAnchors)
	if scores == nil || boxes == nil {
		return nil, fmt.Errorf("find faces: the model is not an UltraFace of %d by %d pixels: use version-RFB-320: %w",
			ultrafaceWidth, ultrafaceHeight, vision.ErrPermanent)
	}
	u.found = u.read(u.found[:0], scores, boxes)
	return u.faces(suppress(u.found, ultrafaceOverlap)), nil
}

// read appends every reading that reaches the least score. Of the two scores the second is that of a face; a box is
// two corners in parts of the input.
func (u *UltraFace) read(to []candidate, scores, boxes []float32) []candidate {
	for i := range ultrafaceAnchors {
		score := scores[2*i+1]
		if !(score >= u.min) { // nor when it is not a number
			continue
		}
		b := boxes[4*i:][:4]
		c := candidate{
			anchor: i, score: score,
			left: b[0] * ultrafaceWidth, top: b[1] * ultrafaceHeight,
			right: b[2] * ultrafaceWidth, bottom: b[3] * ultrafaceHeight,
		}
		if c.solid() {
			to = append(to, c)
		}
	}
	return to
}

func (u *UltraFace) faces(list []candidate) []Face {
	var faces []Face
	for _, c := range list {
		if box, ok := u.frame.box(c); ok {
			faces = append(faces, Face{Box: box, Confidence: percent(float64(c.score))})
		}
	}
	return faces
}
