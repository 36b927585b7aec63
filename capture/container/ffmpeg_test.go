package container_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

const picture = "-f lavfi -i testsrc2=size=320x180:rate="

// refresh is a stream whose every picture is refreshed bit by bit: ffprobe flags the P pictures where that begins, at
// which a decoder shows a broken picture for a while.
const refresh = "h264 intra refresh"

func onlyFirstKey(packets []packet) {
	for i := range packets {
		packets[i].Key = i == 0
	}
}

var streams = []struct {
	name, args string
	codec      container.Codec
	height     int
}{
	{"h264 25", picture + "25:duration=2 -c:v libx264 -preset ultrafast -g 25", container.H264, 180},
	{"h264 29.97 bframes", picture + "30000/1001:duration=2 -c:v libx264 -preset veryfast -bf 3 -g 15", container.H264, 180},
	{"h264 50 open gop", picture + "50:duration=2 -c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=20:min-keyint=20:scenecut=0", container.H264, 180},
	{refresh, picture + "25:duration=2 -c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=10", container.H264, 180},
	{"h264 slices", picture + "25:duration=1 -c:v libx264 -preset veryfast -x264-params slices=4", container.H264, 180},
	{"h264 interlaced", picture + "25:duration=1 -c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1", container.H264, 180},
	{"h264 with audio", "-f lavfi -i sine=duration=2 " + picture + "25:duration=2 -c:v libx264 -preset ultrafast -g 25 -c:a aac", container.H264, 180},
	{"hevc 25", picture + "25:duration=1 -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=12", container.HEVC, 180},
	{"hevc open gop bframes", picture + "25:duration=2 -c:v libx265 -preset medium -x265-params log-level=error:open-gop=1:keyint=10:bframes=3", container.HEVC, 180},
	{"hevc temporal layers", picture + "25:duration=1 -c:v libx265 -preset medium -x265-params log-level=error:temporal-layers=3:bframes=3", container.HEVC, 180},
}

var fragmentations = []struct{ name, flags string }{
	{"cmaf", "+frag_keyframe+empty_moov+default_base_moof"},
	{"base data offset", "+frag_keyframe+empty_moov"},
	{"edit list", "+frag_keyframe+delay_moov+default_base_moof"},
	{negative, "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets"},
	{"small fragments", "+frag_every_frame+empty_moov+default_base_moof+global_sidx"},
}

const negative = "negative offsets"

func TestStreams(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			source := filepath.Join(ffmpeg(t, s.args+" out.nut"), "out.nut")
			t.Run("ts", func(t *testing.T) {
				path := filepath.Join(ffmpeg(t, "-i "+source+" -c copy out.ts"), "out.ts")
				v := demux(t, nil, read(t, path))
				check(t, v, s.codec, s.height)
				want := ffprobe(t, path, true)
				if s.name == refresh {
					onlyFirstKey(want)
				}
				compare(t, v, want)
				compareWithReader(t, v, read(t, path))
			})
			for _, f := range fragmentations {
				if f.name == "cmaf" || s.name == "h264 29.97 bframes" || s.name == "h264 with audio" {
					t.Run(f.name, func(t *testing.T) {
						path := filepath.Join(ffmpeg(t, "-i "+source+" -c copy -movflags "+f.flags+" out.mp4"), "out.mp4")
						v := demux(t, nil, read(t, path))
						check(t, v, s.codec, s.height)
						want := ffprobe(t, path, false)
						switch {
						case s.name == refresh:
							onlyFirstKey(want)
						case f.name == negative: // ffprobe adds the largest one to every PTS
							late := want[0].PTS - v.Units[0].PTS
							for i := range want {
								want[i].PTS -= late
							}
						}
						compare(t, v, want)
						compareApart(t, v, read(t, path))
					})
				}
			}
		})
	}
}

