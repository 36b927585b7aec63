package mediatest

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// What Cache-Control says of windows that are the same for ever, and of what may change while an event is live and afterwards.
const (
	forever = "public, max-age=31536000, immutable"
	live    = "public, max-age=1, stale-while-revalidate=1, stale-if-error=60"
	ended   = "public, max-age=10, stale-while-revalidate=10, stale-if-error=60"
)

func contextCaching(t *testing.T, open Backend) {
	c := Client(t, Server(open(t, Cup()...)))
	for path, want := range map[string]string{"": live, "&profile=p1": "no-store", "&engage=1": "no-store", "&engage=2": "no-store"} {
		resp, _ := Send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=1"+path)
		if got := resp.Header.Get("Cache-Control"); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func timelineCaching(t *testing.T, open Backend) {
	all := []timeline.Span{{From: 0, Until: 200_000}}
	m := []Event{
		event("ads", timeline.New(nil, all).WithBreaks([]timeline.Break{
			{Span: timeline.Span{From: 10_000, Until: 20_000}},
			{Span: timeline.Span{From: 30_000, Until: 60_000}, Open: true},
			{Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
		})),
		Cup()[1], // analysed from 0 to 120 s, settled until 60 s
		event("gap", timeline.New(nil, []timeline.Span{{From: 0, Until: 20_000}, {From: 21_000, Until: 200_000}})),
		event("still", timeline.New([]*timeline.Observation{
			{Media: "still", Span: timeline.Span{From: 0, Until: 10_000}, Source: timeline.SourceONNX, Revision: 1},
			{Media: "still", Span: timeline.Span{From: 10_000, Until: 200_000}, Source: timeline.SourceONNX, Revision: 1, Open: true},
		}, all)),
		event("unsettled", timeline.New(nil, all)),
		event("warm-up", timeline.New(nil, nil)),
	}
	m[4].Settled = nil
	c := Client(t, Server(open(t, m...)))
	cases := []struct {
		name, path, want string
	}{
		{"complete and past", "/v1/media/cup-final/timeline?from=0&until=59.999", forever},
		{"its end may be revised", "/v1/media/cup-final/timeline?from=0&until=60", live},
		{"complete and new", "/v1/media/cup-final/timeline?from=100&until=120", live},
		{"not analysed yet", "/v1/media/cup-final/timeline?from=100&until=120.001", live},
		{"until moves", "/v1/media/cup-final/timeline?from=0", live},
		{"from may move", "/v1/media/cup-final/timeline?until=50", live},
		{"begins before the analysis", "/v1/media/cup-final/timeline?from=-1&until=50", live},
		{"nothing is settled", "/v1/media/unsettled/timeline?from=0&until=1", ended},
		{"across a gap", "/v1/media/gap/timeline?from=10&until=30", ended},
		{"after a gap", "/v1/media/gap/timeline?from=21&until=30", forever},
		{"a scene that lasts", "/v1/media/still/timeline?from=5&until=50", ended},
		{"before it", "/v1/media/still/timeline?from=5&until=9", forever},
		{"a break that ended", "/v1/media/ads/timeline?from=5&until=25", forever},
		{"a break that lasts", "/v1/media/ads/timeline?from=5&until=30", ended},
		{"after its planned end", "/v1/media/ads/timeline?from=60&until=80", forever},
		{"a break without an end", "/v1/media/ads/timeline?from=100&until=110", ended},
		{"never analysed", "/v1/media/warm-up/timeline?from=0&until=1", ended},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, _ := Send(t, c, http.MethodGet, tc.path)
			if diff := cmp.Diff(tc.want, resp.Header.Get("Cache-Control")); diff != "" {
				t.Error(diff)
			}
			if tag := resp.Header.Get("ETag"); len(tag) != 34 {
				t.Errorf("tag %q", tag)
			}
		})
	}
}

func notModified(t *testing.T, open Backend) {
	m := Cup()
	c := Client(t, Server(open(t, m...)))
	for name, path := range map[string]string{
		"settled": "timeline?from=0&until=59", "may be revised": "timeline?from=0&until=61", "not yet complete": "timeline?from=0&until=130",
		"as text track": "timeline.vtt?from=0&until=59", "window": "windows/40-50", "new window": "windows/120-135",
		"playlist": "metadata.m3u8", "segment": "metadata/4.vtt", "date ranges": "dateranges.m3u8",
	} {
		t.Run(name, func(t *testing.T) {
			path := "/v1/media/cup-final/" + path
			resp, body := Send(t, c, http.MethodGet, path)
			tag, control := resp.Header.Get("ETag"), resp.Header.Get("Cache-Control")
			other, _ := Send(t, c, http.MethodGet, "/v1/media/cup-final/timeline?from=46&until=58")
			if other.Header.Get("ETag") == tag {
				t.Error("two answers have one tag")
			}
			for field, want := range map[string]int{
				tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200, tag[1 : len(tag)-1]: 200,
			} {
				resp, got := Send(t, c, http.MethodGet, path, "If-None-Match", field)
				if resp.StatusCode != want || resp.Header.Get("ETag") != tag || resp.Header.Get("Cache-Control") != control {
					t.Errorf("%s: status %d, tag %s, cached %s", field, resp.StatusCode, resp.Header.Get("ETag"), resp.Header.Get("Cache-Control"))
				}
				if want := map[int]string{200: body, 304: ""}[want]; got != want {
					t.Errorf("%s: body %q", field, got)
				}
			}
		})
	}
}
