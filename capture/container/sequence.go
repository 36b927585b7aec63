package container

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

const (
	// maxSide bounds a believable picture's width and height in pixels.
	maxSide = 1 << 14
	// maxAspect bounds a believable sample's width to its height, and height to its width.
	maxAspect = 16
)

// colour is how samples are to be understood (ITU-T H.273); numbers are 0 where nobody says.
type colour struct {
	aspectWidth, aspectHeight int
	primaries, transfer       int
	rangeSaid, fullRange      bool
}

// sequence is what an SPS, or an MPEG-2 sequence header, says of its pictures.
type sequence struct {
	width, height int // after cropping; 0 if unreadable
	colour
	interlaced bool
}

// isSequence reports whether a parameter set is one that sequence reads.
func (c Codec) isSequence(nal []byte) bool {
	switch c {
	case H264:
		return h264.NALUType(nal[0]&31) == h264.NALUTypeSPS
	case HEVC:
		return hevcType(nal) == h265.NALUType_SPS_NUT
	}
	return true
}

// isPicture reports whether a parameter set is a PPS.
func (c Codec) isPicture(nal []byte) bool {
	switch c {
	case H264:
		return h264.NALUType(nal[0]&31) == h264.NALUTypePPS
	case HEVC:
		return hevcType(nal) == h265.NALUType_PPS_NUT
	}
	return false
}

// sequence reads the first sequence parameter set of params; false if there is none.
func (c Codec) sequence(params [][]byte) (sequence, bool) {
	for _, nal := range params {
		if !c.isSequence(nal) {
			continue
		}
		var s sequence
		switch c {
		case H264:
			s = sequenceH264(nal)
		case HEVC:
			s = sequenceHEVC(nal)
		case MPEG2:
			s = sequenceMPEG2(nal)
		}
		if s.width <= 0 || s.height <= 0 || s.width > maxSide || s.height > maxSide {
			s.width, s.height = 0, 0
		}
		return s, true
	}
	return sequence{}, false
}

func sequenceH264(nal []byte) sequence {
	var sps h264.SPS
	if sps.Unmarshal(nal) != nil {
		return sequence{}
	}
	s := sequence{width: sps.Width(), height: sps.Height(), interlaced: !sps.FrameMbsOnlyFlag}
	if v := sps.VUI; v != nil {
		if v.AspectRatioInfoPresentFlag {
			s.setAspect(int(v.AspectRatioIdc), int(v.SarWidth), int(v.SarHeight))
		}
		s.rangeSaid, s.fullRange = v.VideoSignalTypePresentFlag, v.VideoFullRangeFlag
		s.primaries, s.transfer = int(v.ColourPrimaries), int(v.TransferCharacteristics)
	}
	return s
}

func sequenceHEVC(nal []byte) sequence {
	var sps h265.SPS
	if sps.Unmarshal(nal) != nil {
		return sequence{}
	}
	level := sps.ProfileTierLevel
	s := sequence{width: sps.Width(), height: sps.Height()}
	s.interlaced = level.GeneralInterlacedSourceFlag && !level.GeneralProgressiveSourceFlag
	if v := sps.VUI; v != nil {
		if v.AspectRatioInfoPresentFlag {
			s.setAspect(int(v.AspectRatioIdc), int(v.SarWidth), int(v.SarHeight))
		}
		s.rangeSaid, s.fullRange = v.VideoSignalTypePresentFlag, v.VideoFullRangeFlag
		s.primaries, s.transfer = int(v.ColourPrimaries), int(v.TransferCharacteristics)
		s.interlaced = s.interlaced || v.FieldSeqFlag
	}
	return s
}

// setAspect takes an aspect_ratio_idc (H.264 table E-1), of which 255 has the ratio written out.
func (c *colour) setAspect(idc, width, height int) {
	ratios := [...][2]int{
		1: {1, 1},
		{12, 11},
		{10, 11},
		{16, 11},
		{40, 33},
		{24, 11},
		{20, 11},
		{32, 11},
		{80, 33},
		{18, 11},
		{15, 11},
		{64, 33},
		{160, 99},
		{4, 3},
		{3, 2},
		{2, 1},
	}
	switch {
	case idc == 255:
		c.aspectWidth, c.aspectHeight = width, height
	case idc < len(ratios):
		c.aspectWidth, c.aspectHeight = ratios[idc][0], ratios[idc][1]
	}
}

// over fills what c leaves unsaid from what a container says.
func (c colour) over(box colour) colour {
	const unspecified = 2 // primaries and transfer of table 2 and 3
	if c.aspectWidth == 0 || c.aspectHeight == 0 {
		c.aspectWidth, c.aspectHeight = box.aspectWidth, box.aspectHeight
	}
	if c.primaries == 0 || c.primaries == unspecified {
		c.primaries = box.primaries
	}
	if c.transfer == 0 || c.transfer == unspecified {
		c.transfer = box.transfer
	}
	if !c.rangeSaid {
		c.fullRange = box.fullRange
	}
	return c
}

// shape puts together what the parameter sets, the container and the key picture's SEI messages say.
func (s sequence) shape(box colour, turn int, sei spoken) Shape {
	const bt2020, pq, hlg = 9, 16, 18
	c := s.over(box)
	if sei.transfer != 0 {
		c.transfer = sei.transfer
	}
	out := Shape{Rotation: turn, WideGamut: c.primaries == bt2020, FullRange: c.fullRange, Interlaced: s.interlaced}
	if turn == 0 {
		out.Rotation = sei.rotation
	}
	out.AspectWidth, out.AspectHeight = believable(c.aspectWidth, c.aspectHeight)
	switch c.transfer {
	case pq:
		out.Transfer = TransferPQ
	case hlg:
		out.Transfer = TransferHLG
	}
	return out
}

// believable reduces a sample's aspect ratio, and makes it square where it is absurd.
func believable(width, height int) (int, int) {
	if width <= 0 || height <= 0 || width > maxAspect*height || height > maxAspect*width {
		return 1, 1
	}
	a, b := width, height
	for b != 0 {
		a, b = b, a%b
	}
	return width / a, height / a
}
