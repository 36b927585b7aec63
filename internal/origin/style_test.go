package origin_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/origin"
)

// lines are the lines of a playlist that begin with a prefix, without it.
func lines(playlist, prefix string) (found []string) {
	for l := range strings.Lines(playlist) {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			found = append(found, strings.TrimSpace(rest))
		}
	}
	return found
}

func TestStyles(t *testing.T) {
	start := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	const clock, number = "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T", "#EXT-X-MEDIA-SEQUENCE:"
	for name, tc := range map[string]struct {
		style  origin.Style
		after  func(o *origin.Origin) // two segments are out
		prefix string
		want   []string
	}{
		"a target that lies":      {style: origin.Style{Target: 1}, prefix: "#EXT-X-TARGETDURATION:", want: []string{"1"}},
		"continuous":              {style: origin.Style{Continuous: true}, after: func(o *origin.Origin) { o.Publish(9) }, prefix: "#EXT-X-DISCONTINUITY"},
		"hidden":                  {style: origin.Style{HideDiscontinuities: true}, after: func(o *origin.Origin) { o.Publish(9) }, prefix: "#EXT-X-DISCONTINUITY"},
		"a clock on some":         {style: origin.Style{Start: start, ClockEvery: 2}, after: func(o *origin.Origin) { o.Publish(2) }, prefix: clock, want: []string{"14:00:00.000Z", "14:00:04.000Z"}},
		"a clock that drifts":     {style: origin.Style{Start: start, Drift: 5000}, prefix: clock, want: []string{"14:00:00.000Z", "14:00:02.010Z"}},
		"a clock that jumps":      {style: origin.Style{Start: start}, after: func(o *origin.Origin) { o.Jump(-time.Hour); o.Publish(1) }, prefix: clock, want: []string{"14:00:00.000Z", "14:00:02.000Z", "13:00:04.000Z"}},
		"tags at the head":        {style: origin.Style{Tags: []string{"#EXT-X-START:TIME-OFFSET=-4"}}, prefix: "#EXT-X-START:", want: []string{"TIME-OFFSET=-4"}},
		"other tags at the head":  {style: origin.Style{Tags: []string{"#EXT-X-START:TIME-OFFSET=-4"}}, after: func(o *origin.Origin) { o.SetTags("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"") }, prefix: "#EXT-X-DEFINE:", want: []string{`NAME="a",VALUE="b"`}},
		"a mark, once":            {after: func(o *origin.Origin) { o.Mark("#EXT-X-CUE-OUT:30", "#GARBAGE"); o.Publish(2) }, prefix: "#EXT-X-CUE-OUT", want: []string{":30"}},
		"numbers anew":            {style: origin.Style{Window: 2, First: 9}, after: func(o *origin.Origin) { o.Renumber(100); o.Publish(1) }, prefix: number, want: []string{"101"}},
		"numbers anew in a part":  {style: origin.Style{Part: time.Second}, after: func(o *origin.Origin) { o.PublishPart(1); o.Renumber(7) }, prefix: number, want: []string{"7"}},
		"a restart":               {style: origin.Style{First: 9}, after: func(o *origin.Origin) { o.Restart(3); o.Publish(1) }, prefix: number, want: []string{"3"}},
		"a gap in time":           {style: origin.Style{Start: start}, after: func(o *origin.Origin) { o.Skip(2); o.Publish(1) }, prefix: clock, want: []string{"14:00:00.000Z", "14:00:02.000Z", "14:00:08.000Z"}},
		"a break of nothing":      {after: func(o *origin.Origin) { o.Break(); o.Append(origin.Segment{Duration: time.Second}) }, prefix: "#EXT-X-DISCONTINUITY", want: []string{""}},
		"discontinuities, pruned": {style: origin.Style{Window: 2}, after: func(o *origin.Origin) { o.Publish(398) }, prefix: "#EXT-X-DISCONTINUITY-SEQUENCE:", want: []string{"99"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, letters(4), tc.style, func(b *bubble) {
				b.Publish(2)
				if tc.after != nil {
					tc.after(b.Origin)
				}
				got := b.get(origin.Media).body
				if diff := cmp.Diff(tc.want, lines(got, tc.prefix)); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, got)
				}
			})
		})
	}
}

