package local

import (
	"context"
	"fmt"
	"image"
	"math"

	"spotter/timeline"
	"spotter/vision"
)

// ObjectFinder finds objects, most confident first. It may be used from several goroutines. YOLOX and NanoDet are ones.
type ObjectFinder interface {
	Detect(ctx context.Context, img *image.RGBA) ([]Detection, error)
}

var errTooSmall = fmt.Errorf("the picture is smaller than 2 by 2 pixels: %w", vision.ErrPicture)

// strides are the input's pixels between the anchors of the three grids of YOLOX, NanoDet and YuNet.
func strides() [3]int { return [3]int{8, 16, 32} }

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

// run puts a picture before a network. Whoever calls it holds the lock of the frame.
func run(ctx context.Context, net Network, frame *letterbox, img *image.RGBA) (outputs [][]float32, err error) {
	if !fits(img) {
		return nil, errTooSmall
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return net.Run(frame.draw(img))
}

// bySize returns the only output of n numbers, or nil.
func bySize(outputs [][]float32, n int) []float32 {
	var found []float32
	for _, o := range outputs {
		if len(o) == n {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// recognize names the objects that f finds in the small picture.
func recognize(ctx context.Context, f ObjectFinder, p vision.Picture) (vision.Answer, error) {
	list, err := f.Detect(ctx, p.Small)
	if err != nil {
		return vision.Answer{}, err
	}
	return vision.Answer{Source: timeline.SourceONNX, Objects: entities(list)}, nil
}

// entities returns each label once, with the highest confidence; list has the most confident first.
func entities(list []Detection) []timeline.Entity {
	var objects []timeline.Entity
	for _, d := range list {
		if !named(objects, d.Label) {
			objects = append(objects, vision.Object(d.Label, d.Confidence))
		}
	}
	return objects
}

func named(list []timeline.Entity, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

// detections returns the candidates with their labels and their places in the picture.
func detections(list []candidate, frame *letterbox, labels *[cocoClasses]string) []Detection {
	var all []Detection
	for _, c := range list {
		if box, ok := frame.box(c); ok {
			all = append(all, Detection{Label: labels[c.class], Confidence: percent(float64(c.score)), Box: box})
		}
	}
	return all
}
