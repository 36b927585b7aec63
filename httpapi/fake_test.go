package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
	"spotter/timeline"
)

// fakeMedia is media whose snapshots the test sets.
type fakeMedia struct {
	ids       []string
	timelines map[string]*timeline.Timeline
	statuses  map[string]httpapi.Status
	settled   map[string]timeline.Position
	// zero is the wall-clock time of position 0; without one the streams tell no time.
	zero time.Time
}

func (f *fakeMedia) IDs() []string { return f.ids }

func (f *fakeMedia) Status(id string) (httpapi.Status, bool) {
	s, ok := f.statuses[id]
	return s, ok
}

func (f *fakeMedia) Timeline(id string) (*timeline.Timeline, bool) {
	if id == "panics" {
		panic("broken snapshot")
	}
	t, ok := f.timelines[id]
	return t, ok
}

func (f *fakeMedia) Settled(id string) (timeline.Position, bool) {
	p, ok := f.settled[id]
	return p, ok
}

func (f *fakeMedia) PositionAt(_ string, t time.Time) (timeline.Position, bool) {
	if f.zero.IsZero() {
		return 0, false
	}
	return timeline.FromDuration(t.Sub(f.zero)), true
}

var zero = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// cup is a media of two minutes with two observations in the first, another that has not been analysed and one with
// a hostile name.
func cup() *fakeMedia {
	edge, done := timeline.Position(125_500), timeline.Position(120_000)
	started := zero
	return &fakeMedia{
		ids: []string{"cup-final", "warm-up", "<b>&/\"é"},
		timelines: map[string]*timeline.Timeline{
			"cup-final": timeline.New([]*timeline.Observation{
				{
					Media: "cup-final", Span: timeline.Span{From: 10_000, Until: 45_000}, Source: timeline.SourceONNX, Revision: 1,
					Objects: []timeline.Entity{{Name: "Couch", Confidence: 93.404}},
				},
				{
					Media: "cup-final", Span: timeline.Span{From: 45_000, Until: 50_250}, Source: timeline.SourceRekognition, Revision: 2,
					Celebrities: []timeline.Entity{{Name: "Lin-Manuel Miranda", ID: "3Ir0du6", URLs: []string{"www.imdb.com/name/nm0592135"}, Confidence: 99.1}},
					Objects:     []timeline.Entity{{Name: "Couch", Confidence: 90}},
				},
			}, []timeline.Span{{From: 0, Until: done}}),
			"warm-up":  timeline.New(nil, nil),
			"<b>&/\"é": timeline.New(nil, nil),
		},
		statuses: map[string]httpapi.Status{
			"cup-final": {
				Media: "cup-final", State: httpapi.StateLive, LiveEdge: &edge, AnalyzedUntil: &done, StartedAt: &started,
				Source: timeline.SourceRekognition, Faults: []httpapi.Fault{{At: zero, Kind: "fetch", Message: "404 <b>", Count: 3}},
			},
			"warm-up":  {Media: "warm-up", State: httpapi.StateWaiting},
			"<b>&/\"é": {Media: "<b>&/\"é", State: httpapi.StateStopped},
		},
		settled: map[string]timeline.Position{"cup-final": 60_000},
		zero:    zero,
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newViewer(m httpapi.Media) *httpapi.Server {
	return httpapi.NewViewer(m, prometheus.NewRegistry(), quiet())
}

// client serves s on an in-memory listener until the test ends, and returns a client that reaches nothing else.
func client(t *testing.T, s *httpapi.Server) *http.Client {
	t.Helper()
	ln := fasthttputil.NewInmemoryListener()
	return clientOn(t, s, ln, func(context.Context, string, string) (net.Conn, error) { return ln.Dial() })
}

func clientOn(t *testing.T, s *httpapi.Server, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// send returns the answer and its body.
func send(t *testing.T, c *http.Client, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://spotter"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// request returns the context of a GET that came over no listener.
func request(uri string) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.SetRequestURI(uri)
	ctx.Init(&req, nil, nil)
	return ctx
}

// event is a timeline of n scenes of length each, with a celebrity and two objects.
func event(n int, length timeline.Position) *timeline.Timeline {
	var list []*timeline.Observation
	for i := range n {
		from := timeline.Position(i) * length
		list = append(list, &timeline.Observation{
			Media: "cup-final", Span: timeline.Span{From: from, Until: from + length}, Source: timeline.SourceONNX,
			Celebrities: []timeline.Entity{{Name: fmt.Sprint("Player ", i%40), ID: fmt.Sprint("p", i%40), Confidence: 87.25}},
			Objects:     []timeline.Entity{{Name: "Person", Confidence: 99}, {Name: fmt.Sprint("Thing ", i%7), Confidence: 61.5}},
		})
	}
	return timeline.New(list, []timeline.Span{{From: 0, Until: timeline.Position(n) * length}})
}
