package container_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

var square = container.Shape{AspectWidth: 1, AspectHeight: 1}

// with returns a square shape that change has changed.
func with(change func(s *container.Shape)) container.Shape {
	s := square
	change(&s)
	return s
}

func aspect(width, height int) container.Shape {
	return container.Shape{AspectWidth: width, AspectHeight: height}
}

// Of these ffprobe says otherwise: it takes a mirror for half a turn, and an fMP4's colr box for more than the SEI.
const (
	mirrored = "h264 mirrored by SEI"
	bySEI    = "hevc HLG by SEI"
)

// TestShape compares with what ffprobe makes of the same streams, and with what they were made to be.
func TestShape(t *testing.T) {
	const x264, x265 = " -c:v libx264 -preset ultrafast ", " -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le "
	hdr := func(transfer container.Transfer) container.Shape {
		return with(func(s *container.Shape) { s.Transfer, s.WideGamut = transfer, true })
	}
	interlaced := with(func(s *container.Shape) { s.Interlaced = true })
	turned := func(degrees int) container.Shape {
		return with(func(s *container.Shape) { s.Rotation = degrees })
	}
	pq := "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params log-level=error:hdr10=1"
	cases := []struct {
		name, args string
		want       container.Shape
	}{
		{"h264 16:11", "-vf setsar=16/11" + x264, aspect(16, 11)},
		{"h264 extended ratio", "-vf setsar=37/31" + x264, aspect(37, 31)},
		{"h264 absurd ratio", "-vf setsar=40/1" + x264, square},
		{"h264 full range", x264 + "-color_range pc", with(func(s *container.Shape) { s.FullRange = true })},
		{"h264 HLG", x264 + "-color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc", hdr(container.TransferHLG)},
		{"h264 interlaced", x264 + "-flags +ildct+ilme -x264-params tff=1", interlaced},
		{"h264 turned by SEI", x264 + "-bsf:v h264_metadata=display_orientation=insert:rotate=90", turned(270)},
		{"h264 half turn by SEI", x264 + "-bsf:v h264_metadata=display_orientation=insert:flip=horizontal+vertical", turned(180)},
		{mirrored, x264 + "-bsf:v h264_metadata=display_orientation=insert:flip=horizontal", square},
		{"hevc 4:3", "-vf setsar=4/3" + x265 + "-x265-params log-level=error", aspect(4, 3)},
		{"hevc PQ", x265 + pq, hdr(container.TransferPQ)},
		{"hevc HLG", x265 + strings.ReplaceAll(pq, "smpte2084 -colorspace bt2020nc -x265-params log-level=error:hdr10=1",
			"arib-std-b67 -colorspace bt2020nc -x265-params log-level=error"), hdr(container.TransferHLG)},
		{bySEI, x265 + "-x265-params log-level=error:atc-sei=18:transfer=14:colorprim=9:colormatrix=9", hdr(container.TransferHLG)},
		{"hevc fields", x265 + "-x265-params log-level=error:interlace=tff", interlaced},
		{"mpeg2 plain", " -c:v mpeg2video", square},
		{"mpeg2 interlaced", " -c:v mpeg2video -flags +ildct+ilme -top 1", interlaced},
		{"mpeg2 16:9", "-vf scale=360:288,setdar=16/9 -c:v mpeg2video", aspect(64, 45)},
		{"mpeg2 4:3", "-vf scale=352:288,setdar=4/3 -c:v mpeg2video", aspect(12, 11)},
		{"mpeg2 HLG", " -c:v mpeg2video -bsf:v mpeg2_metadata=colour_primaries=9:transfer_characteristics=18:matrix_coefficients=9", hdr(container.TransferHLG)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := ffmpeg(t, picture+"25:duration=0.1 "+c.args+" -f mpegts out.ts")
			compareShape(t, filepath.Join(dir, "out.ts"), c.want)
			if strings.HasPrefix(c.name, "mpeg2") {
				return
			}
			ffmpegIn(t, dir, "-i out.ts -c copy -movflags +frag_keyframe+empty_moov+default_base_moof out.mp4")
			compareShape(t, filepath.Join(dir, "out.mp4"), c.want)
		})
	}
}

func TestShapeOfTrackMatrix(t *testing.T) {
	dir := ffmpeg(t, picture+"25:duration=0.1 -c:v libx264 -preset ultrafast out.nut")
	for rotate, want := range map[int]int{0: 0, 90: 270, 180: 180, 270: 90} {
		t.Run(fmt.Sprint(rotate), func(t *testing.T) {
			ffmpegIn(t, dir, fmt.Sprintf("-i out.nut -c copy -metadata:s:v:0 rotate=%d -movflags +frag_keyframe+empty_moov out.mp4", rotate))
			compareShape(t, filepath.Join(dir, "out.mp4"), with(func(s *container.Shape) { s.Rotation = want }))
		})
	}
}

func compareShape(t *testing.T, path string, want container.Shape) {
	t.Helper()
	v := demux(t, nil, read(t, path))
	if diff := cmp.Diff(want, v.Shape); diff != "" {
		t.Errorf("%s (-want +got):\n%s", filepath.Base(path), diff)
	}
	for i, u := range v.Units {
		if (u.Shape == nil) != (u.Params == nil) || u.Shape != nil && *u.Shape != v.Shape {
			t.Errorf("unit %d: %d parameter sets, shape %v", i, len(u.Params), u.Shape)
		}
	}
	probed := probeShape(t, path)
	if v.Shape.AspectWidth*v.Shape.AspectHeight == 1 {
		probed.AspectWidth, probed.AspectHeight = 1, 1 // believes absurd ones
	}
	if strings.HasSuffix(t.Name(), strings.ReplaceAll(mirrored, " ", "_")) {
		probed.Rotation = 0
	}
	if strings.HasSuffix(t.Name(), strings.ReplaceAll(bySEI, " ", "_")) {
		probed.Transfer = container.TransferHLG
	}
	probed.Interlaced = v.Shape.Interlaced // tells by the encoder's flags
	if diff := cmp.Diff(probed, v.Shape); diff != "" {
		t.Errorf("%s (-ffprobe +Demux):\n%s", filepath.Base(path), diff)
	}
}

func probeShape(t *testing.T, path string) container.Shape {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "quiet", "-select_streams", "v:0", "-read_intervals", "%+#1", "-show_streams", "-show_frames", "-of", "json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	type side struct{ Rotation int }
	var found struct {
		Streams []struct {
			Aspect    string `json:"sample_aspect_ratio"`
			Transfer  string `json:"color_transfer"`
			Primaries string `json:"color_primaries"`
			Range     string `json:"color_range"`
			Side      []side `json:"side_data_list"`
		}
		Frames []struct {
			Side []side `json:"side_data_list"`
		}
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	stream := found.Streams[0]
	s := container.Shape{AspectWidth: 1, AspectHeight: 1, WideGamut: stream.Primaries == "bt2020", FullRange: stream.Range == "pc"}
	fmt.Sscanf(stream.Aspect, "%d:%d", &s.AspectWidth, &s.AspectHeight)
	switch stream.Transfer {
	case "smpte2084":
		s.Transfer = container.TransferPQ
	case "arib-std-b67":
		s.Transfer = container.TransferHLG
	}
	for _, d := range append(stream.Side, found.Frames[0].Side...) {
		if d.Rotation != 0 {
			s.Rotation = (360 - d.Rotation) % 360 // it counts against the clock
		}
	}
	return s
}
