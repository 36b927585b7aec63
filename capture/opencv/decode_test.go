//go:build !nocv

package opencv_test

import (
	"math"
	"testing"
	"time"

	"spotter/internal/testmedia"
)

const (
	x264 = "-c:v libx264 -preset veryfast -crf 28 -x264-params "
	x262 = "-c:v mpeg2video -q:v 6 -sc_threshold 1000000000 "
	x265 = "-c:v libx265 -preset ultrafast -crf 28 -x265-params log-level=none:"
)

func TestPositionsAreThoseOfTheDecodedPictures(t *testing.T) {
	for _, tc := range []struct {
		name   string
		stream testmedia.Stream
		rate   float64
	}{
		{"H.264 without B", testmedia.Stream{Rate: "25", Encoder: fields("-tune zerolatency " + x264 + "keyint=50:scenecut=0")}, 25},
		{"H.264 B-pyramid", testmedia.Stream{Rate: "25", Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal")}, 25},
		{"H.264 B-pyramid fMP4", testmedia.Stream{Rate: "25", FMP4: true, Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal")}, 25},
		{"H.264 seven B", testmedia.Stream{Rate: "50", Encoder: fields(x264 + "keyint=100:scenecut=0:bframes=7:b-adapt=0:b-pyramid=strict")}, 50},
		{"H.264 open GOP", testmedia.Stream{Rate: "30000/1001", Encoder: fields(x264 + "keyint=60:scenecut=0:open-gop=1:bframes=3:b-adapt=0")}, 30000.0 / 1001},
		{"H.264 five references", testmedia.Stream{Rate: "60000/1001", Encoder: fields(x264 + "keyint=120:scenecut=0:ref=5:bframes=2")}, 60000.0 / 1001},
		{"H.264 slices", testmedia.Stream{Rate: "25", Encoder: fields(x264 + "keyint=50:scenecut=0:slices=4:bframes=2")}, 25},
		{"H.264 interlaced", testmedia.Stream{Rate: "25", Encoder: fields("-flags +ilme+ildct " + x264 + "keyint=50:scenecut=0:tff=1:bframes=2")}, 25},
		{"H.264 keyframes apart unevenly", testmedia.Stream{Rate: "25", Encoder: fields(x264 + "keyint=37:scenecut=40:bframes=3")}, 25},
		{"H.264 10 bit", testmedia.Stream{Rate: "25", Format: "yuv420p10le", Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3")}, 25},
		{"H.264 4:2:2 10 bit fMP4", testmedia.Stream{Rate: "25", Format: "yuv422p10le", FMP4: true, Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3")}, 25},
		{"H.264 4:2:2", testmedia.Stream{Rate: "25", Format: "yuv422p", Encoder: fields(x264 + "keyint=50:scenecut=0:bframes=3")}, 25},
		{"HEVC open GOP", testmedia.Stream{Rate: "25", Encoder: fields(x265 + "keyint=50:min-keyint=50:scenecut=0:bframes=4:b-adapt=0:open-gop=1")}, 25},
		{"HEVC closed GOP fMP4", testmedia.Stream{Rate: "50", FMP4: true, Encoder: fields("-tag:v hvc1 " + x265 + "keyint=100:min-keyint=100:scenecut=0:bframes=3:open-gop=0")}, 50},
		{"HEVC 10 bit", testmedia.Stream{Rate: "30000/1001", Format: "yuv420p10le", Encoder: fields(x265 + "keyint=60:min-keyint=60:scenecut=0:bframes=3")}, 30000.0 / 1001},
		{"HEVC 59.94 Hz", testmedia.Stream{Rate: "60000/1001", Encoder: fields(x265 + "keyint=120:min-keyint=120:scenecut=0:bframes=3")}, 60000.0 / 1001},
		{"MPEG-2 without B", testmedia.Stream{Rate: "25", Encoder: fields(x262 + "-g 50")}, 25},
		{"MPEG-2", testmedia.Stream{Rate: "30000/1001", Encoder: fields(x262 + "-g 60 -bf 2")}, 30000.0 / 1001},
		{"MPEG-2 closed GOP", testmedia.Stream{Rate: "25", Encoder: fields(x262 + "-g 25 -bf 2 -flags +cgop")}, 25},
		{"MPEG-2 low delay", testmedia.Stream{Rate: "25", Encoder: fields(x262 + "-g 25 -flags +low_delay")}, 25},
		{"MPEG-2 interlaced", testmedia.Stream{Rate: "25", Encoder: fields(x262 + "-g 12 -bf 2 -flags +ildct+ilme -alternate_scan 1")}, 25},
		{"MPEG-2 interlaced 4:2:2", testmedia.Stream{Rate: "30000/1001", Format: "yuv422p", Encoder: fields(x262 + "-g 15 -bf 2 -flags +ildct+ilme")}, 30000.0 / 1001},
		{"MPEG-2 59.94 Hz", testmedia.Stream{Rate: "60000/1001", Encoder: fields(x262 + "-g 60 -bf 2")}, 60000.0 / 1001},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.stream.Seconds = 5
			dir := tc.stream.Make(t)
			d := newDecoder(t)
			for _, interval := range []time.Duration{2 * time.Second, time.Second, 400 * time.Millisecond, 100 * time.Millisecond} {
				n := 0
				for _, job := range jobs(t, dir, interval) {
					seen, lost := looks(t, d, job)
					if lost > 0 {
						t.Errorf("every %v: %d lost", interval, lost)
					}
					for _, l := range seen {
						want := float64(l.number) * 1000 / tc.rate
						if !l.whole || math.Abs(float64(l.at)-want) > 1 {
							t.Errorf("every %v: at %v the picture of %.0f ms (number %d, whole %v)", interval, l.at, want, l.number, l.whole)
						}
					}
					n += len(seen)
				}
				if least := int(3600 * time.Millisecond / interval); n < least {
					t.Errorf("every %v: %d looks, want at least %d", interval, n, least)
				}
			}
		})
	}
}
