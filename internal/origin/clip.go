package origin

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Segment is the bytes of one media segment and what its playlist says of it.
type Segment struct {
	Body          []byte
	Duration      time.Duration
	Discontinuity bool // it starts after a discontinuity
	Gap           bool // EXT-X-GAP
}

// Clip is a stretch of stream that an origin publishes.
type Clip struct {
	Init     []byte // EXT-X-MAP of fMP4, nil for TS
	Segments []Segment
}

// Duration returns how long the clip lasts.
func (c Clip) Duration() (d time.Duration) {
	for _, s := range c.Segments {
		d += s.Duration
	}
	return d
}

// Restamp returns the clip with an offset, which may be negative, added to all of its PTS, DTS, PCR and decode times.
// Those of TS go round at 2^33. The clip itself stays as it is.
func (c Clip) Restamp(offset time.Duration) Clip {
	made := Clip{Init: c.Init}
	for _, s := range c.Segments {
		s.Body = c.restamp(s.Body, offset, nil, 0)
		made.Segments = append(made.Segments, s)
	}
	return made
}

// restamp returns a copy of a segment's body with an offset added, and for TS the continuity counters gone on by loops
// times counts.
func (c Clip) restamp(body []byte, offset time.Duration, counts map[uint16]int, loops int) []byte {
	body = bytes.Clone(body)
	if c.Init != nil {
		mp4Shift(body, offset, mp4Tracks(c.Init))
	} else {
		tsShift(body, offset, counts, loops)
	}
	return body
}

// Read makes a clip of what ffmpeg's HLS muxer wrote, of which it is given the playlist.
func Read(playlist string) (clip Clip, err error) {
	dir := filepath.Dir(playlist)
	list, err := os.ReadFile(playlist)
	if err != nil {
		return clip, err
	}
	var length float64
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			if length, err = strconv.ParseFloat(strings.TrimSuffix(text, ","), 64); err != nil {
				return clip, fmt.Errorf("read ffmpeg's playlist: %w", err)
			}
		}
		if text, ok := strings.CutPrefix(line, "#EXT-X-MAP:URI="); ok {
			if clip.Init, err = os.ReadFile(filepath.Join(dir, strings.Trim(text, `"`))); err != nil {
				return clip, err
			}
		}
		if line == "" || line[0] == '#' {
			continue
		}
		s := Segment{Duration: time.Duration(length * float64(time.Second))}
		if s.Body, err = os.ReadFile(filepath.Join(dir, line)); err != nil {
			return clip, err
		}
		clip.Segments = append(clip.Segments, s)
	}
	return clip, nil
}

// readFragments makes a clip of an fMP4 file of one fragment a frame, with a new segment after so many pictures.
func readFragments(file string, pictures int, duration time.Duration) (clip Clip, err error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return clip, err
	}
	all := boxes(body)
	for _, x := range all {
		if x.kind == "moof" {
			clip.Init = body[:x.at]
			break
		}
	}
	tracks, seen := mp4Tracks(clip.Init), 0
	for i, x := range all {
		if x.kind != "moof" || i+1 == len(all) {
			continue
		}
		if holdsVideo(x.body, tracks) {
			if seen%pictures == 0 {
				clip.Segments = append(clip.Segments, Segment{Duration: duration})
			}
			seen++
		}
		if n := len(clip.Segments); n > 0 { // audio before the first picture is left out
			s := &clip.Segments[n-1]
			s.Body = append(s.Body, body[x.at:all[i+1].to]...)
		}
	}
	if len(clip.Segments) == 0 {
		return clip, fmt.Errorf("read ffmpeg's fragments: %s has no picture", filepath.Base(file))
	}
	return clip, nil
}

func holdsVideo(moof []byte, tracks map[uint32]track) bool {
	for _, t := range within(moof, "traf") {
		if tracks[readFragment(t.body, tracks).id].video {
			return true
		}
	}
	return false
}
