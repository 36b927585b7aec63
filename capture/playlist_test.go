package capture_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"

	"spotter/internal/testmedia"
)

// seeds are playlists of every kind that are read as they should be; the fuzzer starts from them.
var seeds = map[string]string{
	"media": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXTINF:6.006,\na.ts\n" +
		"#EXT-X-GAP\n#EXTINF:6,\nb.ts\n#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.5Z\n#EXTINF:4,t\nhttp://cdn.example/c.ts?x=1\n#EXTINF:4,\nd.ts\n",
	"ended": "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:10\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"700@9\"\n" +
		"#EXT-X-KEY:METHOD=AES-128,URI=\"k?a=b\",IV=0x0F\n#EXT-X-BYTERANGE:100@5\n#EXTINF:10,\nv.mp4\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-BYTERANGE:50\n#EXTINF:9,\nv.mp4\n#EXT-X-ENDLIST\n",
	"multivariant": "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\",AUDIO=\"a\"\nhi.m3u8\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\nsound.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n#EXT-X-START:TIME-OFFSET=1\n#EXT-X-VERSION:6\n",
	"odd": "\xef\xbb\xbf\n #EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n\r\n#EXTINF:2\r\n\r\na b.ts\r\nstray.ts\r\n#EXTINF:,\r\n#unknown\r\nc.ts",
}

