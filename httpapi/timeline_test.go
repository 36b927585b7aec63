package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func TestTimelineCaching(t *testing.T) {
	const forever, briefly = "public, max-age=31536000, immutable", "public, max-age=1"
	m := cup() // analysed from 0 to 120 s
	m.timelines["gap"] = timeline.New(nil, []timeline.Span{{From: 0, Until: 20_000}, {From: 21_000, Until: 200_000}})
	all := []timeline.Span{{From: 0, Until: 200_000}}
	m.timelines["ads"] = timeline.New(nil, all).WithBreaks([]timeline.Break{
		{Span: timeline.Span{From: 10_000, Until: 20_000}},
		{Span: timeline.Span{From: 30_000, Until: 60_000}, Open: true},
		{Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
	})
	c := client(t, newViewer(m))
	cases := []struct{ name, path, want string }{
		{"complete and past", "/v1/media/cup-final/timeline?from=0&until=60", forever},
		{"still revisable", "/v1/media/cup-final/timeline?from=0&until=60.001", briefly},
		{"until moves", "/v1/media/cup-final/timeline?from=0", briefly},
		{"from may move", "/v1/media/cup-final/timeline?until=60", briefly},
		{"begins before the analysis", "/v1/media/cup-final/timeline?from=-1&until=60", briefly},
		{"across a gap", "/v1/media/gap/timeline?from=10&until=30", briefly},
		{"after a gap", "/v1/media/gap/timeline?from=21&until=30", forever},
		{"a break that ended", "/v1/media/ads/timeline?from=5&until=25", forever},
		{"a break that lasts", "/v1/media/ads/timeline?from=5&until=30", briefly},
		{"after its planned end", "/v1/media/ads/timeline?from=60&until=80", forever},
		{"a break without an end", "/v1/media/ads/timeline?from=100&until=110", briefly},
		{"never analysed", "/v1/media/warm-up/timeline?from=0&until=1", briefly},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, _ := send(t, c, http.MethodGet, tc.path)
			if diff := cmp.Diff(tc.want, resp.Header.Get("Cache-Control")); diff != "" {
				t.Error(diff)
			}
			if tag := resp.Header.Get("ETag"); (tag != "") != (tc.want == forever) {
				t.Errorf("tag %q", tag)
			}
		})
	}
}

func TestTimelineNotModified(t *testing.T) {
	m := cup()
	c := client(t, newViewer(m))
	const path = "/v1/media/cup-final/timeline?from=0&until=60"
	resp, body := send(t, c, http.MethodGet, path)
	tag := resp.Header.Get("ETag")
	other, _ := send(t, c, http.MethodGet, "/v1/media/cup-final/timeline?from=46&until=60")
	if other.Header.Get("ETag") == tag {
		t.Error("two answers have one tag")
	}
	for field, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200, tag[1 : len(tag)-1]: 200,
	} {
		resp, got := send(t, c, http.MethodGet, path, "If-None-Match", field)
		if resp.StatusCode != want || resp.Header.Get("ETag") != tag {
			t.Errorf("%s: status %d, tag %s", field, resp.StatusCode, resp.Header.Get("ETag"))
		}
		if want := map[int]string{200: body, 304: ""}[want]; got != want {
			t.Errorf("%s: body %q", field, got)
		}
	}
}

func TestBreaks(t *testing.T) {
	m := cup()
	m.timelines["cup-final"] = m.timelines["cup-final"].WithBreaks([]timeline.Break{
		{ID: "7", Span: timeline.Span{From: 60_000, Until: 75_500}, Skipped: true}, {ID: "<8>", Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
	})
	const first = `{"id":"7","from":60.0,"until":75.5,"open":false,"skipped":true}`
	const second = `{"id":"<8>","from":90.0,"until":90.0,"open":true,"skipped":false}`
	const context = `"analyzed_until":120.0,"complete":true,"celebrities":[],"objects":[]`
	c := client(t, newViewer(m))
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
		if _, body := send(t, c, http.MethodGet, "/v1/media/cup-final/"+path); body != want {
			t.Errorf("%s: %s\nwant %s", path, body, want)
		}
	}
}
