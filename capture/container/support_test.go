package container_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"spotter/capture/container"

	"spotter/internal/testmedia"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ffmpeg runs it in a fresh folder, which it returns, or skips the test where it is not installed.
func ffmpeg(t testing.TB, args string) string {
	t.Helper()
	dir := t.TempDir()
	ffmpegIn(t, dir, args)
	return dir
}

func ffmpegIn(t testing.TB, dir, args string) {
	t.Helper()
	testmedia.FFmpeg(t, dir, strings.Fields(args)...)
}

// packet is what ffprobe and Demux agree on, in ticks of 90 kHz.
type packet struct {
	PTS, DTS int64
	Key      bool
}

const unknown = -1 << 62

// ffprobe returns the video packets of a file, with times of 33 bits where wrap is set.
func ffprobe(t testing.TB, path string, wrap bool) []packet {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("no ffprobe on the path")
	}
	cmd := exec.Command("ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_packets", "-show_streams", "-of", "json", path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	var found struct {
		Streams []struct {
			TimeBase string `json:"time_base"`
		}
		Packets []struct {
			PTS, DTS *int64
			Flags    string
		}
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	scale, err := strconv.ParseInt(strings.TrimPrefix(found.Streams[0].TimeBase, "1/"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	clock := func(v *int64) int64 {
		if v == nil {
			return unknown
		}
		ticks := *v*container.Clock*2 + scale
		at := ticks / (2 * scale)
		if ticks < 0 && ticks%(2*scale) != 0 {
			at--
		}
		if wrap {
			at = (at + 1<<33) % (1 << 33)
		}
		return at
	}
	var packets []packet
	for _, p := range found.Packets {
		packets = append(packets, packet{clock(p.PTS), clock(p.DTS), strings.HasPrefix(p.Flags, "K")})
	}
	return packets
}

// packets returns a video's units as ffprobe's packets; times that want does not know are left out.
func packets(v *container.Video, want []packet) []packet {
	var out []packet
	for i, u := range v.Units {
		p := packet{u.PTS, u.DTS, u.Key}
		if i < len(want) {
			if want[i].PTS == unknown {
				p.PTS = unknown
			}
			if want[i].DTS == unknown {
				p.DTS = unknown
			}
		}
		out = append(out, p)
	}
	return out
}

// checkNALUs reads every unit's NAL units and looks for start codes and delimiters left in them.
func checkNALUs(t testing.TB, v *container.Video) {
	t.Helper()
	for i, u := range v.Units {
		nalus, err := u.NALUs()
		if err != nil {
			t.Errorf("unit %d: %v", i, err)
		}
		for _, n := range nalus {
			if len(n) == 0 || bytes.Contains(n, []byte{0, 0, 1}) {
				t.Errorf("unit %d: bad NAL unit of %d bytes", i, len(n))
			}
		}
	}
}
