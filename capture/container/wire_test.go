package container_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/apart/wire"
	"spotter/capture/container"
	"spotter/internal/testmedia"
)

// recorded returns what ffmpeg makes: a segment, with its initialisation section where it has one.
func recorded(t testing.TB, fmp4 bool, encoder ...string) (head, segment []byte) {
	t.Helper()
	dir := testmedia.Stream{Rate: "25", Seconds: 1, FMP4: fmp4, Encoder: encoder}.Make(t)
	name := "index0.ts"
	if fmp4 {
		name = "index0.m4s"
		head = readFile(t, filepath.Join(dir, "init.mp4"))
	}
	return head, readFile(t, filepath.Join(dir, name))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func demuxed(t testing.TB, head, segment []byte) *container.Video {
	t.Helper()
	var init *container.Init
	if head != nil {
		var err error
		if init, err = container.ParseInit(head); err != nil {
			t.Fatal(err)
		}
	}
	v, err := container.Demux(init, segment)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVideoGoesOverTheWire(t *testing.T) {
	x264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "12"}
	for _, tt := range []struct {
		name    string
		fmp4    bool
		encoder []string
	}{
		{"TS, H.264", false, x264},
		{"fMP4, H.264", true, x264},
		{"TS, HEVC", false, []string{"-c:v", "libx265", "-preset", "ultrafast", "-g", "12", "-x265-params", "log-level=none"}},
		{"TS, MPEG-2", false, []string{"-c:v", "mpeg2video", "-bf", "2"}},
		{"TS, interlaced H.264", false, append(x264, "-flags", "+ildct+ilme", "-x264opts", "tff=1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head, segment := recorded(t, tt.fmp4, tt.encoder...)
			v := demuxed(t, head, segment)
			b, err := container.AppendVideo(nil, v, segment)
			if err != nil {
				t.Fatal(err)
			}
			got, err := container.ReadVideo(wire.NewReader(b), segment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Error(diff)
			}
			t.Logf("%d units in %d bytes", len(v.Units), len(b))
			meta, raws := container.AppendUnits(nil, nil, v.Units)
			var data []byte
			for _, r := range raws {
				data = append(data, r...)
			}
			r := wire.NewReader(meta)
			units, rest := container.ReadUnits(r, append(data, 7))
			if err := r.End(); err != nil || len(rest) != 1 {
				t.Fatal(err, len(rest))
			}
			if diff := cmp.Diff(v.Units, units, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVideoOfOtherBytesIsRefused(t *testing.T) {
	_, segment := recorded(t, false, "-c:v", "libx264", "-preset", "veryfast", "-g", "12")
	v := demuxed(t, nil, segment)
	if _, err := container.AppendVideo(nil, v, append([]byte{}, segment...)); err == nil {
		t.Error("units outside the segment were written")
	}
	b, err := container.AppendVideo(nil, v, segment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := container.ReadVideo(wire.NewReader(b), segment[:len(segment)/2]); err == nil {
		t.Error("units outside the segment were believed")
	}
	for n := range len(b) {
		if _, err := container.ReadVideo(wire.NewReader(b[:n]), segment); err == nil {
			t.Fatalf("%d of %d bytes were believed", n, len(b))
		}
	}
}

// FuzzReadVideo has what the decoder's process says of a segment read by its parent.
func FuzzReadVideo(f *testing.F) {
	_, segment := recorded(f, false, "-c:v", "libx264", "-preset", "veryfast", "-g", "12")
	b, err := container.AppendVideo(nil, demuxed(f, nil, segment), segment)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := container.ReadVideo(wire.NewReader(b), segment)
		if err != nil {
			return
		}
		for _, u := range v.Units {
			if _, err := u.NALUs(); err != nil {
				continue
			}
		}
		again, err := container.AppendVideo(nil, v, segment)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := container.ReadVideo(wire.NewReader(again), segment); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