func TestParsePlaylist(t *testing.T) {
	wall := time.Date(2026, 11, 23, 14, 0, 0, 5e8, time.UTC)
	at := func(name string) string { return "http://origin.example/a/" + name }
	for name, want := range map[string]*capture.Playlist{
		"media": {Target: 6 * time.Second, Sequence: 7, Segments: []capture.Reference{
			{Sequence: 7, Discontinuity: 2, URL: at("a.ts"), Duration: 6006 * time.Millisecond},
			{Sequence: 8, Discontinuity: 2, URL: at("b.ts"), Duration: 6 * time.Second, Gap: true},
			{Sequence: 9, Discontinuity: 3, URL: "http://cdn.example/c.ts?x=1", Duration: 4 * time.Second, Wall: wall},
			{Sequence: 10, Discontinuity: 3, URL: at("d.ts"), Duration: 4 * time.Second, Wall: wall.Add(4 * time.Second)},
		}},
		"ended": {Target: 10 * time.Second, VOD: true, Ended: true, Segments: []capture.Reference{
			{URL: at("v.mp4"), Offset: 5, Length: 100, Duration: 10 * time.Second, Method: "AES-128", Key: at("k?a=b"), IV: "0x0F", Map: at("i.mp4"), MapOffset: 9, MapLength: 700},
			{Sequence: 1, URL: at("v.mp4"), Offset: 105, Length: 50, Duration: 9 * time.Second, Map: at("i.mp4"), MapOffset: 9, MapLength: 700},
		}},
		"multivariant": {Variants: []capture.Variant{
			{URL: at("hi.m3u8"), Bandwidth: 5_000_000, Width: 1920, Height: 1080, Codecs: "avc1.640028,mp4a.40.2"},
			{URL: at("sound.m3u8"), Bandwidth: 64_000, Codecs: "mp4a.40.2"},
		}},
		"odd": {Target: 2 * time.Second, Segments: []capture.Reference{
			{URL: at("a%20b.ts"), Duration: 2 * time.Second},
			{Sequence: 1, URL: at("c.ts"), Duration: 2 * time.Second},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := capture.ParsePlaylist([]byte(seeds[name]), base)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDateTimeCountsBack(t *testing.T) {
	got, err := capture.ParsePlaylist([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nz\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\na\n#EXTINF:1.5,\nb\n"+
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n#EXTINF:2,\nc\n"), base)
	if err != nil {
		t.Fatal(err)
	}
	var walls []string
	for _, s := range got.Segments {
		walls = append(walls, s.Wall.Format("05.0"))
	}
	if diff := cmp.Diff([]string{"00.0", "56.5", "58.5", "00.0"}, walls); diff != "" {
		t.Errorf("seconds of the program date-times (-want +got):\n%s", diff)
	}
	if !got.Segments[0].Wall.IsZero() {
		t.Error("a date-time was carried across a discontinuity")
	}
}

func TestPlaylistRefused(t *testing.T) {
	const token = "s3cret"
	media := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	for name, text := range map[string]string{
		"nothing":                "",
		"an HTML page":           "<html>#EXTM3U</html>",
		"a header alone":         "#EXTM3U\n",
		"no target duration":     "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n",
		"segments and variants":  media + "#EXTINF:2,\na.ts\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n",
		"a key and variants":     "#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n #EXTINF:2,\na.ts\n  #EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n",
		"an unreadable URI":      media + "#EXTINF:2,\nhttp://user:" + token + "@h/%zz?token=" + token + "\n",
		"an unreadable key":      media + "#EXT-X-KEY:METHOD=AES-128,URI=\"http://h/%zz?" + token + "\"\n#EXTINF:2,\na\n",
		"an unreadable map":      media + "#EXT-X-MAP:URI=\"http://h/%zz?" + token + "\"\n#EXTINF:2,\na\n",
		"an unreadable variant":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://h/%zz?" + token + "\n",
		"a range without length": media + "#EXT-X-BYTERANGE:@4\n#EXTINF:2,\na\n",
		"a range of nothing":     media + "#EXT-X-BYTERANGE:0@4\n#EXTINF:2,\na\n",
		"a range before 0":       media + "#EXT-X-BYTERANGE:5@-4\n#EXTINF:2,\na\n",
		"a range without end":    media + "#EXT-X-BYTERANGE:9223372036854775807@9\n#EXTINF:2,\na\n",
		"a very long range":      media + "#EXT-X-BYTERANGE:" + strings.Repeat("9", 100_000) + "\n#EXTINF:2,\na\n",
		"too many segments":      media + strings.Repeat("#EXTINF:2,\na\n", capture.MaxSegments+1),
		"too many variants":      "#EXTM3U\n" + strings.Repeat("#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", capture.MaxVariants+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := capture.ParsePlaylist([]byte(text), base)
			if !errors.Is(err, capture.ErrPlaylist) {
				t.Fatalf("%v does not wrap ErrPlaylist", err)
			}
			if s := err.Error(); strings.Contains(s, token) || len(s) > 300 {
				t.Errorf("the error says too much: %.300s", s)
			}
		})
	}
}

// Thousands of renditions and variants once took time and memory by the cube of their number.
func TestManyRenditions(t *testing.T) {
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"%d\",URI=\"a\"\n", i)
	}
	for range capture.MaxVariants {
		b.WriteString("#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8\n")
	}
	if p, err := capture.ParsePlaylist([]byte(b.String()), base); err != nil || len(p.Variants) != capture.MaxVariants {
		t.Errorf("%v", err)
	}
}

func TestChoose(t *testing.T) {
	v := func(name string, height, bandwidth int, codecs string) capture.Variant {
		return capture.Variant{URL: name, Height: height, Bandwidth: bandwidth, Codecs: codecs}
	}
	for name, tc := range map[string]struct {
		list []capture.Variant
		want string
	}{
		"the largest up to 1080 lines": {[]capture.Variant{v("2160", 2160, 9, "avc1"), v("720", 720, 3, "avc1"), v("1080", 1080, 5, "avc1"), v("1440", 1440, 7, "avc1")}, "1080 720 1440 2160"},
		"no sound alone, no AV1":       {[]capture.Variant{v("sound", 0, 1, "mp4a.40.2"), v("av1", 1080, 1, "av01.0.08M.08"), v("720", 720, 3, "mp4a.40.2,avc1.4d401f")}, "720"},
		"H.264 before HEVC and unsaid": {[]capture.Variant{v("unsaid", 720, 1, ""), v("hevc", 720, 2, "hvc1.1.6"), v("h264", 720, 3, "AVC3.640028")}, "h264 hevc unsaid"},
		"the cheapest of one size":     {[]capture.Variant{v("b", 1080, 8, "avc1"), v("a", 1080, 4, "avc1")}, "a b"},
		"no size: after known sizes":   {[]capture.Variant{v("?", 0, 8, "avc1"), v("240", 240, 1, "avc1"), v("2160", 2160, 9, "avc1")}, "240 ? 2160"},
		"no size, no codecs":           {[]capture.Variant{v("low", 0, 64, ""), v("high", 0, 4000, ""), v("middle", 0, 900, "")}, "high middle low"},
		"none":                         {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, v := range capture.Choose(tc.list) {
				got = append(got, v.URL)
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s, want %s", s, tc.want)
			}
		})
	}
}

func FuzzPlaylist(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	if root, ok := testmedia.FindKit(f, "playlists"); ok {
		for _, path := range kitPlaylists(f, root) {
			f.Add(read(f, path))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := capture.ParsePlaylist(b, base)
		if err != nil && !errors.Is(err, capture.ErrPlaylist) {
			t.Fatalf("%v does not wrap ErrPlaylist", err)
		}
		if err != nil {
			return
		}
		if (p.Target > 0) == (len(p.Variants) > 0) {
			t.Fatalf("target duration %v and %d variants", p.Target, len(p.Variants))
		}
		for i, s := range p.Segments {
			if s.Sequence != p.Sequence+uint64(i) || s.Duration < 0 || s.Offset < 0 || s.Length < 0 {
				t.Fatalf("segment %d: %+v", i, s)
			}
		}
	})
}
