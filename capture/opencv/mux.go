//go:build !nocv

package opencv

import (
	"bytes"
	"cmp"
	"encoding/binary"
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

// head is a pause before the first picture, in ticks: of a time stamp 0 OpenCV believes that there is none.
const head = 1000 * ticksPerMilli

// write puts runs into the memory file as one MP4, whose header tells OpenCV codec, size and the decoder's delay without
// a look at the pictures, and whose time stamps come back with each. Sequence parameter sets are those of the first run
// alone: what else the units bring was not checked. It returns the pictures in the order of their PTS, and how many
// of the runs they are: at least one, and as many as one decoder can take in a row.
func (d *Decoder) write(codec container.Codec, runs []capture.Run) (list []picture, taken int, err error) {
	if err := checkSize(codec, runs[0].Params); err != nil {
		return nil, 1, err
	}
	track, err := newTrack(codec, runs[0].Params)
	if err != nil {
		return nil, 1, err
	}
	m := muxer{codec: codec, params: runs[0].Params, base: runs[0].Units[0].PTS}
	for taken = 0; taken < len(runs) && m.add(runs[taken], taken == 0); taken++ {
	}
	if len(m.list) == 0 {
		return nil, 1, nil
	}
	track.Samples, track.TimeOffset = m.samples, head
	for i, s := range track.Samples { // a sample lasts until the next
		s.Duration = tail
		if i+1 < len(m.dts) {
			s.Duration = uint32(min(max(1, m.dts[i+1]-m.dts[i]), tail))
		}
	}
	slices.SortStableFunc(m.list, func(a, b picture) int { return cmp.Compare(a.pts, b.pts) })
	return m.list, max(1, taken), d.store(track)
}

// muxer collects the samples of one file.
type muxer struct {
	codec   container.Codec
	params  [][]byte
	base    int64 // PTS of the first unit
	samples []*pmp4.Sample
	dts     []int64 // of each sample
	list    []picture
}

// add appends a run. It returns false for a lone keyframe behind others that is damaged, or that is not an IDR picture:
// with those H.264 decoders drop pictures around the hole in frame_num.
func (m *muxer) add(r capture.Run, first bool) bool {
	for i, u := range r.Units {
		if len(r.Units) == 1 {
			u.DTS = u.PTS // nothing is reordered
		}
		nalus, err := u.NALUs()
		if !first && (err != nil || m.codec == container.H264 && !h264.IsRandomAccess(nalus)) {
			return false
		}
		if err != nil {
			continue // damaged: its dependants will look it
		}
		payload := m.payload(nalus, i == 0)
		if payload == nil {
			continue
		}
		m.samples = append(m.samples, &pmp4.Sample{
			IsNonSyncSample: i != 0,
			PTSOffset:       int32(container.Unwrap(u.PTS - u.DTS)),
			PayloadSize:     uint32(len(payload)),
			GetPayload:      func() ([]byte, error) { return payload, nil },
		})
		m.dts = append(m.dts, container.Unwrap(u.DTS-m.base))
		m.list = append(m.list, picture{pts: container.Unwrap(u.PTS - m.base), wanted: find(r.Pictures, u.PTS)})
	}
	return true
}

// payload returns a unit as a sample, or nil where nothing is left of it.
func (m *muxer) payload(nalus [][]byte, first bool) []byte {
	if m.codec == container.MPEG2 {
		if !first {
			return mpeg2Picture(nil, bytes.Join(nalus, nil))
		}
		return mpeg2Picture(m.params[0], bytes.Join(nalus, nil))
	}
	nalus = slices.DeleteFunc(nalus, func(n []byte) bool { return isSequenceSet(m.codec, n) })
	if len(nalus) == 0 {
		return nil
	}
	if first { // all parameter sets, whatever the header has room for
		nalus = slices.Concat(m.params, nalus)
	}
	payload, err := h264.AVCC(nalus).Marshal() // the same length-prefixed form for HEVC
	if err != nil {
		return nil
	}
	return payload
}

// store replaces the memory file's content.
func (d *Decoder) store(track *pmp4.Track) error {
	var b seekablebuffer.Buffer
	if err := (&pmp4.Presentation{Tracks: []*pmp4.Track{track}}).Marshal(&b); err != nil {
		return fmt.Errorf("mux pictures: %w", err)
	}
	if c, ok := track.Codec.(*mp4.CodecMPEG1Video); ok {
		if err := putSize(b.Bytes(), c.Config); err != nil {
			return err
		}
	}
	if err := d.file.Truncate(0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	if _, err := d.file.WriteAt(b.Bytes(), 0); err != nil {
		return fmt.Errorf("write memory file: %w", err)
	}
	return nil
}

// putSize writes the picture size of a sequence header into the sample entry, for which the muxer has no field: width and
// height lie 24 bytes behind its type (ISO/IEC 14496-12, 12.1.3).
func putSize(file, header []byte) error {
	w, h, err := mpeg2Size(header)
	if err != nil {
		return fmt.Errorf("mux pictures: %w", err)
	}
	stsd := max(0, bytes.Index(file, []byte("stsd")))
	at := bytes.Index(file[stsd:], []byte("mp4v"))
	if at < 0 || stsd+at+4+24+4 > len(file) {
		return fmt.Errorf("mux pictures: no sample entry")
	}
	field := file[stsd+at+4+24:]
	binary.BigEndian.PutUint16(field, uint16(w))
	binary.BigEndian.PutUint16(field[2:], uint16(h))
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
	case container.MPEG2:
		t.Codec = &mp4.CodecMPEG1Video{Config: params[0]} // its object type says MPEG-2
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
