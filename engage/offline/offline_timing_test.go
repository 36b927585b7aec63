package offline_test

import (
	"io"
	"testing"

	"spotter/engage/offline"
	"spotter/engage/policy"
)

// One operation is 100,000 decisions.
const benchmarkDecisions = 100_000

func BenchmarkEvaluate(b *testing.B) {
	samples := newWorld(1, 2, 0.2).log(1, benchmarkDecisions, 20_000)
	for b.Loop() {
		if _, err := offline.Evaluate(offline.Of(samples), policy.Uniform(), offline.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteNDJSON(b *testing.B) { benchmarkWrite(b, offline.WriteNDJSON) }

func BenchmarkWriteVW(b *testing.B) { benchmarkWrite(b, offline.WriteVW) }

func benchmarkWrite(b *testing.B, write func(io.Writer, offline.Samples) error) {
	samples := newWorld(1, 2, 0.2).log(1, benchmarkDecisions, 20_000)
	for b.Loop() {
		if err := write(io.Discard, offline.Of(samples)); err != nil {
			b.Fatal(err)
		}
	}
}
