//go:build !nocv

package opencv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"spotter/capture"
	"spotter/capture/container"
)

// ticksPerMilli is the 90 kHz clock of PTS in milliseconds.
const ticksPerMilli = 90

// picture is one picture that the decoder will show.
type picture struct {
	pts    int64 // ticks after the first unit's PTS
	wanted *capture.Picture
}

func (p picture) ms() float64 { return float64(p.pts) / ticksPerMilli }

// tail is how long the last sample lasts, in ticks, so that no picture shown late lies behind the file's end.
const tail = 60_000 * ticksPerMilli

// write puts runs into the memory file as one MP4, whose header tells OpenCV codec, size and the decoder's delay without
// a look at the pictures, and whose time stamps come back with each. It returns the pictures in the order of their PTS.
func (d *Decoder) write(codec container.Codec, runs []capture.Run) ([]picture, error) {
	track, err := newTrack(codec, runs[0].Params)
	if err != nil {
		return nil, err
	}
	var list []picture
	var dts []int64
	base := runs[0].Units[0]
	for _, r := range runs {
		for i, u := range r.Units {
			if len(r.Units) == 1 {
				u.DTS = u.PTS // nothing is reordered
			}
			nalus, err := u.NALUs()
			if err != nil || len(nalus) == 0 {
				continue // damaged: its dependants will look it
			}
			if i == 0 { // all parameter sets, whatever the header has room for
				nalus = slices.Concat(r.Params, nalus)
			}
			payload, err := h264.AVCC(nalus).Marshal() // the same length-prefixed form for HEVC
			if err != nil {
				return nil, fmt.Errorf("mux access unit: %w", err)
			}
			sample := &pmp4.Sample{IsNonSyncSample: i != 0, PTSOffset: int32(capture.Unwrap(u.PTS - u.DTS)), PayloadSize: uint32(len(payload))}
			sample.GetPayload = func() ([]byte, error) { return payload, nil }
			track.Samples = append(track.Samples, sample)
			dts = append(dts, capture.Unwrap(u.DTS-base.PTS))
			list = append(list, picture{pts: capture.Unwrap(u.PTS - base.PTS), wanted: find(r.Pictures, u.PTS)})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	for i, s := range track.Samples { // a sample lasts until the next
		s.Duration = tail
		if i+1 < len(dts) {
			s.Duration = uint32(max(1, dts[i+1]-dts[i]))
		}
	}
	track.TimeOffset = -track.Samples[0].PTSOffset // the first unit's PTS is the file's zero
	slices.SortStableFunc(list, func(a, b picture) int { return cmp.Compare(a.pts, b.pts) })
	return list, d.store(track)
}

// store replaces the memory file's content.
func (d *Decoder) store(track *pmp4.Track) error {
	var b seekablebuffer.Buffer
	if err := (&pmp4.Presentation{Tracks: []*pmp4.Track{track}}).Marshal(&b); err != nil {
		return fmt.Errorf("mux pictures: %w", err)
	}
	if err := d.file.Truncate(0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	if _, err := d.file.WriteAt(b.Bytes(), 0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	return nil
}

func newTrack(codec container.Codec, params [][]byte) (*pmp4.Track, error) {
	t := &pmp4.Track{ID: 1, TimeScale: 1000 * ticksPerMilli}
	switch codec {
	case container.H264:
		c := &mp4.CodecH264{}
		for _, n := range params {
			switch h264.NALUType(n[0] & 0x1f) {
			case h264.NALUTypeSPS:
				c.SPS = n
			case h264.NALUTypePPS:
				c.PPS = n
			}
		}
		t.Codec = c
	case container.HEVC:
		c := &mp4.CodecH265{}
		for _, n := range params {
			switch h265.NALUType(n[0] >> 1 & 0x3f) {
			case h265.NALUType_VPS_NUT:
				c.VPS = n
			case h265.NALUType_SPS_NUT:
				c.SPS = n
			case h265.NALUType_PPS_NUT:
				c.PPS = n
			}
		}
		t.Codec = c
	default:
		return nil, fmt.Errorf("%w: codec %v", ErrDecode, codec)
	}
	return t, nil
}

func find(wanted []capture.Picture, pts int64) *capture.Picture {
	for i := range wanted {
		if wanted[i].PTS == pts {
			return &wanted[i]
		}
	}
	return nil
}

func equalSets(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
