package local

import (
	"context"
	"fmt"
	"image"
	"sync"

	"spotter/vision"
)

const (
	// nanodetSize is the side of NanoDet's input in pixels.
	nanodetSize = 416
	// nanodetOverlap is the intersection over union above which two boxes of a class are one thing (OpenCV Zoo,
	// object_detection_nanodet).
	nanodetOverlap = 0.6
	// nanodetBins is the number of distances, 0 to 7 strides, of which the network gives the odds for each side of a box.
	nanodetBins = 8
)

// NanoDet finds COCO's 80 kinds of objects with the network NanoDet-Plus-m-1.5x at 416 pixels
// (github.com/RangiLyu/nanodet), read as OpenCV Zoo's demonstration does, and is a vision.Recognizer. It may be used from
// several goroutines.
type NanoDet struct {
	net    Network
	min    float32 // score, 0 to 1
	labels [cocoClasses]string

	mu    sync.Mutex // guards what is reused from picture to picture
	frame letterbox
	found []candidate
}

// NewNanoDet returns a recogniser on a network with an input of 1x3x416x416 and an output of classes and one of boxes
// for each of the strides 8, 16 and 32, that shows nothing below minConfidence, 0 to 100. Its confidences are lower than
// YOLOX's: OpenCV Zoo's demonstration takes 35.
func NewNanoDet(net Network, minConfidence float64) *NanoDet {
	mean, deviation := [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395} // blue, green, red
	n := &NanoDet{
		net: net, min: float32(minConfidence / 100), labels: cocoLabels(),
		frame: letterbox{size: image.Pt(nanodetSize, nanodetSize), place: centre, mul: new([3]float32), add: new([3]float32)},
	}
	for i := range mean {
		n.frame.mul[i], n.frame.add[i] = 1/deviation[i], -mean[i]/deviation[i]
	}
	n.frame.fill = *n.frame.add // black
	return n
}

// Recognize names the objects in p, each label once with its highest confidence. It looks at p.Small only. Its errors
// are those of Detect.
func (n *NanoDet) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	return recognize(ctx, n, p)
}

// Detect returns every object in img with its place, most confident first. The error wraps vision.ErrPicture for a
// picture of less than 2 by 2 pixels and vision.ErrPermanent for a network that is no NanoDet of this size. A run that
// has begun, some milliseconds, is not interrupted by ctx.
func (n *NanoDet) Detect(ctx context.Context, img *image.RGBA) ([]Detection, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	outputs, err := run(ctx, n.net, &n.frame, img)
	if err != nil {
		return nil, fmt.Errorf("detect objects: %w", err)
	}
	n.found = n.found[:0]
	first := 0
	for _, stride := range strides() {
		anchors := (nanodetSize / stride) * (nanodetSize / stride)
		classes, boxes := bySize(outputs, anchors*cocoClasses), bySize(outputs, anchors*4*nanodetBins)
		if classes == nil || boxes == nil {
			return nil, fmt.Errorf("detect objects: the model is not a NanoDet of %d pixels and %d classes: %w",
				nanodetSize, cocoClasses, vision.ErrPermanent)
		}
		n.found = n.read(n.found, classes, boxes, stride, first)
		first += anchors
	}
	return detections(suppress(n.found, nanodetOverlap), &n.frame, &n.labels), nil
}

// read appends, of one grid whose first anchor has the given number, the readings that reach the least score. An anchor
// stands for its most likely class only.
func (n *NanoDet) read(to []candidate, classes, boxes []float32, stride, first int) []candidate {
	side := nanodetSize / stride
	for i := range side * side {
		class, score := best(classes[i*cocoClasses:][:cocoClasses])
		if !(score >= n.min) {
			continue
		}
		b := boxes[i*4*nanodetBins:][:4*nanodetBins]
		step := float32(stride)
		x, y := float32(i%side)*step+(step-1)/2, float32(i/side)*step+(step-1)/2
		c := candidate{
			class: class, anchor: first + i, score: score,
			left: inside(x - expected(b)*step), top: inside(y - expected(b[nanodetBins:])*step),
			right: inside(x + expected(b[2*nanodetBins:])*step), bottom: inside(y + expected(b[3*nanodetBins:])*step),
		}
		if c.solid() {
			to = append(to, c)
		}
	}
	return to
}

// best returns the class of the highest score. What is not a number is no score.
func best(scores []float32) (class int, score float32) {
	for i, s := range scores {
		if s > score {
			class, score = i, s
		}
	}
	return class, score
}

// expected returns the mean of the bins' distances by the odds, whose logarithms are given.
func expected(odds []float32) float32 {
	most := odds[0]
	for _, o := range odds[1:nanodetBins] {
		most = max(most, o)
	}
	var sum, weighted float32
	for i, o := range odds[:nanodetBins] {
		e := exp(o - most) // at most 1, so that large odds do not overflow
		sum, weighted = sum+e, weighted+e*float32(i)
	}
	return weighted / sum
}

// inside cuts a place to the input.
func inside(x float32) float32 { return min(max(x, 0), nanodetSize) }
