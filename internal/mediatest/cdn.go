package mediatest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/timeline"
)

// secondCue is the cup's second scene as a cue.
const secondCue = "45000-50250-2\n00:00:45.000 --> 00:00:50.250\n" +
	`{"media":"cup-final","from":45.0,"until":50.25,"source":"rekognition","revision":2,` +
	`"celebrities":[{"name":"Lin-Manuel Miranda","id":"3Ir0du6","urls":["www.imdb.com/name/nm0592135"],"confidence":99.1}],` +
	`"objects":[{"name":"Couch","confidence":90}]}` + "\n\n"

func textTrack(t *testing.T, open Backend) {
	m := event("<b>", timeline.New([]*timeline.Observation{
		{Media: "<b>", Span: timeline.Span{From: -20_000, Until: -10_000}, Source: timeline.SourceONNX, Revision: 1},
		{Media: "<b>", Span: timeline.Span{From: -5_000, Until: 3_661_001}, Source: timeline.SourceONNX, Revision: 1, Objects: []timeline.Entity{{Name: "a --> b\n\nc & d", Confidence: 50}}},
	}, []timeline.Span{{From: -20_000, Until: 3_661_001}}))
	c := Client(t, Server(open(t, m, Cup()[1])))
	for path, want := range map[string]string{
		"cup-final/timeline.vtt?from=46&until=49": "WEBVTT\n\n" + secondCue,
		"cup-final/timeline.vtt?from=80&until=90": "WEBVTT\n\n",
		"%3Cb%3E/timeline.vtt": "WEBVTT\n\n-5000-3661001-1\n00:00:00.000 --> 01:01:01.001\n" +
			`{"media":"\u003cb\u003e","from":-5.0,"until":3661.001,"source":"onnx","revision":1,"celebrities":[],` +
			`"objects":[{"name":"a --\u003e b\n\nc \u0026 d","confidence":50}]}` + "\n\n",
	} {
		resp, body := Send(t, c, http.MethodGet, "/v1/media/"+path)
		if diff := cmp.Diff(want, body); diff != "" || resp.Header.Get("Content-Type") != "text/vtt" {
			t.Error(path, resp.Header, diff)
		}
	}
}

func gridWindows(t *testing.T, open Backend) {
	c := Client(t, Server(open(t, Cup()...)))
	for window, question := range map[string]string{
		"40-50": "position=40&forward=10", "45-60": "position=45&forward=15", "50-51": "position=50&forward=1", "0-60": "position=0&forward=60",
		"120-135": "position=120&forward=15", "-10-0": "position=0&backward=10", "118-120": "position=118&forward=2", "46-48": "position=46&forward=2",
	} {
		_, want := Send(t, c, http.MethodGet, "/v1/media/cup-final/context?"+question)
		if _, until, _ := strings.Cut(window[1:], "-"); strings.Contains(want, `"complete":true`) {
			want = strings.Replace(want, `"analyzed_until":120.0`, `"analyzed_until":`+until+`.0`, 1)
		}
		_, body := Send(t, c, http.MethodGet, "/v1/media/cup-final/windows/"+window+"?profile=p1")
		if diff := cmp.Diff(want, body); diff != "" {
			t.Error(window, diff)
		}
	}
}

