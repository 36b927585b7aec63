package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// failing is a backend that cannot be asked.
type failing struct {
	*mediatest.Box
	fail func() error
}

func (f failing) IDs() ([]string, error) { return nil, f.fail() }

func (f failing) Status(string) (httpapi.Status, error) { return httpapi.Status{}, f.fail() }

func (f failing) Timeline(string, timeline.Span) (*timeline.Timeline, error) { return nil, f.fail() }

func (f failing) PositionAt(string, time.Time) (timeline.Position, bool, error) {
	return 0, false, f.fail()
}

var everything = []string{
	"/v1/media", "/v1/media/cup-final", "/v1/media/cup-final/timeline", "/v1/media/cup-final/timeline?from=0&until=1",
	"/v1/media/cup-final/context?position=1", "/v1/media/cup-final/context?time=2026-11-23T14:00:50Z",
}

func TestBackendFails(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
		retry  string
	}{
		"away":   {fmt.Errorf("%w: query: secret", httpapi.ErrUnavailable), 503, "1"},
		"broken": {errors.New("secret"), 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, newViewer(failing{cup(), func() error { return tc.err }}))
			for _, path := range everything {
				resp, body := send(t, c, http.MethodGet, path)
				checkProblem(t, resp, body, tc.status, "")
				if got := resp.Header.Get("Retry-After"); got != tc.retry || strings.Contains(body, "secret") {
					t.Errorf("%s: retry after %q: %s", path, got, body)
				}
			}
			resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=now")
			checkProblem(t, resp, body, 400, "position")
		})
	}
}

// hazard has a media that must not be asked about.
type hazard struct{ *mediatest.Box }

func (h hazard) Timeline(id string, w timeline.Span) (*timeline.Timeline, error) {
	if id == "panics" {
		panic("broken snapshot")
	}
	return h.Box.Timeline(id, w)
}

func (h hazard) Settled(id string) (timeline.Position, bool, error) { return 0, false, nil }

func TestBackendPanics(t *testing.T) {
	c := client(t, newViewer(hazard{cup()}))
	for name, path := range map[string]string{"in the look-up": "/context?position=1", "in the router's route": "/timeline"} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, "/v1/media/panics"+path)
			checkProblem(t, resp, body, 500, "")
		})
	}
}

// TestMediaGoes lists the rest when one media has gone since they were named.
func TestMediaGoes(t *testing.T) {
	m := cup()
	m.Order = []string{"warm-up", "gone"}
	if _, body := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/media"); strings.Count(body, `"media":"`) != 1 {
		t.Error(body)
	}
}

func TestStatusIsReadAsWritten(t *testing.T) {
	for _, e := range mediatest.Cup() {
		text, err := e.Status.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got httpapi.Status
		if err := got.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		want := e.Status
		want.Faults = append([]httpapi.Fault{}, want.Faults...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}
