package local

import (
	"context"
	"fmt"
	"image"
	"sync"

	"spotter/vision"
)

const (
	// yoloxFill is the grey around the picture (YOLOX, yolox/data/data_augment.py, preproc).
	yoloxFill = 114
	// yoloxOverlap is the intersection over union above which two boxes of a class are one thing (YOLOX,
	// demo/ONNXRuntime/onnx_inference.py).
	yoloxOverlap = 0.45
	// yoloxRow is the numbers of an anchor: the centre, the logarithms of width and height, the chance that it is any
	// thing at all, and that of each class.
	yoloxRow = 5 + cocoClasses
)

// YOLOX finds COCO's 80 kinds of objects with a YOLOX network of any size (arXiv 2107.08430) and is a
// vision.Recognizer. It may be used from several goroutines.
type YOLOX struct {
	net    Network
	size   int
	min    float32 // score, 0 to 1
	labels [cocoClasses]string

	mu    sync.Mutex // guards what is reused from picture to picture
	frame letterbox
	found []candidate
}

// NewYOLOX returns a recogniser on a network whose input is a square of size pixels (416 for nano and tiny, 640 for
// S), a multiple of 32, and that shows nothing below minConfidence, 0 to 100.
func NewYOLOX(net Network, size int, minConfidence float64) *YOLOX {
	return &YOLOX{
		net:    net,
		size:   size,
		min:    float32(minConfidence / 100),
		labels: cocoLabels(),
		frame: letterbox{
			size: image.Pt(size, size), fill: [3]float32{yoloxFill, yoloxFill, yoloxFill},
		},
	}
}

// Recognize names the objects in p, each label once with its highest confidence. It looks at p.Small only. Its errors
// are those of Detect.
func (y *YOLOX) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	return recognize(ctx, y, p)
}

// Detect returns every object in img with its place, most confident first. The error wraps vision.ErrPicture for a
// picture of less than 2 by 2 pixels and vision.ErrPermanent for a network that is no YOLOX of this size. A run that has
// begun, some milliseconds, is not interrupted by ctx.
func (y *YOLOX) Detect(ctx context.Context, img *image.RGBA) ([]Detection, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	outputs, err := run(ctx, y.net, &y.frame, img)
	if err != nil {
		return nil, fmt.Errorf("detect objects: %w", err)
	}
	if len(outputs) != 1 || len(outputs[0]) != y.anchors()*yoloxRow {
		return nil, fmt.Errorf("detect objects: the model is not a YOLOX of %d pixels and %d classes: %w",
			y.size, cocoClasses, vision.ErrPermanent)
	}
	y.found = y.read(y.found[:0], outputs[0])
	return detections(suppress(y.found, yoloxOverlap), &y.frame, &y.labels), nil
}

func (y *YOLOX) anchors() int {
	n := 0
	for _, stride := range strides() {
		n += (y.size / stride) * (y.size / stride)
	}
	return n
}

// read appends every reading of the output that reaches the least score.
func (y *YOLOX) read(to []candidate, output []float32) []candidate {
	anchor := 0
	for _, stride := range strides() {
		side := y.size / stride
		for row := range side {
			for col := range side {
				a := output[anchor*yoloxRow:][:yoloxRow]
				// No class's score is above that of there being a thing at all, and nearly all anchors end here.
				if a[4] >= y.min {
					to = y.readAnchor(to, a, anchor, float32(col), float32(row), float32(stride))
				}
				anchor++
			}
		}
	}
	return to
}

// readAnchor appends the readings of one anchor, which stands at col, row of a grid.
func (y *YOLOX) readAnchor(to []candidate, a []float32, anchor int, col, row, stride float32) []candidate {
	var c candidate
	for class, p := range a[5:] {
		score := a[4] * p
		if !(score >= y.min) { // nor when it is not a number
			continue
		}
		if c.right == 0 {
			width, height := exp(a[2])*stride, exp(a[3])*stride
			c.left, c.top = (a[0]+col)*stride-width/2, (a[1]+row)*stride-height/2
			c.right, c.bottom = c.left+width, c.top+height
			if !c.solid() {
				return to
			}
		}
		c.class, c.anchor, c.score = class, anchor, score
		to = append(to, c)
	}
	return to
}
