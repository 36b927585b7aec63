//go:build !nocv

package opencv

import (
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"spotter/capture/container"
)

// maxPixels is the largest picture that is decoded: what H.264 level 5.2 allows, 4096x2304 (Rec. H.264 table A-1). A
// decoder may keep 16 of them, so a made-up size must not decide how much memory that is.
const maxPixels = 36_864 * 16 * 16

var (
	errNoSets = errors.New("no sequence parameter set")
	errSize   = errors.New("picture size out of range")
	errSizes  = errors.New("sequence parameter sets with different picture sizes")
)

// isSequenceSet reports whether a NAL unit is an SPS or, for HEVC, a VPS.
func isSequenceSet(codec container.Codec, nal []byte) bool {
	if codec == container.HEVC {
		t := h265.NALUType(nal[0] >> 1 & 0x3f)
		return t == h265.NALUType_SPS_NUT || t == h265.NALUType_VPS_NUT
	}
	t := h264.NALUType(nal[0] & 0x1f)
	return t == h264.NALUTypeSPS
}

// checkSize refuses parameter sets with a picture size that is absurd or cannot be read. All have to be of one size: OpenCV
// believes the header, and a decoder that makes pictures of another size would have it read beyond their end.
func checkSize(codec container.Codec, params [][]byte) error {
	var first [2][2]int64
	found := false
	for _, n := range params {
		if !holdsSize(codec, n) {
			continue
		}
		coded, cropped, err := pictureSize(codec, n)
		if err != nil {
			return fmt.Errorf("read sequence parameter set: %w", err)
		}
		for _, s := range [][2]int64{coded, cropped} {
			w, h := s[0], s[1]
			if w <= 0 || h <= 0 || w > maxPixels || h > maxPixels || w*h > maxPixels {
				return fmt.Errorf("%w: %dx%d, at most %d pixels are decoded: choose a smaller variant", errSize, w, h, maxPixels)
			}
		}
		if sizes := [2][2]int64{coded, cropped}; !found {
			first, found = sizes, true
		} else if sizes != first {
			return errSizes
		}
	}
	if !found {
		return errNoSets
	}
	return nil
}

// fullBytes returns the size of a decoded picture in BGR, as far as parameter sets tell.
func fullBytes(codec container.Codec, params [][]byte) int {
	for _, n := range params {
		if !holdsSize(codec, n) {
			continue
		}
		if coded, _, err := pictureSize(codec, n); err == nil {
			return int(max(0, min(coded[0], maxPixels)*min(coded[1], maxPixels)*3))
		}
	}
	return 0
}

// holdsSize reports whether a parameter set says how large pictures are.
func holdsSize(codec container.Codec, nal []byte) bool {
	switch codec {
	case container.MPEG2:
		return true
	case container.HEVC:
		return h265.NALUType(nal[0]>>1&0x3f) == h265.NALUType_SPS_NUT
	}
	return isSequenceSet(codec, nal)
}

// pictureSize returns width and height before and after cropping.
func pictureSize(codec container.Codec, nal []byte) (coded, cropped [2]int64, err error) {
	if codec == container.MPEG2 {
		w, h, err := mpeg2Size(nal)
		return [2]int64{w, h}, [2]int64{w, h}, err
	}
	if codec == container.HEVC {
		var s h265.SPS
		if err := s.Unmarshal(nal); err != nil {
			return coded, cropped, err
		}
		return [2]int64{int64(s.PicWidthInLumaSamples), int64(s.PicHeightInLumaSamples)}, [2]int64{int64(s.Width()), int64(s.Height())}, nil
	}
	var s h264.SPS
	if err := s.Unmarshal(nal); err != nil {
		return coded, cropped, err
	}
	h := (int64(s.PicHeightInMapUnitsMinus1) + 1) * 16
	if !s.FrameMbsOnlyFlag {
		h *= 2
	}
	return [2]int64{(int64(s.PicWidthInMbsMinus1) + 1) * 16, h}, [2]int64{int64(s.Width()), int64(s.Height())}, nil
}
