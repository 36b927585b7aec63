package capture

import (
	"cmp"
	"slices"
	"strings"

	"spotter/capture/playlist"
)

// fullHeight is the height up to which a larger picture helps: Rekognition wants faces of 40 pixels in 1080 lines.
const fullHeight = 1080

// choose returns the variants in the order in which they suit analysis: video that can be decoded before what cannot
// be told, the largest picture up to fullHeight, H.264 before HEVC (cheaper to decode), the lowest bit rate, or the
// highest where nobody says how large the picture is. The list is empty when none has video.
func choose(variants []playlist.Variant) []playlist.Variant {
	out := slices.DeleteFunc(slices.Clone(variants), func(v playlist.Variant) bool { return codecRank(v.Codecs) > 2 })
	slices.SortStableFunc(out, func(a, b playlist.Variant) int {
		return cmp.Or(
			cmp.Compare(heightRank(a.Height), heightRank(b.Height)),
			cmp.Compare(codecRank(a.Codecs), codecRank(b.Codecs)),
			rate(a.Height, a.Bandwidth, b.Bandwidth),
		)
	})
	return out
}

func rate(height, a, b int) int {
	if height == 0 {
		a, b = b, a
	}
	return cmp.Compare(a, b)
}

// heightRank orders 1080, 720, ..., 0, then 1081 and up.
func heightRank(h int) int {
	if h > fullHeight {
		return h
	}
	return fullHeight - h
}

// codecRank is 0 for H.264, 1 for HEVC, 2 where CODECS says nothing, 3 for what cannot be decoded or has no video
// (RFC 6381 names).
func codecRank(codecs string) int {
	switch codecs = strings.ToLower(codecs); {
	case codecs == "":
		return 2
	case strings.Contains(codecs, "avc1"), strings.Contains(codecs, "avc3"):
		return 0
	case strings.Contains(codecs, "hvc1"), strings.Contains(codecs, "hev1"):
		return 1
	}
	return 3
}
