package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

type fakeControl struct{ did []string }

func (f *fakeControl) Start(id string) error { return f.do("start", id) }
func (f *fakeControl) Stop(id string) error  { return f.do("stop", id) }

func (f *fakeControl) do(what, id string) error {
	f.did = append(f.did, what+" "+id)
	switch id {
	case "other":
		return fmt.Errorf("%s: %w", what, httpapi.ErrUnknownMedia)
	case "broken":
		return errors.New("disk is full")
	case "panics":
		panic("broken control")
	}
	return nil
}

func newAdmin(control httpapi.Control, checks ...httpapi.Check) *httpapi.Server {
	reg := prometheus.NewRegistry()
	return httpapi.NewAdmin(httpapi.AdminConfig{
		Registerer: reg, Gatherer: reg, Control: control, Log: quiet(), Ready: func() []httpapi.Check { return checks },
	})
}

func TestAdmin(t *testing.T) {
	control := new(fakeControl)
	c := client(t, newAdmin(control, httpapi.Check{Name: "disk", OK: true, Detail: "12 GiB free"}))
	cases := []struct {
		name, method, path string
		headers            []string
		status             int
		want               string // contained in the body
	}{
		{"alive", "GET", "/healthz", nil, 200, "ok\n"},
		{"ready", "GET", "/readyz", nil, 200, `{"ready":true,"checks":[{"name":"disk","ok":true,"detail":"12 GiB free"}]}`},
		{"metrics", "GET", "/metrics", nil, 200, `spotter_http_requests_total{code="200",listener="admin",route="/healthz"} 1`},
		{"profiles", "GET", "/debug/pprof/", nil, 200, "goroutine?debug=1"},
		{"profiles without slash", "GET", "/debug/pprof", nil, 301, ""},
		{"a profile", "GET", "/debug/pprof/goroutine?debug=1", nil, 200, "goroutine profile"},
		{"command line", "GET", "/debug/pprof/cmdline", nil, 200, "httpapi.test"},
		{"no such profile", "GET", "/debug/pprof/other", nil, 404, ""},
		{"start", "POST", "/v1/media/cup-final/start", nil, 204, ""},
		{"stop", "POST", "/v1/media/a%2Fb/stop", nil, 204, ""},
		{"from a tool that says so", "POST", "/v1/media/cup-final/start", []string{"Sec-Fetch-Site", "none"}, 204, ""},
		{"own page", "POST", "/v1/media/cup-final/start", []string{"Origin", "http://spotter"}, 204, ""},
		{"foreign page", "POST", "/v1/media/cup-final/stop", []string{"Sec-Fetch-Site", "cross-site"}, 403, "other origins"},
		{"foreign page, old browser", "POST", "/v1/media/cup-final/stop", []string{"Origin", "http://evil.example"}, 403, "other origins"},
		{"sandboxed page", "POST", "/v1/media/cup-final/stop", []string{"Origin", "null"}, 403, "other origins"},
		{"unknown media", "POST", "/v1/media/other/stop", nil, 404, `there is no media \"other\"`},
		{"control fails", "POST", "/v1/media/broken/stop", nil, 500, "disk is full"},
		{"control panics", "POST", "/v1/media/panics/stop", nil, 500, "its log says why"},
		{"panic counted", "GET", "/metrics", nil, 200, `spotter_http_panics_total{listener="admin"} 1`},
		{"start by get", "GET", "/v1/media/cup-final/start", nil, 405, ""},
		{"unknown route", "GET", "/", nil, 404, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := send(t, c, tc.method, tc.path, tc.headers...)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
		})
	}
	want := []string{"start cup-final", "stop a/b", "start cup-final", "start cup-final", "stop other", "stop broken", "stop panics"}
	if diff := cmp.Diff(want, control.did); diff != "" {
		t.Error(diff)
	}
}

func TestNotReady(t *testing.T) {
	c := client(t, newAdmin(nil, httpapi.Check{Name: "disk", OK: true}, httpapi.Check{Name: "clock", Detail: "9 s off"}))
	resp, body := send(t, c, http.MethodGet, "/readyz")
	want := `{"ready":false,"checks":[{"name":"disk","ok":true,"detail":""},{"name":"clock","ok":false,"detail":"9 s off"}]}`
	if resp.StatusCode != http.StatusServiceUnavailable || body != want {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	resp, body = send(t, c, http.MethodPost, "/v1/media/cup-final/start")
	checkProblem(t, resp, body, 404, "")
}

func TestHealth(t *testing.T) {
	well := httpapi.Check{Name: "http", OK: true, Detail: "answers"}
	late := httpapi.Check{Name: "media cup", Detail: "silent for 40s", Mend: "restart"}
	for name, tc := range map[string]struct {
		alive  func() []httpapi.Check
		accept string
		status int
		want   string
	}{
		"no parts":          {nil, "", 200, "ok\n"},
		"no parts, JSON":    {nil, "application/json", 200, `{"healthy":true,"checks":[]}`},
		"well":              {func() []httpapi.Check { return []httpapi.Check{well} }, "*/*", 200, "ok\n"},
		"well, JSON":        {func() []httpapi.Check { return []httpapi.Check{well} }, "text/html, application/json;q=0.9", 200, `{"healthy":true,"checks":[{"name":"http","ok":true,"detail":"answers"}]}`},
		"a dead part":       {func() []httpapi.Check { return []httpapi.Check{well, late} }, "", 503, "media cup: silent for 40s\n"},
		"a dead part, JSON": {func() []httpapi.Check { return []httpapi.Check{late} }, "application/json", 503, `{"healthy":false,"checks":[{"name":"media cup","ok":false,"detail":"silent for 40s","mend":"restart"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			c := client(t, httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Log: quiet(), Alive: tc.alive}))
			resp, body := send(t, c, http.MethodGet, "/healthz", "Accept", tc.accept)
			if resp.StatusCode != tc.status || body != tc.want || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, %v: %q", resp.StatusCode, resp.Header, body)
			}
		})
	}
}
