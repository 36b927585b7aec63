package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

func TestRealListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := clientOn(t, newViewer(cup()), ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
	})
	resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=50&backward=10&forward=5")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "Lin-Manuel Miranda") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

func TestUnreadableRequests(t *testing.T) {
	ln := fasthttputil.NewInmemoryListener()
	clientOn(t, newViewer(cup()), ln, nil)
	cases := []struct {
		name, request string
		status        int
	}{
		{"not HTTP", "what is on?\r\n\r\n", 400},
		{"header too large", "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", 431},
		{"body too large", "POST /v1/media HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			conn, err := ln.Dial()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// The server may answer and hang up before it has read all.
			go io.WriteString(conn, tc.request)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			checkProblem(t, resp, string(body), tc.status, "")
		})
	}
}

// slowMedia answers a look-up when the test says so.
type slowMedia struct {
	*mediatest.Box
	asked, answer chan struct{}
}

func (s slowMedia) Timeline(id string, w timeline.Span) (*timeline.Timeline, error) {
	close(s.asked)
	<-s.answer
	return s.Box.Timeline(id, w)
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	m := slowMedia{cup(), make(chan struct{}), make(chan struct{})}
	s := newViewer(m)
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}
	defer transport.CloseIdleConnections()
	status := make(chan string, 1)
	go func() {
		resp, err := (&http.Client{Transport: transport}).Get("http://spotter/v1/media/cup-final/context?position=1")
		if err != nil {
			status <- err.Error()
			return
		}
		resp.Body.Close()
		status <- resp.Status
	}()

	<-m.asked
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("with a request running: %v", err)
	}
	close(m.answer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if got := <-status; got != "200 OK" {
		t.Error(got)
	}
}

func TestServeAfterShutdown(t *testing.T) {
	s := newViewer(cup())
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	if err := s.Serve(ln); err != nil {
		t.Error(err)
	}
	if _, err := ln.Dial(); err == nil {
		t.Error("the listener is still open")
	}
}

func TestWithoutRegistry(t *testing.T) {
	resp, _ := send(t, client(t, httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Log: quiet()})), http.MethodGet, "/v1/media")
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := client(t, httpapi.NewViewer(httpapi.ViewerConfig{Media: hazard{cup()}, Registerer: reg, Log: quiet()}))
	httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Log: quiet()}) // has the same names
	for i := range 50 {
		send(t, c, http.MethodGet, fmt.Sprint("/nowhere/", i))
		send(t, c, http.MethodGet, fmt.Sprintf("/v1/media/%d/context?position=%d", i, i))
	}
	send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=1")
	send(t, c, http.MethodGet, "/v1/media/panics/context?position=1")
	send(t, c, http.MethodPost, "/v1/media")

	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			name := f.GetName() + " " + labels["route"] + " " + labels["code"]
			if labels["listener"] != "viewer" {
				continue
			}
			if v := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()) + m.GetGauge().GetValue(); v > 0 {
				got[name] = v
			}
		}
	}
	want := map[string]float64{
		"spotter_http_requests_total other 404":                            50,
		"spotter_http_requests_total other 405":                            1,
		"spotter_http_requests_total /v1/media/{media}/context 200":        1,
		"spotter_http_requests_total /v1/media/{media}/context 404":        50,
		"spotter_http_requests_total /v1/media/{media}/context 500":        1,
		"spotter_http_request_duration_seconds other ":                     51,
		"spotter_http_request_duration_seconds /v1/media/{media}/context ": 52,
		"spotter_http_panics_total  ":                                      1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}
