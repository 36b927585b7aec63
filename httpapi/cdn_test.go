package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"spotter/capture/playlist"
	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// crowd are the questions that a CDN asks for a crowd.
var crowd = []string{
	"/v1/media/cup-final/timeline.vtt?from=0&until=1", "/v1/media/cup-final/windows/0-1", "/v1/media/cup-final/metadata.m3u8",
	"/v1/media/cup-final/metadata/1.vtt", "/v1/media/cup-final/dateranges.m3u8",
}

func TestBackendFailsTheCrowd(t *testing.T) {
	for want, err := range map[int]error{503: fmt.Errorf("%w: secret", httpapi.ErrUnavailable), 500: errors.New("secret")} {
		c := client(t, newViewer(failing{cup(), func() error { return err }}))
		for _, path := range crowd {
			resp, body := send(t, c, http.MethodGet, path)
			checkProblem(t, resp, body, want, "")
			if strings.Contains(body, "secret") {
				t.Error(body)
			}
		}
	}
}

// forgetful has a timeline still, but cannot say how it does or what time it is.
type forgetful struct{ *mediatest.Box }

func (f forgetful) Status(string) (httpapi.Status, error) {
	return httpapi.Status{}, httpapi.ErrUnavailable
}

func (f forgetful) PositionAt(string, time.Time) (timeline.Position, bool, error) {
	return 0, false, httpapi.ErrUnavailable
}

// TestHold asks about what is still to come, 100 s into the event.
func TestHold(t *testing.T) {
	m := cup()
	m.Zero = time.Now().Add(-100 * time.Second)
	m.Timelines["cup-final"] = event(9, 10_000)
	c := client(t, newViewer(m))
	forgetful := client(t, newViewer(forgetful{m}))
	for path, want := range map[string][]int{
		"windows/80-90":               {1}, // analysed, and may be revised
		"windows/60-120":              {1}, // begun
		"windows/90-120":              {1}, // has happened
		"windows/120-135":             {18, 19, 20},
		"windows/600-660":             {60},
		"timeline?from=121&until=122": {19, 20, 21},
		"timeline":                    {1},
		"timeline.vtt?from=9000":      {60},
		"metadata.m3u8":               {1}, // the tenth segment may be complete at any moment
	} {
		path = "/v1/media/cup-final/" + path
		resp, _ := send(t, c, http.MethodGet, path)
		got := resp.Header.Get("Cache-Control")
		ok := false
		for _, n := range want {
			ok = ok || got == fmt.Sprintf("public, max-age=%d, stale-while-revalidate=%d, stale-if-error=60", n, n)
		}
		if !ok {
			t.Errorf("%s: %s, want one of %v", path, got, want)
		}
		if resp, _ := send(t, forgetful, http.MethodGet, path); !strings.HasSuffix(path, "m3u8") && !strings.HasPrefix(resp.Header.Get("Cache-Control"), "public, max-age=1, ") {
			t.Errorf("%s while nothing is known: %s %v", path, resp.Status, resp.Header)
		}
	}
}

// stamped knows its streams' own clock.
type stamped struct {
	*mediatest.Box
	zero  int64
	known bool
	err   error
}

func (s stamped) Timestamps(string) (zero int64, discontinuity uint64, ok bool, err error) {
	return s.zero, 3, s.known, s.err
}

func TestTimestampsOfTheStream(t *testing.T) {
	box := cup()
	for name, tc := range map[string]struct {
		m    stamped
		want []string
	}{
		"after zero":  {stamped{Box: box, zero: 900_000, known: true}, []string{"#EXT-X-DISCONTINUITY-SEQUENCE:3\n", "metadata/11.vtt?mpegts=900000\n"}},
		"wrapped":     {stamped{Box: box, zero: 1<<33 + 5, known: true}, []string{"metadata/11.vtt?mpegts=5\n"}},
		"before zero": {stamped{Box: box, zero: -1, known: true}, []string{"metadata/11.vtt?mpegts=8589934591\n"}},
		"unknown":     {stamped{Box: box, zero: 7}, []string{"#EXTINF:10.0,\nmetadata/11.vtt\n"}},
	} {
		_, body := send(t, client(t, newViewer(tc.m)), http.MethodGet, "/v1/media/cup-final/metadata.m3u8")
		for _, want := range tc.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %s lacks %s", name, body, want)
			}
		}
	}
	resp, body := send(t, client(t, newViewer(stamped{Box: box, err: httpapi.ErrUnavailable})), http.MethodGet, "/v1/media/cup-final/metadata.m3u8")
	checkProblem(t, resp, body, 503, "")
}

