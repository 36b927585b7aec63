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
	c := client(t, newViewer(m))
	cases := []struct{ name, path, want string }{
		{"complete and past", "/v1/media/cup-final/timeline?from=0&until=60", forever},
		{"still revisable", "/v1/media/cup-final/timeline?from=0&until=60.001", briefly},
		{"until moves", "/v1/media/cup-final/timeline?from=0", briefly},
		{"from may move", "/v1/media/cup-final/timeline?until=60", briefly},
		{"begins before the analysis", "/v1/media/cup-final/timeline?from=-1&until=60", briefly},
		{"across a gap", "/v1/media/gap/timeline?from=10&until=30", briefly},
		{"after a gap", "/v1/media/gap/timeline?from=21&until=30", forever},
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
