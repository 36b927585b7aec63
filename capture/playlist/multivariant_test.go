package playlist_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"spotter/capture/playlist"
)

const multivariantText = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n#EXT-X-START:TIME-OFFSET=1\n#EXT-X-VERSION:6\n" +
	"#EXT-X-CONTENT-STEERING:SERVER-URI=\"steer\",PATHWAY-ID=\"CDN-A\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-SESSION-KEY:METHOD=NONE\n" +
	"#EXT-X-STREAM-INF:BANDWIDTH=5000000,AVERAGE-BANDWIDTH=1,RESOLUTION=1920x1080,FRAME-RATE=29.970,CODECS=\"avc1.640028,mp4a.40.2\",VIDEO-RANGE=PQ,PATHWAY-ID=\"CDN-A\",STABLE-VARIANT-ID=\"v1\",AUDIO=\"a\"\n\n# comment\nhi.m3u8\n" +
	"#EXT-X-STREAM-INF: BANDWIDTH=6000000000 , RESOLUTION=640X360x2\nlow.m3u8\nstray.m3u8\n" +
	"#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=-2,FRAME-RATE=x\n" +
	"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=300,URI=\"i.m3u8\",CODECS=\"avc1.640028\"\nlast.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9\n"

func TestMultivariant(t *testing.T) {
	_, got, err := playlist.Parse([]byte(multivariantText), parseURL(t, base), nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, &playlist.Multivariant{
		Variants: []playlist.Variant{
			{
				URL: at(t, "hi.m3u8").URL, Bandwidth: 5_000_000, Width: 1920, Height: 1080, FrameRate: 29.97, Codecs: "avc1.640028,mp4a.40.2",
				VideoRange: "PQ", Pathway: "CDN-A", StableID: "v1",
			},
			{URL: at(t, "low.m3u8").URL, Bandwidth: 6_000_000_000, Width: 640},
			{URL: at(t, "last.m3u8").URL},
		},
		IFrames:   []playlist.Variant{{URL: at(t, "i.m3u8").URL, Bandwidth: 300, Codecs: "avc1.640028"}},
		Steering:  &playlist.Steering{Server: at(t, "steer").URL, Pathway: "CDN-A"},
		Keys:      []playlist.Key{{Method: "AES-128", URL: at(t, "k").URL}},
		Start:     &playlist.Start{Offset: time.Second},
		Variables: map[string]string{},
	}, got)
}

