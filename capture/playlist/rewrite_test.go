package playlist_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/playlist"
)

// rewritten names addresses in their order, and returns the playlist and what the names stand for.
func rewritten(t *testing.T, body string, imported map[string]string) (string, []string, error) {
	t.Helper()
	base, err := url.Parse("https://user:pass@origin.example/live/main.m3u8?token=s3cret&_HLS_msn=4")
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	list, err := playlist.Rewrite([]byte(body), base, imported, func(use playlist.Use, address *url.URL, _ map[string]string) string {
		addresses = append(addresses, string(use)+" "+address.String())
		return fmt.Sprint("n", len(addresses))
	})
	if err != nil {
		return "", nil, err
	}
	text := string(list.Append(nil, "?q"))
	if len(text) != list.Size("?q") {
		t.Errorf("%d bytes, said to be %d", len(text), list.Size("?q"))
	}
	return text, addresses, nil
}

func TestRewrite(t *testing.T) {
	const own = "https://user:pass@origin.example"
	for name, tc := range map[string]struct {
		in, want  string
		addresses []string
	}{
		"multivariant": {
			`#EXTM3U
#EXT-X-VERSION:9
#EXT-X-DEFINE:NAME="host",VALUE="cdn.example"
#EXT-X-CONTENT-STEERING:SERVER-URI="https://steer.example/s3cret"
#EXT-X-SESSION-DATA:DATA-ID="x",URI="data.json"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, loud",DEFAULT=YES,URI="audio.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="https://{$host}/i.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=100,RESOLUTION=640x360,CODECS="avc1.4d,mp4a",AUDIO="a",CLOSED-CAPTIONS=NONE,X-FROM="https://origin.example/"
v.m3u8?a=b
not/announced.m3u8
# a comment with https://origin.example/
`,
			`#EXTM3U
#EXT-X-VERSION:9
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="n1?q"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, loud",DEFAULT=YES,URI="n2?q"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="n3?q"
#EXT-X-STREAM-INF:BANDWIDTH=100,RESOLUTION=640x360,CODECS="avc1.4d,mp4a",AUDIO="a",CLOSED-CAPTIONS=NONE
n4?q
`,
			[]string{
				"k " + own + "/live/key?token=s3cret", "p " + own + "/live/audio.m3u8?token=s3cret", "p https://cdn.example/i.m3u8",
				"p " + own + "/live/v.m3u8?a=b",
			},
		},
		"low latency": {
			`#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24
#EXT-X-PART-INF:PART-TARGET=0.33
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXT-X-MAP:URI="/init.mp4",BYTERANGE="700@0"
#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-23T14:00:00Z",SCTE35-OUT=0xFC,X-ASSET-LIST="https://ads.example/s3cret"
#EXT-X-CUE-OUT:30
#EXTINF:4.000, the title https://origin.example/
#EXT-X-BYTERANGE:1000@700
//other.example/10:30.mp4
#EXT-X-PART:DURATION=0.33,URI="p1.mp4",INDEPENDENT=YES,BYTERANGE="10@20"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.mp4",BYTERANGE-START=30
#EXT-X-RENDITION-REPORT:URI="../other.m3u8",LAST-MSN=10,LAST-PART=2
`,
			`#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24
#EXT-X-PART-INF:PART-TARGET=0.33
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXT-X-MAP:URI="n1?q",BYTERANGE="700@0"
#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-23T14:00:00Z",SCTE35-OUT=0xFC
#EXTINF:4.000,
#EXT-X-BYTERANGE:1000@700
n2?q
#EXT-X-PART:DURATION=0.33,URI="n3?q",INDEPENDENT=YES,BYTERANGE="10@20"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="n4?q",BYTERANGE-START=30
#EXT-X-RENDITION-REPORT:URI="n5?q",LAST-MSN=10,LAST-PART=2
`,
			[]string{
				"s " + own + "/init.mp4?token=s3cret", "s https://other.example/10:30.mp4", "s " + own + "/live/p1.mp4?token=s3cret",
				"s " + own + "/live/p2.mp4?token=s3cret", "p " + own + "/other.m3u8?token=s3cret",
			},
		},
		"hostile": {
			"#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"v\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"javascript:alert(1)\"\n" +
				"#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"com.apple\",URI=\"skd://s3cret\"\n" +
				"#EXTINF:1,a\rfile:///etc/passwd\n#EXTINF:1,\ndata:text/html,x\n#EXTINF:1,\n" + strings.Repeat("z", 4000) + "\n" +
				"#EXT-X-MAP:URI=\"a\rb\"\n#EXTINF:2,\u2028http://x/\nhttp://{$v}@h/a\u2028b\x01\n#EXT-X-ENDLIST:http://x/\n",
			"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"refused?q\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"com.apple\"\n" +
				"#EXTINF:1,\nrefused?q\n#EXTINF:1,\nrefused?q\n#EXTINF:1,\nrefused?q\n" +
				"#EXT-X-MAP:URI=\"n1?q\"\nn2?q\n#EXTINF:2,\nn3?q\n#EXT-X-ENDLIST\n",
			[]string{"s " + own + "/live/a?token=s3cret", "s " + own + "/live/b%22?token=s3cret", "s http://u:p@h/ab"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, addresses, err := rewritten(t, tc.in, map[string]string{"v": "u:p"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.addresses, addresses); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":     "",
		"a page":      "<html>",
		"both kinds":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb\n",
		"no variable": "#EXTM3U\n#EXTINF:1,\n{$none}\n",
		"no import":   "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"none\"\n",
		"too long":    "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"" + strings.Repeat("z", 4000) + "\"\n" + strings.Repeat("#EXT-X-DATERANGE:ID=\"{$a}{$a}{$a}{$a}\"\n", 2200),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := rewritten(t, body, nil); !errors.Is(err, playlist.ErrFormat) || strings.Contains(err.Error(), "s3cret") {
				t.Error(err)
			}
		})
	}
}

// FuzzRewrite looks for an address that gets through, and for a line that ends where a player thinks that it does.
func FuzzRewrite(f *testing.F) {
	f.Add("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a\",NAME=\"https://x\"\n#EXT-X-STREAM-INF:A=B\nv\n")
	f.Add("#EXTM3U\n#EXT-X-MAP:URI=\"a\rhttp://b\"\n#EXTINF:1\rhttp://b\n#EXT-X-VERSION:http://b\n")
	f.Fuzz(func(t *testing.T, body string) {
		got, _, err := rewritten(t, body, nil)
		if err != nil {
			return
		}
		if strings.Contains(got, "://") || strings.ContainsAny(got, "\r\u2028\u2029") || strings.Contains(got, "s3cret") {
			t.Errorf("%q", got)
		}
		for line := range strings.Lines(got) {
			line = strings.TrimSuffix(line, "\n")
			if !strings.HasPrefix(line, "#EXT") && !strings.HasSuffix(line, "?q") {
				t.Errorf("%q", line)
			}
		}
	})
}
