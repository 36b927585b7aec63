package httpapi_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func TestTimelineCaching(t *testing.T) {
	const forever, briefly = "public, max-age=31536000, immutable", "public, max-age=1"
	m := cup() // analysed from 0 to 120 s, settled until 60 s
	m.timelines["gap"] = timeline.New(nil, []timeline.Span{{From: 0, Until: 20_000}, {From: 21_000, Until: 200_000}})
	all := []timeline.Span{{From: 0, Until: 200_000}}
	m.timelines["ads"] = timeline.New(nil, all).WithBreaks([]timeline.Break{
		{Span: timeline.Span{From: 10_000, Until: 20_000}},
		{Span: timeline.Span{From: 30_000, Until: 60_000}, Open: true},
		{Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
	})
	m.timelines["still"] = timeline.New([]*timeline.Observation{
		{Media: "still", Span: timeline.Span{From: 0, Until: 10_000}}, {Media: "still", Span: timeline.Span{From: 10_000, Until: 200_000}, Open: true},
	}, all)
	m.timelines["unsettled"] = timeline.New(nil, all)
	m.settled["gap"], m.settled["ads"], m.settled["still"], m.settled["warm-up"] = 140_000, 140_000, 140_000, 140_000
	c := client(t, newViewer(m))
	cases := []struct {
		name, path, want string
		tagged           bool
	}{
		{"complete and past", "/v1/media/cup-final/timeline?from=0&until=59.999", forever, true},
		{"its end may be revised", "/v1/media/cup-final/timeline?from=0&until=60", briefly, true},
		{"complete and new", "/v1/media/cup-final/timeline?from=100&until=120", briefly, true},
		{"not analysed yet", "/v1/media/cup-final/timeline?from=100&until=120.001", briefly, false},
		{"until moves", "/v1/media/cup-final/timeline?from=0", briefly, true},
		{"from may move", "/v1/media/cup-final/timeline?until=50", briefly, true},
		{"begins before the analysis", "/v1/media/cup-final/timeline?from=-1&until=50", briefly, false},
		{"nothing is settled", "/v1/media/unsettled/timeline?from=0&until=1", briefly, true},
		{"across a gap", "/v1/media/gap/timeline?from=10&until=30", briefly, false},
		{"after a gap", "/v1/media/gap/timeline?from=21&until=30", forever, true},
		{"a scene that lasts", "/v1/media/still/timeline?from=5&until=50", briefly, true},
		{"before it", "/v1/media/still/timeline?from=5&until=9", forever, true},
		{"a break that ended", "/v1/media/ads/timeline?from=5&until=25", forever, true},
		{"a break that lasts", "/v1/media/ads/timeline?from=5&until=30", briefly, true},
		{"after its planned end", "/v1/media/ads/timeline?from=60&until=80", forever, true},
		{"a break without an end", "/v1/media/ads/timeline?from=100&until=110", briefly, true},
		{"never analysed", "/v1/media/warm-up/timeline?from=0&until=1", briefly, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, _ := send(t, c, http.MethodGet, tc.path)
			if diff := cmp.Diff(tc.want, resp.Header.Get("Cache-Control")); diff != "" {
				t.Error(diff)
			}
			if tag := resp.Header.Get("ETag"); (tag != "") != tc.tagged {
				t.Errorf("tag %q", tag)
			}
		})
	}
}

// lateMedia revises its answer, the last that was open to it, as soon as it has been asked for its timeline.
type lateMedia struct {
	*fakeMedia
	revised atomic.Bool
}

func (m *lateMedia) Settled(id string) (timeline.Position, bool) {
	if !m.revised.Load() {
		return 10_000, true
	}
	return m.fakeMedia.Settled(id)
}

func (m *lateMedia) Timeline(id string) (*timeline.Timeline, bool) {
	m.revised.Store(true)
	return m.fakeMedia.Timeline(id)
}

// TestTimelineRevisedWhileAsked must not let what was replaced in that moment be kept for ever.
func TestTimelineRevisedWhileAsked(t *testing.T) {
	m := &lateMedia{fakeMedia: cup()}
	resp, _ := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/media/cup-final/timeline?from=0&until=50")
	if got := resp.Header.Get("Cache-Control"); got != "public, max-age=1" {
		t.Error(got)
	}
}

func TestTimelineNotModified(t *testing.T) {
	m := cup()
	c := client(t, newViewer(m))
	for name, path := range map[string]string{"settled": "from=0&until=59", "may be revised": "from=0&until=61"} {
		t.Run(name, func(t *testing.T) {
			path := "/v1/media/cup-final/timeline?" + path
			resp, body := send(t, c, http.MethodGet, path)
			tag, control := resp.Header.Get("ETag"), resp.Header.Get("Cache-Control")
			other, _ := send(t, c, http.MethodGet, "/v1/media/cup-final/timeline?from=46&until=59")
			if other.Header.Get("ETag") == tag {
				t.Error("two answers have one tag")
			}
			for field, want := range map[string]int{
				tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200, tag[1 : len(tag)-1]: 200,
			} {
				resp, got := send(t, c, http.MethodGet, path, "If-None-Match", field)
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