// compareApart demuxes an fMP4 as a MAP and a segment: data offsets may still count from the MAP's start.
func compareApart(t *testing.T, want *container.Video, whole []byte) {
	t.Helper()
	at := bytes.Index(whole, []byte("moof")) - 4
	init, err := container.ParseInit(whole[:at])
	if err != nil {
		t.Fatal(err)
	}
	got := demux(t, init, whole[at:])
	same := func(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
	if !slices.EqualFunc(nalus(t, want), nalus(t, got), same) {
		t.Error("init and segment apart give other NAL units than the whole")
	}
}

func TestTransportStreamTimesWrap(t *testing.T) {
	path := filepath.Join(ffmpeg(t, picture+"25:duration=2 -c:v libx264 -preset ultrafast -output_ts_offset 95442.0 -f mpegts out.ts"), "out.ts")
	v := demux(t, nil, read(t, path))
	compare(t, v, ffprobe(t, path, true))
	first, last := v.Units[0].PTS, v.Units[len(v.Units)-1].PTS
	if first < 1<<32 || last > 1<<32 {
		t.Errorf("times from %d to %d do not wrap", first, last)
	}
}

func TestHLSSegmenter(t *testing.T) {
	for _, kind := range []string{"mpegts", "fmp4"} {
		t.Run(kind, func(t *testing.T) {
			dir := ffmpeg(t, picture+"25:duration=6 -c:v libx264 -preset veryfast -g 50 -hls_time 2 -hls_segment_type "+kind+" -hls_segment_filename s%d.seg -f hls out.m3u8")
			var init *container.Init
			var head []byte
			if kind == "fmp4" {
				head = read(t, filepath.Join(dir, "init.mp4"))
				var err error
				if init, err = container.ParseInit(head); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"s0.seg", "s1.seg", "s2.seg"} {
				b := read(t, filepath.Join(dir, name))
				v := demux(t, init, b)
				if len(v.Units) != 50 || !v.Units[0].Key {
					t.Errorf("%s: %d units, first key %v", name, len(v.Units), v.Units[0].Key)
				}
				compare(t, v, ffprobe(t, write(t, head, b), kind == "mpegts"))
			}
		})
	}
}

func demux(t testing.TB, init *container.Init, b []byte) *container.Video {
	t.Helper()
	v, err := container.Demux(init, b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func check(t *testing.T, v *container.Video, codec container.Codec, height int) {
	t.Helper()
	params := 2
	if codec == container.HEVC {
		params = 3
	}
	if v.Codec != codec || v.Width != 320 || v.Height != height || v.Damaged != 0 || len(v.Params) != params {
		t.Errorf("got %v %dx%d, %d damaged, %d parameter sets", v.Codec, v.Width, v.Height, v.Damaged, len(v.Params))
	}
	checkNALUs(t, v)
}

func compare(t *testing.T, v *container.Video, want []packet) {
	t.Helper()
	if diff := cmp.Diff(want, packets(v, want)); diff != "" {
		t.Errorf("packets (-ffprobe +Demux):\n%s", diff)
	}
}

func nalus(t testing.TB, v *container.Video) [][][]byte {
	t.Helper()
	var all [][][]byte
	for _, u := range v.Units {
		n, err := u.NALUs()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// compareWithReader compares times and NAL units with mediacommon's reader.
func compareWithReader(t *testing.T, v *container.Video, b []byte) {
	t.Helper()
	r := &mpegts.Reader{R: bytes.NewReader(b)}
	if err := r.Initialize(); err != nil {
		t.Fatal(err)
	}
	var want [][][]byte
	take := func(_, _ int64, au [][]byte) error {
		for i := range au {
			au[i] = bytes.TrimRight(au[i], "\x00")
		}
		want = append(want, slices.Clone(au))
		return nil
	}
	for _, track := range r.Tracks() {
		switch track.Codec.(type) {
		case *mpegts.CodecH264:
			r.OnDataH264(track, take)
		case *mpegts.CodecH265:
			r.OnDataH265(track, take)
		}
	}
	for r.Read() == nil {
	}
	got := nalus(t, v)
	if len(got) != len(want) {
		t.Fatalf("%d units, mediacommon has %d", len(got), len(want))
	}
	for i := range want {
		if !slices.EqualFunc(got[i], want[i], bytes.Equal) {
			t.Errorf("unit %d: %d NAL units differ from mediacommon's %d", i, len(got[i]), len(want[i]))
		}
	}
}
