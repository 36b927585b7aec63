package store_test

import (
	"path/filepath"
	"testing"

	"spotter/store"
	"spotter/timeline"
)

// BenchmarkRecordForSinks is a live batch of a scene that lasts, its segment and one admitted frame, for a sink of each kind;
// the frames are bounded, so that from some point on one is dropped for each that comes.
func BenchmarkRecordForSinks(b *testing.B) {
	s := openSinks(b, filepath.Join(b.TempDir(), "spotter.db"), 50<<20, tableSink, topicSink, picSink)
	for p := timeline.Position(0); b.Loop(); p++ {
		o := lasting(0, p*4000+4000)
		record(b, s, store.Batch{
			Media: media, Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span},
			Segments: []store.Segment{segment(p * 4000)}, Frames: []store.Frame{frame(p*4000, 250_000)},
		})
	}
}

// BenchmarkOutbox is what a sink does after 72 hours of one stream, an observation a second.
func BenchmarkOutbox(b *testing.B) {
	path := filepath.Join(b.TempDir(), "spotter.db")
	s := filled(b, path, 72*3600)
	b.Run("backlog", func(b *testing.B) {
		for b.Loop() {
			s.Backlog("dynamodb")
		}
	})
	b.Run("page of 100", func(b *testing.B) {
		after := uint64(0)
		for b.Loop() {
			list, err := s.Pending("dynamodb", after, 100)
			if err != nil {
				b.Fatal(err)
			}
			after = list[len(list)-1].Seq % (71 * 3600)
		}
	})
	b.Run("done of 100", func(b *testing.B) {
		for b.Loop() {
			list, err := s.Pending("dynamodb", 0, 100)
			if err != nil || len(list) == 0 {
				b.Skip("all are confirmed", err)
			}
			var seqs []uint64
			for _, e := range list {
				seqs = append(seqs, e.Seq)
			}
			if err := s.Done("dynamodb", seqs...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("spans", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.PendingSpans("dynamodb", media); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for name, sinks := range map[string][]store.Sink{"open": nil, "open and count": {tableSink}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := openSinks(b, path, 0, sinks...).Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
