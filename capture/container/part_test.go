package container_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

// TestPartsOfTransportStream cuts a stream at packets into parts, as an LL-HLS packager may: every picture comes out of
// one of them, or is counted by those that it is cut into.
func TestPartsOfTransportStream(t *testing.T) {
	for _, encoder := range []string{"-c:v libx264 -preset veryfast -bf 2 -g 12", "-c:v mpeg2video -bf 2 -g 12"} {
		b := read(t, filepath.Join(ffmpeg(t, picture+"25:duration=2 "+encoder+" -f mpegts out.ts"), "out.ts"))
		whole := demux(t, nil, b)
		const size = 40 * packetSize
		tables := demux(t, nil, b[:size]).Tables
		times := map[int64]bool{}
		units, empty := 0, 0
		for part := range slices.Chunk(b, size) {
			v, err := container.Demux(tables, part)
			if errors.Is(err, container.ErrEmpty) { // inside a picture
				empty++
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			units += len(v.Units)
			if v.Damaged > 2 || v.Tables == nil {
				t.Errorf("%d damaged in a part of %d", v.Damaged, len(v.Units))
			}
			if !slices.ContainsFunc(v.Units, func(u container.Unit) bool { return u.Key }) && v.Params != nil {
				t.Error("parameter sets from nowhere")
			}
			for _, u := range v.Units {
				times[u.PTS] = true
			}
			checkPart(t, v)
		}
		if cuts := len(b)/size + 1; units < len(whole.Units)-cuts || empty > 3 || units > len(whole.Units)+cuts {
			t.Errorf("%d units in parts, %d in the whole", units, len(whole.Units))
		}
		for _, u := range whole.Units {
			delete(times, u.PTS)
		}
		if len(times) > 0 {
			t.Errorf("times that the whole has not: %v", times)
		}
	}
}

func checkPart(t *testing.T, v *container.Video) {
	t.Helper()
	for i, u := range v.Units {
		if _, err := u.NALUs(); err != nil {
			t.Errorf("unit %d: %v", i, err)
		}
	}
}

// chunks cuts an fMP4 behind its moov at every moof.
func chunks(b []byte) (head []byte, parts [][]byte) {
	at := bytes.Index(b, []byte("moof")) - 4
	head, b = b[:at], b[at:]
	for len(b) > 0 {
		next := bytes.Index(b[8:], []byte("moof"))
		if next < 0 {
			return head, append(parts, b)
		}
		parts = append(parts, b[:next+4])
		b = b[next+4:]
	}
	return head, parts
}

func TestPartsOfFragments(t *testing.T) {
	const flags = " -movflags +frag_every_frame+empty_moov+default_base_moof out.mp4"
	b := read(t, filepath.Join(ffmpeg(t, "-f lavfi -i sine=duration=1 "+picture+"25:duration=1 -c:v libx264 -preset veryfast -g 10 -bf 0 -c:a aac"+flags), "out.mp4"))
	want := demux(t, nil, b)
	head, parts := chunks(b)
	init, err := container.ParseInit(head)
	if err != nil {
		t.Fatal(err)
	}
	var got []packet
	audio := 0
	for _, p := range parts {
		v, err := container.Demux(init, p)
		switch {
		case errors.Is(err, container.ErrEmpty):
			audio++
		case err != nil:
			t.Error(err)
		default:
			got = append(got, packets(v, nil)...)
		}
	}
	if diff := cmp.Diff(packets(want, nil), got); diff != "" || audio == 0 {
		t.Errorf("%d parts of audio (-whole +parts):\n%s", audio, diff)
	}
	if v := demux(t, init, slices.Concat(parts[3:9]...)); v.Units[0].Key {
		t.Error("part of several fragments begins with a key")
	}
}

// ffprobePlaces returns where in the file its video packets begin.
func ffprobePlaces(t *testing.T, path string) []int {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries", "packet=pos", "-of", "csv=p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var places []int
	for _, line := range strings.Fields(string(out)) {
		place, err := strconv.Atoi(strings.Trim(line, ","))
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
	}
	return places
}

// TestIFrameRanges reads keyframes by their byte ranges, as an I-frame playlist names them.
func TestIFrameRanges(t *testing.T) {
	t.Run("ts", func(t *testing.T) {
		for _, encoder := range []string{"libx264 -preset veryfast", "mpeg2video"} {
			path := filepath.Join(ffmpeg(t, picture+"25:duration=2 -c:v "+encoder+" -g 12 -bf 2 out.ts"), "out.ts")
			b := read(t, path)
			all, places := ffprobe(t, path, true), ffprobePlaces(t, path)
			init, err := container.ParseInit(b[:places[0]])
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range all {
				if !p.Key {
					continue
				}
				end := len(b)
				if i+1 < len(all) {
					end = places[i+1]
				}
				v := demux(t, init, b[places[i]:end])
				if len(v.Units) != 1 || !v.Units[0].Key || v.Units[0].PTS != p.PTS || v.Params == nil || v.Damaged != 0 {
					t.Errorf("%s: picture at %d: %d units, %d damaged", encoder, p.PTS, len(v.Units), v.Damaged)
				}
				checkPart(t, v)
			}
		}
		b := gop(2)
		end := videoPacket(t, b, 1, 0)
		for _, last := range []int{end, end - packetSize} { // with and without the audio behind
			begin := videoPacket(t, b, 0, 0)
			init, err := container.ParseInit(b[:begin])
			if err != nil {
				t.Fatal(err)
			}
			v := demux(t, init, b[begin:last])
			if len(v.Units) != 1 || !v.Units[0].Key || v.Damaged != 0 || v.Units[0].PTS != 90000 {
				t.Errorf("%d units, %d damaged", len(v.Units), v.Damaged)
			}
			if n, err := v.Units[0].NALUs(); err != nil || len(n) != 3 || len(n[2]) != len(idr(0)) {
				t.Errorf("%d NAL units, %v", len(n), err)
			}
		}
	})
	t.Run("fmp4", func(t *testing.T) {
		b := read(t, filepath.Join(ffmpeg(t, picture+"25:duration=2 -c:v libx264 -preset veryfast -g 25 -movflags +frag_keyframe+empty_moov+default_base_moof out.mp4"), "out.mp4"))
		head, parts := chunks(b)
		init, err := container.ParseInit(head)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			whole := demux(t, init, p)
			key, err := whole.Units[0].NALUs()
			if err != nil {
				t.Fatal(err)
			}
			last := key[len(key)-1]
			end := bytes.Index(p, last) + len(last)
			for _, extra := range []int{0, 7} {
				v := demux(t, init, p[:end+extra])
				if len(v.Units) != 1 || !v.Units[0].Key || v.Units[0].PTS != whole.Units[0].PTS || v.Damaged != len(whole.Units)-1 {
					t.Errorf("%d bytes more: %d units, %d damaged", extra, len(v.Units), v.Damaged)
				}
				checkNALUs(t, v)
			}
			if _, err := container.Demux(init, p[:end-1]); !errors.Is(err, container.ErrFormat) {
				t.Errorf("keyframe cut: %v", err)
			}
		}
	})
}
