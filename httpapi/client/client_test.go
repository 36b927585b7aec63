package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi/client"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// box returns a client of the real server over the cup.
func box(t *testing.T) *client.Client {
	t.Helper()
	return dial(t, client.Config{
		BaseURL: "http://spotter", HTTP: mediatest.Client(t, mediatest.Server(mediatest.NewBox(mediatest.Cup()...))),
	})
}

func dial(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	out, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func at(p timeline.Position) *timeline.Position { return &p }

var (
	miranda = timeline.Entity{Name: "Lin-Manuel Miranda", ID: "3Ir0du6", URLs: []string{"www.imdb.com/name/nm0592135"}, Confidence: 99.1}
	window  = client.Context{
		Media: "cup-final", Span: timeline.Span{From: 40_000, Until: 55_000}, AnalyzedUntil: at(120_000), Complete: true,
		Celebrities: []client.Sighting{{Entity: miranda, Span: timeline.Span{From: 45_000, Until: 50_250}, Source: "rekognition"}},
		Objects: []client.Sighting{{
			Entity: timeline.Entity{Name: "Couch", Confidence: 93.4}, Span: timeline.Span{From: 40_000, Until: 50_250}, Source: "onnx",
		}},
	}
)

func TestContext(t *testing.T) {
	c := box(t)
	zero := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	engaged := window
	engaged.Instruments = []client.Instrument{}
	for name, tc := range map[string]struct {
		q    client.Query
		want client.Context
	}{
		"position": {client.Query{At: 50_000, Backward: 10_000, Forward: 5_000}, window},
		"time":     {client.Query{Time: zero.Add(50 * time.Second), Backward: 10_000, Forward: 5_000}, window},
		"zone":     {client.Query{Time: zero.Add(50 * time.Second).In(time.FixedZone("", 7200)), Backward: 10_000, Forward: 5_000}, window},
		"profile":  {client.Query{At: 50_000, Backward: 10_000, Forward: 5_000, Profile: "p&1"}, engaged},
		"engage":   {client.Query{At: 50_000, Backward: 10_000, Forward: 5_000, Engage: true}, engaged},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.Context(t.Context(), "cup-final", tc.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestContexts(t *testing.T) {
	got, err := box(t).Contexts(t.Context(), []string{"cup-final", "other"}, client.Query{At: 50_000, Backward: 10_000, Forward: 5_000})
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Answer{{Context: window}, {
		Context: client.Context{Media: "other"},
		Problem: &client.Problem{Type: "about:blank", Title: "Not Found", Status: 404, Detail: `there is no media "other"`},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWindowsAndTimeline(t *testing.T) {
	c := box(t)
	got, err := c.Window(t.Context(), "cup-final", timeline.Span{From: 40_000, Until: 50_000})
	if err != nil || got.Span != (timeline.Span{From: 40_000, Until: 50_000}) || len(got.Celebrities) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.Window(t.Context(), "cup-final", timeline.Span{From: -10_000, Until: 0}); err != nil || got.Complete {
		t.Errorf("%+v, %v", got, err)
	}
	var p *client.Problem
	if _, err := c.Window(t.Context(), "cup-final", timeline.Span{From: 41_500, Until: 50_000}); !errors.As(err, &p) || p.Parameter != "window" {
		t.Errorf("off the grid: %v", err)
	}
	tl, err := c.Timeline(t.Context(), "cup-final", timeline.Span{From: 46_000, Until: 50_000})
	want := &client.Timeline{Observations: []timeline.Observation{{
		Media: "cup-final", Span: timeline.Span{From: 45_000, Until: 50_250}, Source: "rekognition", Revision: 2,
		Celebrities: []timeline.Entity{miranda}, Objects: []timeline.Entity{{Name: "Couch", Confidence: 90}},
	}}, Breaks: []timeline.Break{}}
	if diff := cmp.Diff(want, tl); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestMedia(t *testing.T) {
	c := box(t)
	list, err := c.Media(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, want := range list {
		got, err := c.Status(t.Context(), want.Media) // one has a hostile name
		if diff := cmp.Diff(&want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", want.Media, err, diff)
		}
	}
	if cup := list[1]; cup.State != "live" || *cup.LiveEdge != 125_500 || cup.Source != "rekognition" || cup.Faults[0].Count != 3 {
		t.Errorf("%+v", cup)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, bad := range []string{"", "box.example", "ftp://box.example", "http://", "http://box.example?x=1", "http://box\x7f"} {
		if _, err := client.New(client.Config{BaseURL: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// answers is a transport that gives one answer after the other, the last for ever.
type answers struct {
	list []answer
	seen []*http.Request
}

type answer struct {
	status  int
	body    string
	headers http.Header
	err     error
	hangs   bool // the body does not end by itself
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	next := a.list[min(len(a.seen), len(a.list)-1)]
	a.seen = append(a.seen, req)
	if next.err != nil {
		return nil, next.err
	}
	body := io.Reader(strings.NewReader(next.body))
	if next.hangs {
		body = io.MultiReader(body, until{req.Context()})
	}
	if next.headers == nil {
		next.headers = make(http.Header)
	}
	return &http.Response{StatusCode: next.status, Header: next.headers, Body: io.NopCloser(body), Request: req}, nil
}

// until is a body of nothing that fails when a context ends.
type until struct{ ctx context.Context }

func (u until) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, u.ctx.Err()
}

func problem(status int, retryAfter string) answer {
	return answer{
		status: status, body: fmt.Sprintf(`{"type":"about:blank","title":"T","status":%d,"detail":"no"}`, status),
		headers: http.Header{"Retry-After": {retryAfter}},
	}
}

func TestRetries(t *testing.T) {
	good := answer{status: 200, body: `{"media":[]}`}
	broken := answer{err: errors.New("connection reset")}
	for name, tc := range map[string]struct {
		list  []answer
		asked int
		least time.Duration // that it takes
		fails bool
	}{
		"good":              {[]answer{good}, 1, 0, false},
		"network once":      {[]answer{broken, good}, 2, 0, false},
		"network away":      {[]answer{broken}, 3, 0, true},
		"busy":              {[]answer{problem(429, "2"), good}, 2, 2 * time.Second, false},
		"busy for long":     {[]answer{problem(503, "3600"), good}, 1, 0, true},
		"wrong":             {[]answer{problem(400, ""), good}, 1, 0, true},
		"no credential":     {[]answer{problem(401, ""), good}, 1, 0, true},
		"server at fault":   {[]answer{problem(500, ""), problem(502, ""), good}, 3, 0, false},
		"cut short":         {[]answer{{status: 200, body: `{"media":[`}, good}, 2, 0, false},
		"no JSON":           {[]answer{{status: 200, body: `<html>`}, good}, 1, 0, true},
		"a proxy's own":     {[]answer{{status: 502, body: `<html>`}, good}, 2, 0, false},
		"moved, not a 200":  {[]answer{{status: 204}, good}, 1, 0, true},
		"no problem's body": {[]answer{{status: 404}, good}, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: tc.list}
				began := time.Now()
				_, err := dial(t, client.Config{BaseURL: "http://box.example", HTTP: &http.Client{Transport: a}}).Media(t.Context())
				if (err != nil) != tc.fails || len(a.seen) != tc.asked || time.Since(began) < tc.least {
					t.Errorf("asked %d times in %v: %v", len(a.seen), time.Since(began), err)
				}
			})
		})
	}
}

func TestCredential(t *testing.T) {
	a := &answers{list: []answer{{status: 200, body: `{"media":[]}`}}}
	n := 0
	c := dial(t, client.Config{
		BaseURL: "https://cdn.example/spotter/", HTTP: &http.Client{Transport: a},
		Credential: func(context.Context) (string, error) { n++; return fmt.Sprint("t", n), nil },
	})
	for range 2 {
		if _, err := c.Media(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, req := range a.seen {
		if got := req.Header.Get("Authorization"); got != fmt.Sprint("Bearer t", i+1) || req.URL.String() != "https://cdn.example/spotter/v1/media" {
			t.Errorf("%s with %q", req.URL, got)
		}
	}
	none := errors.New("the vault is closed")
	c = dial(t, client.Config{BaseURL: "http://box.example", Credential: func(context.Context) (string, error) { return "", none }})
	if _, err := c.Media(t.Context()); !errors.Is(err, none) {
		t.Error(err)
	}
}
