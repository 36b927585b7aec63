package local

import (
	"context"
	"fmt"
	"image"
	"math"
	"sync"

	"spotter/vision"
)

const (
	// yunetSize is the side of YuNet's input in pixels.
	yunetSize = 640
	// yunetOverlap is the intersection over union above which two boxes are one face (OpenCV's FaceDetectorYN).
	yunetOverlap = 0.3
)

// YuNet finds faces and their five landmarks with the network of that name (Machine Intelligence Research, 2023,
// doi:10.1007/s11633-023-1423-y), as OpenCV's FaceDetectorYN reads it. It finds faces of some 10 to 400 pixels in a
// picture of 640; a picture of much more than twice that is best shrunk before. It may be used from several
// goroutines.
type YuNet struct {
	net Network
	min float32 // score, 0 to 1

	mu    sync.Mutex // guards what is reused from picture to picture
	frame letterbox
	found []candidate
}

// NewYuNet returns a finder on a network with an input of 1x3x640x640 and the outputs cls, obj, bbox and kps for each
// of the strides 8, 16 and 32. It shows nothing below minConfidence, 0 to 100.
func NewYuNet(net Network, minConfidence float64) *YuNet {
	return &YuNet{net: net, min: float32(minConfidence / 100), frame: letterbox{size: image.Pt(yunetSize, yunetSize)}}
}

// Find returns the faces in img, most confident first. The error wraps vision.ErrPicture for a picture of less than
// 2 by 2 pixels and vision.ErrPermanent for a network that is no YuNet. A run that has begun, some milliseconds, is
// not interrupted by ctx.
func (y *YuNet) Find(ctx context.Context, img *image.RGBA) ([]Face, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	outputs, err := run(ctx, y.net, &y.frame, img)
	if err != nil {
		return nil, fmt.Errorf("find faces: %w", err)
	}
	levels, ok := yunetLevels(y.net, outputs)
	if !ok {
		return nil, fmt.Errorf("find faces: the model is not a YuNet of %d pixels: use face_detection_yunet_2023mar: %w",
			yunetSize, vision.ErrPermanent)
	}
	y.found = y.found[:0]
	for i := range levels {
		y.found = levels[i].read(y.found, y.min)
	}
	return y.faces(suppress(y.found, yunetOverlap), &levels), nil
}

// faces returns the candidates as faces, with the landmarks that the levels give for their anchors.
func (y *YuNet) faces(list []candidate, levels *[3]yunetLevel) []Face {
	var faces []Face
	for _, c := range list {
		box, ok := y.frame.box(c)
		if !ok {
			continue
		}
		f := Face{Box: box, Confidence: percent(float64(c.score))}
		for _, l := range levels {
			if c.anchor >= l.first && c.anchor < l.first+len(l.cls) {
				for k, p := range l.landmarks(c.anchor - l.first) {
					f.Landmarks[k] = y.frame.point(p[0], p[1])
				}
			}
		}
		faces = append(faces, f)
	}
	return faces
}

// yunetLevel is what YuNet says of one of its three grids: for each anchor the chance of a face, that of any thing,
// the box and the landmarks.
type yunetLevel struct {
	cls, obj, bbox, kps []float32
	stride, first       int // pixels between anchors; the number of its first one over all levels
}

// kinds are the outputs of one grid, and how many numbers each has for an anchor.
func kinds() ([4]string, [4]int) {
	return [4]string{"cls", "obj", "bbox", "kps"}, [4]int{1, 1, 4, 10}
}

// yunetLevels sorts the outputs by grid: by name where the network tells the names, else in the order of the published
// model, kind by kind, or grid by grid as other exports have them. It reports whether every output has its size.
func yunetLevels(net Network, outputs [][]float32) (levels [3]yunetLevel, ok bool) {
	if len(outputs) != 12 {
		return levels, false
	}
	names, _ := kinds()
	var listed []string
	if n, ok := net.(interface{ OutputNames() []string }); ok {
		listed = n.OutputNames()
	}
	if len(listed) == len(outputs) {
		at := func(level, kind int) int {
			want := fmt.Sprint(names[kind], "_", strides()[level])
			for i, name := range listed {
				if name == want {
					return i
				}
			}
			return -1
		}
		if levels, ok = arrange(outputs, at); ok {
			return levels, true
		}
	}
	if levels, ok = arrange(outputs, func(level, kind int) int { return 3*kind + level }); ok {
		return levels, true
	}
	return arrange(outputs, func(level, kind int) int { return 4*level + kind })
}

// arrange sorts the outputs by grid, given the index of each, and reports whether every one is there at its size.
func arrange(outputs [][]float32, at func(level, kind int) int) (levels [3]yunetLevel, ok bool) {
	_, numbers := kinds()
	first := 0
	for i, stride := range strides() {
		anchors := (yunetSize / stride) * (yunetSize / stride)
		l := &levels[i]
		l.stride, l.first = stride, first
		first += anchors
		for kind, to := range []*[]float32{&l.cls, &l.obj, &l.bbox, &l.kps} {
			index := at(i, kind)
			if index < 0 || len(outputs[index]) != anchors*numbers[kind] {
				return levels, false
			}
			*to = outputs[index]
		}
	}
	return levels, true
}

// read appends every reading that reaches the least score, the root of the product of the two chances.
func (l *yunetLevel) read(to []candidate, least float32) []candidate {
	side, square := yunetSize/l.stride, least*least
	for i, cls := range l.cls {
		product := clamp(cls) * clamp(l.obj[i])
		if !(product >= square) { // nor when it is not a number
			continue
		}
		b, stride := l.bbox[4*i:][:4], float32(l.stride)
		x, y := (float32(i%side)+b[0])*stride, (float32(i/side)+b[1])*stride
		width, height := exp(b[2])*stride, exp(b[3])*stride
		c := candidate{
			anchor: l.first + i, score: float32(math.Sqrt(float64(product))),
			left: x - width/2, top: y - height/2, right: x + width/2, bottom: y + height/2,
		}
		if c.solid() {
			to = append(to, c)
		}
	}
	return to
}

// landmarks returns the five points of an anchor in the input's pixels.
func (l *yunetLevel) landmarks(anchor int) (points [5][2]float32) {
	side, stride := yunetSize/l.stride, float32(l.stride)
	col, row := float32(anchor%side), float32(anchor/side)
	for k := range points {
		p := l.kps[10*anchor+2*k:][:2]
		points[k] = [2]float32{(p[0] + col) * stride, (p[1] + row) * stride}
	}
	return points
}

// clamp cuts a chance to 0 to 1.
func clamp(x float32) float32 { return min(max(x, 0), 1) }
