//go:build !nocv

package opencv

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/timeline"
)

// ticksPerMilli is the 90 kHz clock of PTS in milliseconds.
const ticksPerMilli = 90

// picture is one picture that the decoder will show.
type picture struct {
	pts    int64 // ticks after the first unit's PTS
	wanted *capture.Picture
}

func (p picture) ms() float64 { return float64(p.pts) / ticksPerMilli }

// at returns the position of the picture got, which the decoder showed where p was wanted.
func (p picture) at(got picture) timeline.Position {
	return p.wanted.At + timeline.Position((got.pts-p.pts)/ticksPerMilli)
}

// write puts runs into the memory file as one fragmented MP4, whose header tells OpenCV codec and size without a look
// at the pictures and whose time stamps come back with each. It returns the pictures in the order of their PTS.
func (d *Decoder) write(codec container.Codec, runs []capture.Run) ([]picture, error) {
	track, err := newTrack(codec, runs[0].Params)
	if err != nil {
		return nil, err
	}
	part := &fmp4.PartTrack{ID: track.ID}
	var list []picture
	var dts []int64
	base := runs[0].Units[0]
	for _, r := range runs {
		for i, u := range r.Units {
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
			pts := capture.Unwrap(u.PTS - base.PTS)
			dts = append(dts, capture.Unwrap(u.DTS-base.DTS))
			part.Samples = append(part.Samples, &fmp4.Sample{IsNonSyncSample: i != 0, Payload: payload, PTSOffset: int32(pts - dts[len(dts)-1])})
			list = append(list, picture{pts: pts, wanted: find(r.Pictures, u.PTS)})
		}
	}
	for i := range part.Samples { // a sample lasts until the next; the last for no time that matters
		part.Samples[i].Duration = ticksPerMilli
		if i+1 < len(dts) {
			part.Samples[i].Duration = uint32(max(1, dts[i+1]-dts[i]))
		}
	}
	slices.SortStableFunc(list, func(a, b picture) int { return cmp.Compare(a.pts, b.pts) })
	return list, d.store(track, part)
}

// store replaces the memory file's content.
func (d *Decoder) store(track *fmp4.InitTrack, part *fmp4.PartTrack) error {
	var b seekablebuffer.Buffer
	if err := (&fmp4.Init{Tracks: []*fmp4.InitTrack{track}}).Marshal(&b); err != nil {
		return fmt.Errorf("mux header: %w", err)
	}
	if _, err := b.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	header := bytes.Clone(b.Bytes())
	b.Reset()
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := (&fmp4.Part{Tracks: []*fmp4.PartTrack{part}}).Marshal(&b); err != nil {
		return fmt.Errorf("mux pictures: %w", err)
	}
	if err := d.file.Truncate(0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	if _, err := d.file.WriteAt(header, 0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	if _, err := d.file.WriteAt(b.Bytes(), int64(len(header))); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	return nil
}

func newTrack(codec container.Codec, params [][]byte) (*fmp4.InitTrack, error) {
	t := &fmp4.InitTrack{ID: 1, TimeScale: 1000 * ticksPerMilli}
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
