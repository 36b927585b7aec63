package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"spotter/capture/container"

	"spotter/internal/testmedia"
)

func write(t testing.TB, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKitVideo(t *testing.T) {
	type segment struct {
		init, path string
		only       int // ffprobe's packets that are of the video; 0: all
	}
	var segments []segment
	for _, name := range []string{
		"bc0", "bipbop0", "bipbop1", "caption", "id3", "muxed", "oneSecond", "video",
		"videoDiffPtsDts", "videoOneSecond", "videoOneSecond1", "videoOneSecond2", "videoOneSecond3", "videoOneSecond4",
	} {
		segments = append(segments, segment{path: "http-streaming/" + name + ".ts"})
	}
	for i := range 12 {
		segments = append(segments, segment{init: "cmaf/multi-segment/video_init.mp4", path: fmt.Sprintf("cmaf/multi-segment/video_%d.m4s", i+1)})
	}
	segments = append(segments,
		segment{init: "http-streaming/mp4VideoInit.mp4", path: "http-streaming/mp4Video.mp4"},
		segment{init: "http-streaming/mp4MuxedInit.mp4", path: "http-streaming/mp4Muxed.mp4"},
		segment{path: "mp4ff/cbcsdec.mp4"},
		segment{path: "mp4ff/v300_multiple_segments.mp4"},
		segment{init: "mp4ff/init.mp4", path: "mp4ff/1.m4s"},
		segment{init: "mp4ff/hvc1_init.mp4", path: "mp4ff/hvc1_seg_1.m4s"},
		// These two have no MAP in the kit: one of the same track id and codec serves. Of the first, ffprobe counts the
		// audio, whose track that MAP does not know, as video.
		segment{init: "cmaf/multi-segment/video_init.mp4", path: "mp4ff/multi_sidx_segment.m4s", only: 123},
		segment{init: "cmaf/multi-segment/video_init.mp4", path: "mp4ff/interleaved_sidxs_segment.m4s"},
	)
	for _, s := range segments {
		t.Run(filepath.Base(s.path), func(t *testing.T) {
			b := read(t, testmedia.Kit(t, "segments", s.path))
			var head []byte
			var init *container.Init
			if s.init != "" {
				head = read(t, testmedia.Kit(t, "segments", s.init))
				var err error
				if init, err = container.ParseInit(head); err != nil {
					t.Fatal(err)
				}
			}
			v := demux(t, init, b)
			checkNALUs(t, v)
			if v.Damaged != 0 || v.Width == 0 || !v.Units[0].Key {
				t.Errorf("%d damaged, width %d, first unit's key %v", v.Damaged, v.Width, v.Units[0].Key)
			}
			want := ffprobe(t, write(t, head, b), filepath.Ext(s.path) == ".ts")
			if s.only > 0 {
				want = want[:s.only]
			}
			compare(t, v, want)
		})
	}
}

func TestKitRefused(t *testing.T) {
	cases := []struct {
		path string
		want error
	}{
		{"http-streaming/aacWithId3.aac", container.ErrNoVideo},
		{"http-streaming/aacWithoutId3.aac", container.ErrNoVideo},
		{"http-streaming/ac3WithId3.ac3", container.ErrNoVideo},
		{"http-streaming/ac3WithoutId3.ac3", container.ErrNoVideo},
		{"http-streaming/audio.ts", container.ErrNoVideo},
		{"http-streaming/mp4Audio.mp4", container.ErrNoVideo},
		{"http-streaming/mp4WebVttInit.mp4", container.ErrNoVideo},
		{"http-streaming/subtitles.vtt", container.ErrNoVideo},
		{"http-streaming/mp4Muxed.mp4", container.ErrFormat},
		{"http-streaming/sidx.mp4", container.ErrFormat},
		{"http-streaming/subtitlesEncrypted.vtt", container.ErrFormat},
		{"http-streaming/webmVideo.webm", container.ErrFormat},
		{"http-streaming/webmVideoInit.webm", container.ErrFormat},
		{"http-streaming/zeroLength.ts", container.ErrEmpty},
		{"mp4ff/init.mp4", container.ErrEmpty},
		{"mp4ff/av1_init.mp4", container.ErrCodec},
		{"mp4ff/bbb_prog_10s.mp4", container.ErrFormat},
		{"mp4ff/prog_8s.mp4", container.ErrFormat},
		{"mp4ff/cbcs.mp4", container.ErrEncrypted},
	}
	for _, c := range cases {
		t.Run(filepath.Base(c.path), func(t *testing.T) {
			v, err := container.Demux(nil, read(t, testmedia.Kit(t, "segments", c.path)))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, %v; want %v", v, err, c.want)
			}
			t.Log(err)
		})
	}
}

func TestKitAudioTrackOfTheSameStream(t *testing.T) {
	_, err := container.ParseInit(read(t, testmedia.Kit(t, "segments", "cmaf", "multi-segment", "audio_init.mp4")))
	if !errors.Is(err, container.ErrNoVideo) {
		t.Errorf("audio MAP: %v", err)
	}
	init, err := container.ParseInit(read(t, testmedia.Kit(t, "segments", "cmaf", "multi-segment", "video_init.mp4")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := container.Demux(init, read(t, testmedia.Kit(t, "segments", "mp4ff", "1.m4s"))); !errors.Is(err, container.ErrNoVideo) {
		t.Errorf("segment of another track: %v", err)
	}
}
