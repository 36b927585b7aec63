package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	main "spotter/cmd/spotter"

	"spotter/capture/container"
	"spotter/timeline"

	"spotter/internal/testmedia"
)

// TestAnalyzeRecordings has positions as a player shows them.
func TestAnalyzeRecordings(t *testing.T) {
	t.Parallel()
	needPictures(t)
	const delay = 200 // what ffmpeg puts B-frames of ten a second later by, where times below zero have no place
	for name, tc := range map[string]struct {
		args        []string
		from, until timeline.Position
	}{
		"h264.mp4":             {args(asH264), 0, 4_000},
		"h264.mkv":             {args("-c:v", "libx264", "-preset", "veryfast"), 0, 4_000},
		"h264.avi":             {args("-c:v", "libx264", "-preset", "veryfast"), delay, 4_000 + delay},
		"raw.h264":             {args("-c:v", "libx264", "-preset", "veryfast"), 0, 4_000},
		"hevc.mp4":             {args(asHEVC), 0, 4_000},
		"50%d.mp4":             {args(asH264), 0, 4_000},
		"later.mkv":            {args(asH264, "-output_ts_offset", "5"), 5_000, 9_000},
		"part 2.avi":           {args("-c:v", "mpeg4"), 0, 4_000},
		"vp9.webm":             {args("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"), 0, 4_000},
		"mpeg2.ts":             {args(asMPEG2), 0, 4_000},
		"mpeg2.mpg":            {args(asMPEG2), 0, 4_000},
		"mpeg2 interlaced.ts":  {args(asMPEG2, fields), 0, 4_000},
		"mpeg2 interlaced.mpg": {args(asMPEG2, fields), 0, 4_000},
		"h264 interlaced.ts":   {args("-c:v", "libx264", "-preset", "veryfast", fields), 0, 4_000},
		"interlaced.dv":        {args("-c:v", "dvvideo", "-pix_fmt", "yuv420p", fields, "-r", "25"), 0, 4_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clip(t, append(tc.args, name)...)
			analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, name)).spans(t, tc.from, tc.until)
		})
	}
}

// TestAnalyzePhotos has a photo be a still of one second.
func TestAnalyzePhotos(t *testing.T) {
	t.Parallel()
	needPictures(t)
	for _, photo := range []string{"messi5.jpg", "basketball1.png"} {
		analyze(t, "spotter", "--config", cascades(t), filepath.Join(clipFolder, photo)).spans(t, 0, 1_000)
	}
}

// turned makes recordings whose pictures lie on their side, as phones do, and returns their folder.
func turned(t *testing.T) string {
	t.Helper()
	dir := clip(t, args(asH264, "-vf", "transpose=clock", "side.mp4")...)
	testmedia.FFmpeg(t, dir, "-i", "side.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90", "turned.mp4")
	testmedia.FFmpeg(t, dir, "-i", "turned.mp4", "-c", "copy", "turned.mov")
	testmedia.FFmpeg(t, dir, "-i", "turned.mp4", "-c:v", "mpeg4", "-q:v", "3", "-vf", "null", "encoded.mp4")
	return dir
}

// TestAnalyzeTurnedPictures finds nobody where people lie on their side, and finds them where the file says so.
func TestAnalyzeTurnedPictures(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := turned(t)
	for name, people := range map[string]bool{"side.mp4": false, "turned.mp4": true, "turned.mov": true, "encoded.mp4": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := analyze(t, "spotter", "--config", cascades(t), filepath.Join(dir, name))
			if a.has("Person") != people || a.summary.Duration != 4*second {
				t.Errorf("got %+v, want people: %v", a, people)
			}
		})
	}
}

// TestPackagingKeepsShape has what only the container says of the pictures.
func TestPackagingKeepsShape(t *testing.T) {
	t.Parallel()
	needPictures(t)
	dir := turned(t)
	for _, name := range []string{"wide.mp4", "wide.mkv"} {
		testmedia.FFmpeg(t, dir, "-i", "side.mp4", "-c", "copy", "-aspect", "3:2", name)
	}
	for name, want := range map[string]container.Shape{
		"side.mp4":   {AspectWidth: 1, AspectHeight: 1},
		"turned.mp4": {AspectWidth: 1, AspectHeight: 1, Rotation: 270},
		"wide.mp4":   {AspectWidth: 2, AspectHeight: 1},
		"wide.mkv":   {AspectWidth: 2, AspectHeight: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := t.TempDir()
			if err := main.Package(t.Context(), filepath.Join(dir, name), to); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(to, "000000.mp4"))
			if err != nil {
				t.Fatal(err)
			}
			v, err := container.Demux(nil, b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, v.Shape); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
