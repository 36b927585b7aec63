package local

import (
	"context"
	"fmt"
	"image"
	"math"
	"sync"

	"spotter/timeline"
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
		frame:  letterbox{size: size, fill: yoloxFill},
	}
}

// Recognize names the objects in p, each label once with its highest confidence. It looks at p.Small only. The error
// wraps vision.ErrPermanent for a picture of less than 2 by 2 pixels and for a network that is no YOLOX of this size.
func (y *YOLOX) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	answer := vision.Answer{Source: timeline.SourceONNX}
	detections, err := y.Detect(ctx, p.Small)
	if err != nil {
		return vision.Answer{}, err
	}
	for _, d := range detections {
		if !named(answer.Objects, d.Label) {
			answer.Objects = append(answer.Objects, timeline.Entity{Name: d.Label, Confidence: d.Confidence})
		}
	}
	return answer, nil
}

func named(list []timeline.Entity, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

// Detect returns every object in img with its place, most confident first. Its errors are those of Recognize. A run
// that has begun, some milliseconds, is not interrupted by ctx.
func (y *YOLOX) Detect(ctx context.Context, img *image.RGBA) ([]Detection, error) {
	if img == nil || img.Rect.Dx() < 2 || img.Rect.Dy() < 2 {
		return nil, fmt.Errorf("detect objects: the picture is smaller than 2 by 2 pixels: %w", vision.ErrPermanent)
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("detect objects: %w", err)
	}
	outputs, err := y.net.Run(y.frame.draw(img))
	if err != nil {
		return nil, fmt.Errorf("detect objects: %w", err)
	}
	if len(outputs) != 1 || len(outputs[0]) != y.anchors()*yoloxRow {
		return nil, fmt.Errorf("detect objects: the model is not a YOLOX of %d pixels and %d classes: %w",
			y.size, cocoClasses, vision.ErrPermanent)
	}
	y.found = y.read(y.found[:0], outputs[0])
	return y.detections(suppress(y.found, yoloxOverlap)), nil
}

// strides are the input's pixels between the anchors of the network's three grids.
func strides() [3]int { return [3]int{8, 16, 32} }

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
		}
		c.class, c.anchor, c.score = class, anchor, score
		to = append(to, c)
	}
	return to
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

// detections returns the candidates with their labels and their places in the picture.
func (y *YOLOX) detections(list []candidate) []Detection {
	if len(list) == 0 {
		return nil
	}
	scale := y.frame.scale()
	width, height := float64(y.frame.from.X)*scale, float64(y.frame.from.Y)*scale
	detections := make([]Detection, len(list))
	for i, c := range list {
		left, right := part(c.left, width), part(c.right, width)
		top, bottom := part(c.top, height), part(c.bottom, height)
		detections[i] = Detection{
			Label:      y.labels[c.class],
			Confidence: math.Round(float64(c.score)*1000) / 10,
			Box:        Box{Left: left, Top: top, Width: right - left, Height: bottom - top},
		}
	}
	return detections
}

// part returns x in parts of the whole, cut to 0 to 1.
func part(x float32, whole float64) float64 { return min(max(float64(x)/whole, 0), 1) }
