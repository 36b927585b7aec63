//go:build !nocv

package opencv_test

import (
	"context"
	"testing"
	"time"

	"spotter/capture/container"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
)

// BenchmarkLook decodes and looks at lone 1080p keyframes of each shape; the difference to the plain one is its cost.
func BenchmarkLook(b *testing.B) {
	dir := testmedia.Stream{Rate: "5", Seconds: 2, Size: "1920x1080", Encoder: fields(x264 + "keyint=5:scenecut=0")}.Make(b)
	for _, tc := range []struct {
		name  string
		shape container.Shape
		gate  opencv.Gate
	}{
		{"plain", container.Shape{}, gateFunc(admitNone)},
		{"PQ", container.Shape{Transfer: container.TransferPQ, WideGamut: true}, gateFunc(admitNone)},
		{"HLG", container.Shape{Transfer: container.TransferHLG, WideGamut: true}, gateFunc(admitNone)},
		{"interlaced", container.Shape{Interlaced: true}, gateFunc(admitNone)},
		{"turned", container.Shape{Rotation: 90}, gateFunc(admitNone)},
		{"anamorphic", container.Shape{AspectWidth: 4, AspectHeight: 3}, gateFunc(admitNone)},
		{"plain admitted", container.Shape{}, gateFunc(admitAll)},
		{"PQ admitted", container.Shape{Transfer: container.TransferPQ, WideGamut: true}, gateFunc(admitAll)},
		{"HLG admitted", container.Shape{Transfer: container.TransferHLG, WideGamut: true}, gateFunc(admitAll)},
	} {
		b.Run(tc.name, func(b *testing.B) {
			d := newDecoder(b)
			list := jobs(b, dir, time.Second)
			looks := 0
			for i := range list {
				for r := range list[i].Runs {
					list[i].Runs[r].Shape = tc.shape
				}
			}
			for b.Loop() {
				for _, job := range list {
					if err := d.Decode(context.Background(), job, tc.gate, func(opencv.Sample) error { looks++; return nil }); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(looks), "ms/look")
		})
	}
}

// BenchmarkToneMap maps a 1080p picture.
func BenchmarkToneMap(b *testing.B) {
	picture := make([]byte, 3*1920*1080)
	for i := range picture {
		picture[i] = byte(i/5000 + i%7*13)
	}
	for name, shape := range map[string]container.Shape{
		"PQ":  {Transfer: container.TransferPQ, WideGamut: true},
		"HLG": {Transfer: container.TransferHLG, WideGamut: true},
	} {
		b.Run(name, func(b *testing.B) {
			m, work := opencv.NewToneMap(shape), make([]byte, len(picture))
			for b.Loop() {
				copy(work, picture)
				m.Apply(work)
			}
		})
	}
	b.Run("comb", func(b *testing.B) {
		for b.Loop() {
			opencv.Comb(picture, 1920, 1080)
		}
	})
	b.Run("tables", func(b *testing.B) {
		for b.Loop() {
			opencv.NewToneMap(container.Shape{Transfer: container.TransferHLG, WideGamut: true})
		}
	})
}
