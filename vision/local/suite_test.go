//go:build !noonnx

package local_test

import (
	"testing"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/recognizertest"

	"spotter/internal/testmedia"
)

func TestRecognizerContract(t *testing.T) {
	nets := networks(t)
	yolox, nanodet := nets("yolox_nano.onnx", 1), nets("object_detection_nanodet_2022nov.onnx", 1)
	yunet, mobile := nets("face_detection_yunet_2023mar.onnx", 1), nets("mobilefacenet_rit5k.onnx", 1)
	dog := vision.Picture{Small: small(t, testmedia.Kit(t, "photos", "objects", "dog.jpg"))}
	two := photo(t, testmedia.Kit(t, "photos", "test", "two_people__obama_biden.jpg"))
	pictures := map[string][]vision.Picture{"yolox": {dog}, "nanodet": {dog}, "yunet": {two}}
	objects := func() *local.YOLOX { return local.NewYOLOX(yolox, 416, local.DefaultMinConfidence) }
	for name, factory := range map[string]func() vision.Recognizer{
		"yolox":   func() vision.Recognizer { return objects() },
		"nanodet": func() vision.Recognizer { return local.NewNanoDet(nanodet, 35) },
		"yunet": func() vision.Recognizer {
			return local.NewRecognizer(objects(), local.NewYuNet(yunet, local.DefaultMinFaceConfidence), local.NewMobileFaceNet(mobile), everyone{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			recognizertest.Run(t, func(*testing.T) vision.Recognizer { return factory() }, pictures[name]...)
		})
	}
}

// everyone is a namer who thinks that he knows everyone.
type everyone struct{}

func (everyone) Name(e []float32) (timeline.Entity, float64, bool) {
	if e[0] > 0 {
		return timeline.Entity{Name: "Alice"}, float64(e[1]), true
	}
	return timeline.Entity{Name: "Bob"}, float64(e[1]), true
}
