//go:build !noonnx

package onnx_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"spotter/internal/testmedia"
)

// BenchmarkOverhead runs models by turns through ONNX Runtime alone, its tensors bound once, through RunInto and
// through Run, on the same session, and reports what ours take more. It compares the first quartiles, which other work
// on the machine disturbs less than the medians.
func BenchmarkOverhead(b *testing.B) {
	kit := testmedia.Kit(b, "models")
	for _, file := range []string{"face_detection_yunet_2023mar.onnx", "yolox_nano.onnx"} {
		b.Run(file, func(b *testing.B) {
			n, err := open(b).Load(filepath.Join(kit, file), 1)
			if err != nil {
				b.Fatal(err)
			}
			size := int64(1)
			for _, d := range n.InputShape() {
				size *= d
			}
			input, outputs := make([]float32, size), n.NewOutputs()
			for i := range input {
				input[i] = float32(i % 251)
			}
			bound, free, err := n.Bind(input, n.NewOutputs())
			if err != nil {
				b.Fatal(err)
			}
			ways := []func() error{
				bound,
				func() error { return n.RunInto(input, outputs) },
				func() error { _, err := n.Run(input); return err },
			}
			took := make([][]time.Duration, len(ways))
			for first := 0; b.Loop(); first++ {
				for k := range ways {
					i := (first + k) % len(ways) // none always follows the same other
					began := time.Now()
					if err := ways[i](); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
			}
			if err := free(); err != nil {
				b.Fatal(err)
			}
			var quartile [3]float64
			for i := range took {
				slices.Sort(took[i])
				quartile[i] = took[i][len(took[i])/4].Seconds() * 1000
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quartile[0], "ort-ms")
			b.ReportMetric(100*(quartile[1]/quartile[0]-1), "RunInto-%")
			b.ReportMetric(100*(quartile[2]/quartile[0]-1), "Run-%")
		})
	}
}