func TestRenditionsAndSteering(t *testing.T) {
	other := letters(2)
	for i := range other.Segments {
		other.Segments[i].Body = []byte{'A' + byte(i)}
	}
	style := origin.Style{
		Pathway: "a", Variants: []string{`BANDWIDTH=1,PATHWAY-ID="a"`}, MultivariantTags: []string{`#EXT-X-DEFINE:NAME="n",VALUE="v"`},
		Renditions: []origin.Rendition{{Prefix: "/b", Attributes: `BANDWIDTH=1,PATHWAY-ID="b"`}, {Prefix: "/c", Attributes: "BANDWIDTH=9", Clip: other}},
	}
	inBubble(t, letters(2), style, func(b *bubble) {
		b.Publish(1)
		want := `#EXTM3U
#EXT-X-DEFINE:NAME="n",VALUE="v"
#EXT-X-CONTENT-STEERING:SERVER-URI="/steering.json",PATHWAY-ID="a"
#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID="a"
/live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID="b"
/b/live.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9
/c/live.m3u8
`
		if diff := cmp.Diff(want, b.get(origin.Multivariant).body); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := lines(b.get("/c"+origin.Media).body, "/"); !cmp.Equal(got, []string{"c/segment/0"}) {
			t.Errorf("the rendition has %q", got)
		}
		b.SetSteering(origin.Steering{TTL: 10, Priority: []string{"b", "a"}, ReloadURI: "/steering.json?again", Clones: []origin.Clone{
			{BaseID: "a", ID: "d", URI: map[string]any{"HOST": "d.example"}},
		}})
		want = `{"VERSION":1,"TTL":10,"RELOAD-URI":"/steering.json?again","PATHWAY-PRIORITY":["b","a"],` +
			`"PATHWAY-CLONES":[{"BASE-ID":"a","ID":"d","URI-REPLACEMENT":{"HOST":"d.example"}}]}`
		if diff := cmp.Diff(want, b.get(origin.SteeringPath).body); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b.Every("/b/", origin.Status(http.StatusServiceUnavailable))
		b.On("/b"+origin.SegmentPath(0), origin.Healthy())
		var got []string
		for _, path := range []string{"/b/segment/0", "/b/segment/0", "/b/live.m3u8", "/segment/0", "/c/segment/0"} {
			a := b.get(path)
			got = append(got, fmt.Sprint(a.status, " ", a.body[:1]))
		}
		b.Every("/b/", nil)
		got = append(got, fmt.Sprint(b.get("/b/segment/0").status))
		if diff := cmp.Diff([]string{"200 a", "503 S", "503 S", "200 a", "200 A", "200"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRenditionReports(t *testing.T) {
	inBubble(t, clipTS(t), origin.Style{Part: half, Renditions: []origin.Rendition{{Prefix: "/b"}}}, func(b *bubble) {
		b.Publish(1)
		for _, want := range []string{"LAST-MSN=0,LAST-PART=4", "LAST-MSN=1,LAST-PART=0", "LAST-MSN=1,LAST-PART=1"} {
			got := append(lines(b.get(origin.Media).body, "#EXT-X-RENDITION-REPORT:"), lines(b.get("/b"+origin.Media).body, "#EXT-X-RENDITION-REPORT:")...)
			if diff := cmp.Diff([]string{`URI="/b/live.m3u8",` + want, `URI="/live.m3u8",` + want}, got); diff != "" {
				t.Error(diff)
			}
			b.PublishPart(1)
		}
	})
}

// TestRenumberByteRanges reads a segment where its playlist says that it is.
func TestRenumberByteRanges(t *testing.T) {
	inBubble(t, letters(4), origin.Style{ByteRanges: true, Window: 1}, func(b *bubble) {
		b.Publish(3)
		b.Renumber(50)
		if got := lines(b.get(origin.Media).body, "#EXT-X-BYTERANGE:"); !cmp.Equal(got, []string{"1@2"}) {
			t.Error(got)
		}
		if got := b.get("/whole", "Range", "bytes=2-2").body; got != "c" {
			t.Errorf("%q", got)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	origin.New(letters(1), origin.Style{Part: half, Key: func(uint64) *origin.Key { return nil }})
}

func TestGate(t *testing.T) {
	for name, tc := range map[string]struct {
		gate   origin.Gate
		path   string
		header []string
		want   int
	}{
		"no query":          {origin.Gate{Query: "token=x"}, origin.Multivariant, nil, 403},
		"a wrong query":     {origin.Gate{Query: "token=x"}, origin.Media + "?token=y", nil, 403},
		"the query":         {origin.Gate{Query: "token=x"}, origin.Media + "?a=b&token=x", nil, 200},
		"no password":       {origin.Gate{User: "u", Password: "p"}, origin.Media, nil, 401},
		"a wrong password":  {origin.Gate{User: "u", Password: "p"}, origin.Media, []string{"Authorization", "Basic dTpx"}, 401},
		"the password":      {origin.Gate{User: "u", Password: "p"}, origin.Media, []string{"Authorization", "Basic dTpw"}, 200},
		"no header":         {origin.Gate{Header: "X-Key", Value: "v"}, origin.SegmentPath(0), nil, 403},
		"the header":        {origin.Gate{Header: "X-Key", Value: "v"}, origin.SegmentPath(0), []string{"X-Key", "v"}, 200},
		"no cookie":         {origin.Gate{Cookie: "s=1"}, origin.Media, nil, 403},
		"no cookie at home": {origin.Gate{Cookie: "s=1"}, origin.Multivariant, nil, 200},
		"another cookie":    {origin.Gate{Cookie: "s=1"}, origin.Media, []string{"Cookie", "s=2"}, 403},
		"the cookie":        {origin.Gate{Cookie: "s=1"}, origin.Media, []string{"Cookie", "t=2; s=1"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, letters(1), origin.Style{Gate: tc.gate}, func(b *bubble) {
				b.Publish(1)
				if got := b.get(tc.path, tc.header...).status; got != tc.want {
					t.Errorf("%d, want %d", got, tc.want)
				}
			})
		})
	}
	t.Run("the cookie of the multivariant playlist", func(t *testing.T) {
		inBubble(t, letters(1), origin.Style{Gate: origin.Gate{Cookie: "s=1"}}, func(b *bubble) {
			b.Publish(1)
			b.client.Jar, _ = cookiejar.New(nil)
			b.get(origin.Multivariant)
			if got := b.get(origin.Media).status; got != 200 {
				t.Error(got)
			}
			if c := b.client.Jar.Cookies(&url.URL{Scheme: "http", Host: "origin.example", Path: "/"}); len(c) != 1 {
				t.Error(c)
			}
		})
	})
}

func TestValidators(t *testing.T) {
	inBubble(t, letters(4), origin.Style{Validators: true}, func(b *bubble) {
		b.Publish(1)
		resp, err := b.client.Get("http://origin.example" + origin.Media)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		tag := resp.Header.Get("ETag")
		if got := b.get(origin.Media, "If-None-Match", tag); tag == "" || got.status != 304 || got.body != "" {
			t.Errorf("%d to %q", got.status, tag)
		}
		b.Publish(1)
		if got := b.get(origin.Media, "If-None-Match", tag).status; got != 200 {
			t.Errorf("changed: %d", got)
		}
		if q := b.Requests(); q[1].Validator != tag {
			t.Errorf("requests %v", q)
		}
	})
}

// TestIFrames reads each range of the I-frame playlist with ffprobe: one keyframe and nothing else.
func TestIFrames(t *testing.T) {
	uri := regexp.MustCompile(`#EXTINF:1\.000000,\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)\n`)
	for name, clip := range map[string]origin.Clip{
		"TS": clipTS(t), "fragments": clipFMP4(t), "fMP4": recipe(origin.Recipe{Segments: 3, FMP4: true, Length: time.Second})(t),
		"MPEG-2": recipe(origin.Recipe{Segments: 3, MPEG2: true, BFrames: 2})(t), "HEVC": recipe(origin.Recipe{Segments: 3, HEVC: true})(t),
	} {
		t.Run(name, func(t *testing.T) {
			o := origin.New(clip, origin.Style{IFrames: true, Window: 2, Query: "q"})
			client, address := serve(t, o)
			o.Publish(3)
			_, list, _ := get(t, client, address+origin.Multivariant)
			if got := lines(list, "#EXT-X-I-FRAME-STREAM-INF:"); len(got) != 1 || !strings.HasSuffix(got[0], `,URI="/iframes.m3u8?q"`) {
				t.Errorf("%q", got)
			}
			_, list, _ = get(t, client, address+origin.IFrames)
			found := uri.FindAllStringSubmatch(list, -1)
			want := 4
			if name == "fMP4" {
				want = 2
			}
			if len(found) != want || !strings.Contains(list, fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-I-FRAMES-ONLY\n", want/2)) {
				t.Fatalf("%d keyframes:\n%s", len(found), list)
			}
			for _, m := range found {
				r, err := http.NewRequest(http.MethodGet, address+m[3], nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Range", fmt.Sprintf("bytes=%s-%d", m[2], number(t, m[1])+number(t, m[2])-1))
				status, body, err := do(client, r)
				if err != nil || status != http.StatusPartialContent {
					t.Fatal(status, err)
				}
				frames := probe(t, append(append([]byte(nil), clip.Init...), body...), "v:0", "frame=pict_type")
				if len(frames) != 1 || frames[0][0] != "I" {
					t.Errorf("pictures %v in %s", frames, m[0])
				}
			}
		})
	}
}
