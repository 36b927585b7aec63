//go:build !noonnx

package local_test

import (
	"slices"
	"testing"
	"time"

	"spotter/vision/local"

	"spotter/internal/testmedia"
)

// BenchmarkAround compares each network with all that is done around it, one thread each, run by run in turns on a
// 640-pixel picture, and reports the medians and their ratio:
// go test -run '^$' -bench Around -benchtime 100x ./vision/local
func BenchmarkAround(b *testing.B) {
	nets := networks(b)
	img := small(b, testmedia.Kit(b, "photos", "test", "two_people__obama_biden.jpg"))
	yunet, yolox := nets("face_detection_yunet_2023mar.onnx", 1), nets("yolox_nano.onnx", 1)
	nanodet, mobile := nets("object_detection_nanodet_2022nov.onnx", 1), nets("mobilefacenet_rit5k.onnx", 1)
	finder := local.NewYuNet(yunet, local.DefaultMinFaceConfidence)
	faces, err := finder.Find(b.Context(), img)
	if err != nil {
		b.Fatal(err)
	}
	objects, others := local.NewYOLOX(yolox, 416, local.DefaultMinConfidence), local.NewNanoDet(nanodet, 35)
	identity := local.NewMobileFaceNet(mobile)
	embed := func() error {
		aligned, err := local.Align(img, faces[0], 112)
		if err == nil {
			_, err = identity.Embed(b.Context(), aligned)
		}
		return err
	}
	tests := []struct {
		name string
		net  local.Network
		side int
		all  func() error
	}{
		{"yunet", yunet, 640, func() error { _, err := finder.Find(b.Context(), img); return err }},
		{"yolox-nano", yolox, 416, func() error { _, err := objects.Detect(b.Context(), img); return err }},
		{"nanodet", nanodet, 416, func() error { _, err := others.Detect(b.Context(), img); return err }},
		{"mobilefacenet", mobile, 112, embed},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			input := make([]float32, 3*tt.side*tt.side)
			var bare, all []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				began := time.Now()
				if _, err := tt.net.Run(input); err != nil {
					b.Fatal(err)
				}
				half := time.Now()
				if err := tt.all(); err != nil {
					b.Fatal(err)
				}
				bare, all = append(bare, half.Sub(began)), append(all, time.Since(half))
			}
			slices.Sort(bare)
			slices.Sort(all)
			network, whole := bare[len(bare)/2].Seconds(), all[len(all)/2].Seconds()
			b.ReportMetric(1000*network, "network-ms")
			b.ReportMetric(1000*whole, "all-ms")
			b.ReportMetric(whole/network, "ratio")
		})
	}
}

// BenchmarkRest measures what is done around the networks alone.
func BenchmarkRest(b *testing.B) {
	img := small(b, testmedia.Kit(b, "photos", "test", "two_people__obama_biden.jpg"))
	yunet := local.NewYuNet(&still{nothing()}, 70)
	nanodet := local.NewNanoDet(&still{noObjects()}, 35)
	yolox := local.NewYOLOX(&still{[][]float32{make([]float32, 3549*85)}}, 416, 50)
	for name, f := range map[string]func(){
		"yunet":     func() { _, _ = yunet.Find(b.Context(), img) },
		"nanodet":   func() { _, _ = nanodet.Detect(b.Context(), img) },
		"yolox":     func() { _, _ = yolox.Detect(b.Context(), img) },
		"align":     func() { _, _ = local.Align(img, face(640, 375, 0.9, 0.1, 100, 20), 112) },
		"sharpness": func() { local.Sharpness(img) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
