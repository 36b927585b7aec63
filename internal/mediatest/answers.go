package mediatest

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// answers checks what is said of the cup.
func answers(t *testing.T, open Backend) {
	const cupStatus = `{"media":"cup-final","state":"live","live_edge":125.5,"analyzed_until":120.0,` +
		`"started_at":"2026-11-23T14:00:00Z","source":"rekognition",` +
		`"faults":[{"at":"2026-11-23T14:00:00Z","kind":"fetch","message":"404 <b>","count":3}]}`
	const warmUpStatus = `{"media":"warm-up","state":"waiting","live_edge":null,"analyzed_until":null,` +
		`"started_at":null,"source":null,"faults":[]}`
	const hostileStatus = `{"media":"<b>&/\"é","state":"stopped","live_edge":null,"analyzed_until":null,` +
		`"started_at":null,"source":null,"faults":[]}`
	const couch = `{"name":"Couch","confidence":93.4,"from":40.0,"until":50.25,"source":"onnx"}`
	const window = `{"media":"cup-final","from":40.0,"until":55.0,"analyzed_until":120.0,"complete":true,` +
		`"celebrities":[{"name":"Lin-Manuel Miranda","id":"3Ir0du6","urls":["www.imdb.com/name/nm0592135"],` +
		`"confidence":99.1,"from":45.0,"until":50.25,"source":"rekognition"}],"objects":[` + couch + `]`
	const first = `{"media":"cup-final","from":10.0,"until":45.0,"source":"onnx","revision":1,` +
		`"celebrities":[],"objects":[{"name":"Couch","confidence":93.4}]}`
	const second = `{"media":"cup-final","from":45.0,"until":50.25,"source":"rekognition","revision":2,` +
		`"celebrities":[{"name":"Lin-Manuel Miranda","id":"3Ir0du6","urls":["www.imdb.com/name/nm0592135"],"confidence":99.1}],` +
		`"objects":[{"name":"Couch","confidence":90}]}`

	cases := []struct{ name, path, want string }{
		{"all media", "/v1/media", `{"media":[` + hostileStatus + `,` + cupStatus + `,` + warmUpStatus + `]}`},
		{"one media", "/v1/media/cup-final", cupStatus},
		{"nothing known", "/v1/media/warm-up", warmUpStatus},
		{"escaped id", "/v1/media/%3Cb%3E&%2F%22%C3%A9", hostileStatus},
		{"window", "/v1/media/cup-final/context?position=50&backward=10&forward=5", window + `}`},
		{"by time", "/v1/media/cup-final/context?time=2026-11-23T14:00:50Z&backward=10&forward=5", window + `}`},
		{"time zone", "/v1/media/cup-final/context?time=2026-11-23T16:00:50%2B02:00&backward=10&forward=5", window + `}`},
		{"time zone unescaped", "/v1/media/cup-final/context?time=2026-11-23T16:00:50+02:00&backward=10&forward=5", window + `}`},
		{"engage", "/v1/media/cup-final/context?position=50&backward=10&forward=5&engage=1", window + `,"instruments":[]}`},
		{"do not engage", "/v1/media/cup-final/context?position=50&backward=10&forward=5&engage=0", window + `}`},
		{"profile", "/v1/media/cup-final/context?position=50&backward=10&forward=5&profile=p1", window + `,"instruments":[]}`},
		{"empty profile", "/v1/media/cup-final/context?position=50&backward=10&forward=5&profile=", window + `}`},
		{"unknown parameters", "/v1/media/cup-final/context?utm=1&position=50&backward=10&utm=2&forward=5", window + `}`},
		{
			"escaped id without a window", "/v1/media/%3Cb%3E&%2F%22%C3%A9/context?position=1",
			`{"media":"<b>&/\"é","from":1.0,"until":1.0,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"nobody", "/v1/media/cup-final/context?position=60.5",
			`{"media":"cup-final","from":60.5,"until":60.5,"analyzed_until":120.0,"complete":true,"celebrities":[],"objects":[]}`,
		},
		{
			"not yet", "/v1/media/cup-final/context?position=120&forward=1",
			`{"media":"cup-final","from":120.0,"until":121.0,"analyzed_until":120.0,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"before zero", "/v1/media/warm-up/context?position=-1.5",
			`{"media":"warm-up","from":-1.5,"until":-1.5,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"an hour", "/v1/media/warm-up/context?position=0&forward=3600",
			`{"media":"warm-up","from":0.0,"until":3600.0,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{"timeline", "/v1/media/cup-final/timeline?from=46&until=50", `{"observations":[` + second + `],"breaks":[]}`},
		{"timeline by default", "/v1/media/cup-final/timeline", `{"observations":[` + first + `,` + second + `],"breaks":[]}`},
		{"timeline until the end", "/v1/media/cup-final/timeline?from=45", `{"observations":[` + second + `],"breaks":[]}`},
		{"timeline from the start", "/v1/media/cup-final/timeline?until=20", `{"observations":[` + first + `],"breaks":[]}`},
		{"timeline after the end", "/v1/media/cup-final/timeline?from=4500", `{"observations":[],"breaks":[]}`},
		{"timeline of nothing", "/v1/media/warm-up/timeline", `{"observations":[],"breaks":[]}`},
	}
	c := Client(t, Server(open(t, Cup()...)))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := Send(t, c, http.MethodGet, tc.path)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("status %d, type %q", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Server") != "spotter" {
				t.Errorf("headers: %v", resp.Header)
			}
			if diff := cmp.Diff(tc.want, body); diff != "" {
				t.Error(diff)
			}
			head, none := Send(t, c, http.MethodHead, tc.path)
			if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(tc.want)) || none != "" {
				t.Errorf("HEAD: status %d, length %d, body %q", head.StatusCode, head.ContentLength, none)
			}
		})
	}
}

func breaks(t *testing.T, open Backend) {
	m := Cup()
	m[1].Timeline = m[1].Timeline.WithBreaks([]timeline.Break{
		{ID: "7", Span: timeline.Span{From: 60_000, Until: 75_500}, Skipped: true}, {ID: "<8>", Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
	})
	const first = `{"id":"7","from":60.0,"until":75.5,"open":false,"skipped":true}`
	const second = `{"id":"<8>","from":90.0,"until":90.0,"open":true,"skipped":false}`
	const context = `"analyzed_until":120.0,"complete":true,"celebrities":[],"objects":[]`
	c := Client(t, Server(open(t, m...)))
	for path, want := range map[string]string{
		"timeline?from=51&until=60":        `{"observations":[],"breaks":[` + first + `]}`,
		"timeline?from=70&until=110":       `{"observations":[],"breaks":[` + first + `,` + second + `]}`,
		"timeline?from=80&until=85":        `{"observations":[],"breaks":[]}`,
		"context?position=59":              `{"media":"cup-final","from":59.0,"until":59.0,` + context + `}`,
		"context?position=70":              `{"media":"cup-final","from":70.0,"until":70.0,` + context + `,"breaks":[` + first + `]}`,
		"context?position=70&engage=1":     `{"media":"cup-final","from":70.0,"until":70.0,` + context + `,"breaks":[` + first + `],"instruments":[]}`,
		"context?position=75&forward=30":   `{"media":"cup-final","from":75.0,"until":105.0,` + context + `,"breaks":[` + first + `,` + second + `]}`,
		"context?position=75.5&forward=10": `{"media":"cup-final","from":75.5,"until":85.5,` + context + `}`,
	} {
		if _, body := Send(t, c, http.MethodGet, "/v1/media/cup-final/"+path); body != want {
			t.Errorf("%s: %s\nwant %s", path, body, want)
		}
	}
}