func gridCaching(t *testing.T, open Backend) {
	c := Client(t, Server(open(t, Cup()[1], event("ended", timeline.New(nil, []timeline.Span{{From: 0, Until: 200_000}})))))
	for path, want := range map[string]string{
		"cup-final/windows/40-50":           forever,
		"cup-final/windows/45-60":           live, // settled until 60 s
		"cup-final/windows/110-120":         live,
		"cup-final/windows/105-120":         live,
		"cup-final/windows/60-120":          live,
		"ended/windows/120-135":             forever,
		"ended/windows/180-195":             ended,
		"ended/windows/240-300":             ended,
		"cup-final/metadata/4.vtt":          forever,
		"cup-final/metadata/5.vtt":          live,
		"ended/metadata/19.vtt":             ended,
		"ended/metadata.m3u8":               ended,
		"ended/dateranges.m3u8":             ended,
		"cup-final/timeline.vtt":            live,
		"ended/timeline.vtt?from=1&until=2": forever,
	} {
		resp, _ := Send(t, c, http.MethodGet, "/v1/media/"+path)
		if got := resp.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func metadataPlaylist(t *testing.T, open Backend) {
	const head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:"
	over := event("over", timeline.New([]*timeline.Observation{
		{
			Media: "over", Span: timeline.Span{From: 3_600_500, Until: 3_604_000}, Source: timeline.SourceONNX, Revision: 3,
			Objects: []timeline.Entity{{Name: `A "B"; {$c}`}, {Name: "100 %\n日本"}},
		},
		{Media: "over", Span: timeline.Span{From: 3_604_000, Until: 3_605_000}, Source: timeline.SourceONNX, Revision: 1},
	}, []timeline.Span{{From: -7_000, Until: 5_000}, {From: 3_600_000, Until: 3_612_500}}))
	c := Client(t, Server(open(t, Cup()[1], over, Cup()[2])))
	const celebrities = `#EXT-X-DATERANGE:ID="cup-final:45.0:2",CLASS="com.spotter.observation",START-DATE="2026-11-23T14:00:45.000Z",DURATION=5.25,` +
		`X-COM-SPOTTER-POSITION=45.0,X-COM-SPOTTER-SOURCE="rekognition",X-COM-SPOTTER-CELEBRITIES="Lin-Manuel Miranda",X-COM-SPOTTER-OBJECTS="Couch"` + "\n"
	const hostile = `#EXT-X-DATERANGE:ID="over:3600.5:3",CLASS="com.spotter.observation",START-DATE="2026-11-23T15:00:00.500Z",DURATION=3.5,` +
		`X-COM-SPOTTER-POSITION=3600.5,X-COM-SPOTTER-SOURCE="onnx",X-COM-SPOTTER-OBJECTS="A %22B%22%3B %7B$c%7D;100 %25%0A日本"` + "\n"
	segments := func(names ...string) (b string) {
		for _, n := range names {
			b += "#EXTINF:10.0,\nmetadata/" + n + ".vtt\n"
		}
		return b
	}
	const last = "#EXTINF:2.5,\nmetadata/361.vtt\n#EXT-X-ENDLIST\n"
	for path, want := range map[string]string{
		"cup-final/metadata.m3u8": head + "0\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.000Z\n" +
			segments("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"),
		"cup-final/metadata.m3u8?from=95":    head + "9\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:01:30.000Z\n" + segments("9", "10", "11"),
		"cup-final/metadata.m3u8?from=900":   head + "12\n",
		"warm-up/metadata.m3u8":              head + "0\n",
		"warm-up/dateranges.m3u8":            head + "0\n",
		"over/metadata.m3u8?from=3595":       head + "359\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:59:50.000Z\n" + segments("359", "360") + last,
		"cup-final/dateranges.m3u8?from=100": head + "10\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:01:40.000Z\n" + segments("10", "11"),
		"cup-final/dateranges.m3u8?from=50":  head + "5\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:50.000Z\n" + celebrities + segments("5", "6", "7", "8", "9", "10", "11"),
		"over/dateranges.m3u8?from=3595":     head + "359\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:59:50.000Z\n" + hostile + segments("359", "360") + last,
	} {
		resp, body := Send(t, c, http.MethodGet, "/v1/media/"+path)
		if diff := cmp.Diff(want, body); diff != "" || resp.Header.Get("Content-Type") != "application/vnd.apple.mpegurl" {
			t.Error(path, resp.Status, resp.Header, diff)
		}
	}
	for path, want := range map[string]int{"metadata.m3u8": 360, "metadata.m3u8?from=-100": 362, "dateranges.m3u8": 30, "dateranges.m3u8?from=0": 360} {
		_, body := Send(t, c, http.MethodGet, "/v1/media/over/"+path)
		if got := strings.Count(body, "#EXTINF:"); got != want {
			t.Errorf("%s: %d segments", path, got)
		}
	}
	without := Cup()[1]
	without.Zero = time.Time{}
	c = Client(t, Server(open(t, without)))
	for path, want := range map[string]string{"metadata.m3u8": head + "11\n" + segments("11"), "dateranges.m3u8": head + "11\n" + segments("11")} {
		if _, body := Send(t, c, http.MethodGet, "/v1/media/cup-final/"+path+"?from=110"); body != want {
			t.Errorf("%s without a clock: %s", path, body)
		}
	}
}

func metadataSegments(t *testing.T, open Backend) {
	m := Cup()
	m[2].Status.State = httpapi.StateEnded
	m[2].Timeline = timeline.New(nil, []timeline.Span{{From: 0, Until: 25_000}})
	c := Client(t, Server(open(t, m...)))
	const head = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:"
	for path, want := range map[string]string{
		"cup-final/metadata/5.vtt":                   head + "00:00:50.000,MPEGTS:4500000\n\n" + secondCue,
		"cup-final/metadata/6.vtt":                   head + "00:01:00.000,MPEGTS:5400000\n\n",
		"cup-final/metadata/5.vtt?mpegts=900000":     head + "00:00:50.000,MPEGTS:5400000\n\n" + secondCue,
		"cup-final/metadata/5.vtt?mpegts=8589934591": head + "00:00:50.000,MPEGTS:4499999\n\n" + secondCue,
		"warm-up/metadata/2.vtt":                     head + "00:00:20.000,MPEGTS:1800000\n\n",
	} {
		resp, body := Send(t, c, http.MethodGet, "/v1/media/"+path)
		if diff := cmp.Diff(want, body); diff != "" || resp.Header.Get("Content-Type") != "text/vtt" {
			t.Error(path, resp.Header, diff)
		}
	}
	resp, body := Send(t, c, http.MethodGet, "/v1/media/warm-up/metadata/3.vtt")
	CheckProblem(t, resp, body, 404, "")
}
