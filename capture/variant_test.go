package capture_test

import (
	"net/url"
	"strings"
	"testing"

	"spotter/capture"
	"spotter/capture/playlist"
)

func TestChoose(t *testing.T) {
	v := func(name string, height, bandwidth int, codecs string) playlist.Variant {
		return playlist.Variant{URL: &url.URL{Path: name}, Height: height, Bandwidth: bandwidth, Codecs: codecs}
	}
	for name, tc := range map[string]struct {
		list []playlist.Variant
		want string
	}{
		"the largest up to 1080 lines": {[]playlist.Variant{v("2160", 2160, 9, "avc1"), v("720", 720, 3, "avc1"), v("1080", 1080, 5, "avc1"), v("1440", 1440, 7, "avc1")}, "1080 720 1440 2160"},
		"no sound alone, no AV1":       {[]playlist.Variant{v("sound", 0, 1, "mp4a.40.2"), v("av1", 1080, 1, "av01.0.08M.08"), v("720", 720, 3, "mp4a.40.2,avc1.4d401f")}, "720"},
		"H.264 before HEVC and unsaid": {[]playlist.Variant{v("unsaid", 720, 1, ""), v("hevc", 720, 2, "hvc1.1.6"), v("h264", 720, 3, "AVC3.640028")}, "h264 hevc unsaid"},
		"the cheapest of one size":     {[]playlist.Variant{v("b", 1080, 8, "avc1"), v("a", 1080, 4, "avc1")}, "a b"},
		"no size: after known sizes":   {[]playlist.Variant{v("?", 0, 8, "avc1"), v("240", 240, 1, "avc1"), v("2160", 2160, 9, "avc1")}, "240 ? 2160"},
		"no size, no codecs":           {[]playlist.Variant{v("low", 0, 64, ""), v("high", 0, 4000, ""), v("middle", 0, 900, "")}, "high middle low"},
		"redundant ones stay in order": {[]playlist.Variant{v("b", 720, 4, "avc1"), v("a", 720, 4, "avc1")}, "b a"},
		"none":                         {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, v := range capture.Choose(tc.list) {
				got = append(got, v.URL.Path)
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s, want %s", s, tc.want)
			}
		})
	}
}