// defineCases has EXT-X-DEFINE with what it makes of a segment's URI; an empty one stands for an error.
var defineCases = map[string]struct{ tags, uri, want string }{
	"NAME and VALUE":           {`#EXT-X-DEFINE:NAME="a",VALUE="x/y"`, "{$a}/z", "x/y/z"},
	"an empty VALUE":           {`#EXT-X-DEFINE:NAME="a",VALUE=""`, "q{$a}", "q"},
	"IMPORT":                   {`#EXT-X-DEFINE:IMPORT="imp-1"`, "{$imp-1}.ts", "imported.ts"},
	"QUERYPARAM":               {`#EXT-X-DEFINE:QUERYPARAM="tok"`, "z?t={$tok}", "z?t=a+b/c"},
	"several in one line":      {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"2\"", "{$a}{$b}{$a}", "121"},
	"a value is not read over": {`#EXT-X-DEFINE:NAME="a",VALUE="%7B$"`, "{$a}", "%7B$"},
	"a value of another":       {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"{$a}2\"", "{$b}", "12"},
	"no reference":             {"", "{$}{a}{$a b}{$", "%7B$%7D%7Ba%7D%7B$a%20b%7D%7B$"},
	"not defined":              {"", "{$a}", ""},
	"defined afterwards":       {"#EXTINF:6,\n{$a}\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"", "z", ""},
	"defined twice":            {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"", "z", ""},
	"of itself":                {`#EXT-X-DEFINE:NAME="a",VALUE="{$a}"`, "z", ""},
	"IMPORT of nothing":        {`#EXT-X-DEFINE:IMPORT="b"`, "z", ""},
	"imported without IMPORT":  {"", "{$imp-1}", ""},
	"QUERYPARAM of nothing":    {`#EXT-X-DEFINE:QUERYPARAM="b"`, "z", ""},
	"no name":                  {`#EXT-X-DEFINE:VALUE="b"`, "z", ""},
}

func TestDefine(t *testing.T) {
	u := parseURL(t, base+"?tok=a%2Bb/c")
	for _, name := range slices.Sorted(maps.Keys(defineCases)) {
		tc := defineCases[name]
		t.Run(name, func(t *testing.T) {
			m, _, err := playlist.Parse([]byte(head+tc.tags+"\n#EXTINF:6,\n"+tc.uri+"\n"), u, map[string]string{"imp-1": "imported"})
			switch {
			case tc.want == "" && !errors.Is(err, playlist.ErrFormat):
				t.Errorf("%v does not wrap ErrFormat", err)
			case tc.want != "" && err != nil:
				t.Error(err)
			case tc.want != "":
				got := *m.Segments[0].URL
				if tc.uri[0] != 'z' { // it has no query of its own
					got.RawQuery = ""
				}
				compare(t, "http://origin.example/a/"+tc.want, got.String())
			}
		})
	}
}

// Variables stand in the values of attributes, and those of a multivariant playlist are for its media playlists.
func TestDefineInAttributes(t *testing.T) {
	_, v, err := playlist.Parse([]byte("#EXTM3U\n#EXT-X-DEFINE:NAME=\"cdn\",VALUE=\"http://c\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"{$cdn}\"\n{$cdn}/v\n"), parseURL(t, base), nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, map[string]string{"cdn": "http://c"}, v.Variables)
	compare(t, []playlist.Variant{{URL: parseURL(t, "http://c/v"), Bandwidth: 1, Pathway: "http://c"}}, v.Variants)
	m, _, err := playlist.Parse([]byte(head+"#EXT-X-DEFINE:IMPORT=\"cdn\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"{$cdn}/k\"\n"+segment), parseURL(t, base), v.Variables)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "http://c/k", m.Segments[0].Key.URL.String())
}

// A signed address passes its query on to what the playlist names by relative references without one.
func TestQueryPassesOn(t *testing.T) {
	u := parseURL(t, base+"?_HLS_msn=4&sig=a%2Fb&_HLS_part=1&_HLS_skip=v2&exp=9&_HLS_pathway=x&_HLS_throughput=1")
	m, _, err := playlist.Parse([]byte(head+"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"/i\"\n#EXTINF:6,\na.ts\n#EXTINF:6,\nb.ts?own=1\n#EXTINF:6,\nhttp://origin.example/a/c.ts\n"+
		"#EXTINF:6,\n//origin.example/a/d.ts\n#EXTINF:6,\n../10:30:05.ts\n#EXTINF:6,\n10:30:05.ts\n#EXTINF:6,\n#EXT-X-PART:URI=\"p\"\ne?\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n"), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	const q = "?sig=a%2Fb&exp=9"
	compare(t, []string{"a.ts" + q, "b.ts?own=1", "c.ts", "d.ts", "0:30:05.ts" + q, "10:30:05.ts" + q, "e" + q}, func() any {
		m.Segments[4].URL.Path = "/a/" + m.Segments[4].URL.Path[2:]
		return addresses(m)
	}())
	for _, got := range []string{m.Segments[0].Key.URL.RawQuery, m.Segments[0].Map.URL.RawQuery, m.Segments[6].Parts[0].URL.RawQuery, m.Hints[0].URL.RawQuery} {
		compare(t, q[1:], got)
	}
	_, v, err := playlist.Parse([]byte("#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"\n#EXT-X-STREAM-INF:\nv\n#EXT-X-I-FRAME-STREAM-INF:URI=\"i\"\n"), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{v.Steering.Server.RawQuery, v.Variants[0].URL.RawQuery, v.IFrames[0].URL.RawQuery} {
		compare(t, q[1:], got)
	}
}
