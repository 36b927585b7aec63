package container_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"

	"spotter/capture/container"
)

// BenchmarkDemux reads 6 s of 1080p30 at 5 Mb/s with the NAL units of its keyframes. ms/min is the time for a minute
// of stream.
func BenchmarkDemux(b *testing.B) {
	const seconds = 6
	path := filepath.Join(ffmpeg(b, "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=6,noise=alls=12:allf=t "+
		"-c:v libx264 -preset ultrafast -g 60 -b:v 5M -minrate 5M -maxrate 5M -bufsize 5M out.ts"), "out.ts")
	segment := read(b, path)
	run := func(name string, once func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(segment)))
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)*60/seconds, "ms/min")
		})
	}
	run("spotter", func() {
		v, err := container.Demux(nil, segment)
		if err != nil || len(v.Units) != seconds*30 {
			b.Fatal(err)
		}
		for _, u := range v.Units {
			if u.Key {
				if _, err := u.NALUs(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	run("mediacommon", func() {
		r := &mpegts.Reader{R: bytes.NewReader(segment)}
		if err := r.Initialize(); err != nil {
			b.Fatal(err)
		}
		n := 0
		r.OnDataH264(r.Tracks()[0], func(int64, int64, [][]byte) error { n++; return nil })
		for r.Read() == nil {
		}
		if n == 0 {
			b.Fatal("no units")
		}
	})
}