// TestPlaylistGrows reads the playlists as a player does, while the event goes on until it ends.
func TestPlaylistGrows(t *testing.T) {
	m := stamped{Box: cup(), zero: 126_000, known: true}
	c := client(t, newViewer(m))
	edge := timeline.Position(4_321_500)
	status := m.Statuses["cup-final"]
	status.LiveEdge = &edge
	m.Statuses["cup-final"] = status
	var before *playlist.Media
	for done := timeline.Position(29_400); done <= edge; done += 29_400 {
		if done+29_400 > edge {
			done = edge
			status.State = httpapi.StateEnded
			m.Statuses["cup-final"] = status
		}
		m.Timelines["cup-final"] = event(int(done/2_000), 2_000).With(nil, []timeline.Span{{From: 0, Until: done}})
		now := load(t, c, "metadata.m3u8")
		if want := int(done / 10_000); len(now.Segments) != min(360, want) && done != edge {
			t.Fatalf("at %v: %d segments", done, len(now.Segments))
		}
		if before != nil && (now.Sequence < before.Sequence || before.Ended || len(now.Segments) > 0 && len(before.Segments) > 0 && now.Last() < before.Last()) {
			t.Fatalf("at %v: sequence %d after %d", done, now.Sequence, before.Sequence)
		}
		for _, s := range now.Segments {
			if want := m.Zero.Add(time.Duration(s.Sequence) * 10 * time.Second); !s.Wall.Equal(want) || s.Duration > now.Target || s.Discontinuity != 3 {
				t.Fatalf("at %v: %+v, want %v", done, s, want)
			}
		}
		before = now
	}
	last := before.Segments[len(before.Segments)-1]
	if !before.Ended || last.Sequence != 432 || last.Duration != 1500*time.Millisecond || last.URL.String() != "http://spotter/v1/media/cup-final/metadata/432.vtt?mpegts=126000" {
		t.Errorf("%+v", last)
	}
	for _, s := range before.Segments[len(before.Segments)-3:] {
		resp, body := send(t, c, http.MethodGet, s.URL.RequestURI())
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "WEBVTT\nX-TIMESTAMP-MAP=") {
			t.Error(resp.Status, body)
		}
	}
	if all := load(t, c, "dateranges.m3u8"); len(all.Ranges) != 145 || all.Ranges[0].Class != "com.spotter.observation" || all.Ranges[1].Duration != 2*time.Second ||
		!all.Ranges[1].Start.Equal(m.Zero.Add(4032*time.Second)) {
		t.Errorf("%d ranges: %+v", len(all.Ranges), all.Ranges[:2])
	}
}

func load(t *testing.T, c *http.Client, name string) *playlist.Media {
	t.Helper()
	base, err := url.Parse("http://spotter/v1/media/cup-final/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, body := send(t, c, http.MethodGet, base.Path)
	m, _, err := playlist.Parse([]byte(body), base, nil)
	if err != nil || m == nil {
		t.Fatal(err, body)
	}
	return m
}

// TestOpenScene is told of before it ends, and under another name than when it has.
func TestOpenScene(t *testing.T) {
	m := cup()
	o := timeline.Observation{
		Media: "cup-final", Span: timeline.Span{From: 5_000, Until: 12_000}, Source: timeline.SourceONNX, Revision: 1, Open: true,
		Objects: []timeline.Entity{{Name: "Ball", Confidence: 80}},
	}
	closed := o
	closed.Open, closed.Until, closed.Revision = false, 15_000, 2
	c := client(t, newViewer(m))
	for _, tc := range []struct {
		o       *timeline.Observation
		tag, id string
	}{
		{&o, `#EXT-X-DATERANGE:ID="cup-final:5.0:1",CLASS="com.spotter.observation",START-DATE="2026-11-23T14:00:05.000Z",X-COM-`, "5000-12000-1"},
		{&closed, `ID="cup-final:5.0:2",CLASS="com.spotter.observation",START-DATE="2026-11-23T14:00:05.000Z",DURATION=10.0,X-COM-`, "5000-15000-2"},
	} {
		m.Timelines["cup-final"] = timeline.New([]*timeline.Observation{tc.o}, []timeline.Span{{From: 0, Until: tc.o.Until}})
		if _, body := send(t, c, http.MethodGet, "/v1/media/cup-final/dateranges.m3u8"); !strings.Contains(body, tc.tag) {
			t.Errorf("%s lacks %s", body, tc.tag)
		}
		if _, body := send(t, c, http.MethodGet, "/v1/media/cup-final/metadata/0.vtt"); !strings.Contains(body, "\n\n"+tc.id+"\n00:00:05.000 --> ") {
			t.Errorf("%s lacks %s", body, tc.id)
		}
	}
}
