package playlist_test

import (
	"fmt"
	"strings"
	"testing"

	"spotter/capture/playlist"
)

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1000, playlist.MaxSegments} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var s strings.Builder
			s.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-MAP:URI=\"init.mp4\"\n")
			for i := range n {
				fmt.Fprintf(&s, "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T%02d:%02d:%02d.000Z\n#EXTINF:2.000,\nvideo/1080p/segment_%d.m4s\n", i/1800%24, i/30%60, 2*i%60, i)
			}
			text, u := []byte(s.String()), parseURL(b, base+"?sig=0123456789abcdef")
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := playlist.Parse(text, u, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
