package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

var overviewTime = time.Date(2026, 11, 23, 14, 1, 0, 0, time.UTC)

// told is what a box tells that has all there is.
func told() httpapi.Overview {
	ceiling := 2.0
	return httpapi.Overview{
		Version: "v1.2.3",
		Work: map[string]httpapi.MediaWork{"cup-final": {
			Source: "https://origin.example/cup/index.m3u8", Sampled: 120, Admitted: 40, Asked: 12, Observations: 2, Player: true,
			Faults: []httpapi.Fault{{At: overviewTime, Kind: "cloud", Message: "the cloud does not answer", Count: 1}},
		}},
		Mends:  map[string]string{"fetch": "See that the origin answers."},
		Cloud:  &httpapi.CloudSpending{Hour: 0.42, Ceiling: &ceiling, Saved: 12.3, Calls: 123},
		Sync:   []httpapi.SinkBacklog{{Sink: "dynamodb", Waiting: 12, Oldest: 3.2}, {Sink: "sns", Waiting: 1, Oldest: 9, Fault: "away"}},
		Engage: true, Edits: true, Gallery: true,
	}
}

func overviewServer(t *testing.T, m httpapi.Media, access *httpapi.Access, tell func() httpapi.Overview) *httpapi.Server {
	t.Helper()
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: m, Access: access, Overview: tell, Registerer: prometheus.NewRegistry(), Log: quiet()})
}

const (
	finalOverview = `{"media":"cup-final","state":"live","live_edge":125.5,"analyzed_until":120.0,"delay":5.5,"started_at":"2026-11-23T14:00:00Z",` +
		`"source":"https://origin.example/cup/index.m3u8","sampled":120,"admitted":40,"asked":12,"observations":2,"faults":[` +
		`{"at":"2026-11-23T14:00:00Z","kind":"fetch","message":"404 <b>","count":3,"mend":"See that the origin answers."},` +
		`{"at":"2026-11-23T14:01:00Z","kind":"cloud","message":"the cloud does not answer","count":1}],"player":"/v1/media/cup-final/hls/index.m3u8"}`
	warmUpOverview = `{"media":"warm-up","state":"waiting","live_edge":null,"analyzed_until":null,"delay":null,"started_at":null,` +
		`"source":null,"sampled":0,"admitted":0,"asked":0,"observations":0,"faults":[],"player":null}`
	finalAlone = `{"media":"cup-final","state":"live","live_edge":125.5,"analyzed_until":120.0,"delay":5.5,"started_at":"2026-11-23T14:00:00Z",` +
		`"source":null,"sampled":0,"admitted":0,"asked":0,"observations":0,"faults":[` +
		`{"at":"2026-11-23T14:00:00Z","kind":"fetch","message":"404 <b>","count":3}],"player":null}`
	spent  = `"cloud":{"usd_hour":0.42,"usd_ceiling":2,"usd_saved":12.3,"calls":123},`
	synced = `"sync":[{"sink":"dynamodb","waiting":12,"oldest":3.2,"fault":""},{"sink":"sns","waiting":1,"oldest":9,"fault":"away"}],`
)

// sameOverview compares an overview but for when it was made, which must be a moment ago.
func sameOverview(t *testing.T, want, got string) {
	t.Helper()
	decode := func(text string) (v map[string]any) {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return v
	}
	is := decode(got)
	at, err := time.Parse(time.RFC3339, fmt.Sprint(is["at"]))
	if err != nil || time.Since(at) > time.Minute {
		t.Errorf("at %v: %v", is["at"], err)
	}
	delete(is, "at")
	if diff := cmp.Diff(decode(want), is); diff != "" {
		t.Error(diff)
	}
}

func TestOverview(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	all, limited, none := keyFor(t, keys, "all"), keyFor(t, keys, "limited", "warm-up"), keyFor(t, keys, "none", "other")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	whole := `{"version":"v1.2.3","media":[` + finalOverview + "," + warmUpOverview + "]," + spent + synced + `"engage":true,"edits":true,"gallery":true}`
	brief := func(media string) string {
		return `{"version":"v1.2.3","media":[` + media + `],"cloud":null,"sync":[],"engage":true,"edits":true,"gallery":true}`
	}
	open := client(t, overviewServer(t, twoMedia(), nil, told))
	guarded := client(t, overviewServer(t, twoMedia(), access, told))
	alone := client(t, overviewServer(t, twoMedia(), nil, nil))
	d := describe(t)
	for name, tc := range map[string]struct {
		client *http.Client
		key    string
		want   string
	}{
		"everybody":            {open, "", whole},
		"a key for all":        {guarded, all, whole},
		"a key for one":        {guarded, limited, brief(warmUpOverview)},
		"a key for none there": {guarded, none, brief("")},
		"media alone":          {alone, "", `{"version":"","media":[` + finalAlone + "," + warmUpOverview + `],"cloud":null,"sync":[],"engage":false,"edits":false,"gallery":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tc.key != "" {
				headers = []string{"Authorization", "Bearer " + tc.key}
			}
			resp, body := send(t, tc.client, http.MethodGet, "/v1/overview", headers...)
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", resp.StatusCode, body)
			}
			sameOverview(t, tc.want, body)
			d.check(t, "/v1/overview", resp, body)
		})
	}
	t.Run("no key", func(t *testing.T) {
		for _, path := range []string{"/v1/overview", "/v1/overview/live"} {
			resp, body := send(t, guarded, http.MethodGet, path)
			checkProblem(t, resp, body, http.StatusUnauthorized, "")
		}
	})
}

// TestOverviewWithoutCeiling: a budget without a limit is no number in JSON.
func TestOverviewWithoutCeiling(t *testing.T) {
	s := overviewServer(t, twoMedia(), nil, func() httpapi.Overview { return httpapi.Overview{Cloud: new(httpapi.CloudSpending)} })
	resp, body := send(t, client(t, s), http.MethodGet, "/v1/overview")
	describe(t).check(t, "/v1/overview", resp, body)
	var answer struct {
		Cloud struct {
			Ceiling *float64 `json:"usd_ceiling"`
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Cloud.Ceiling != nil {
		t.Errorf("%v: %s", err, body)
	}
}

func TestOverviewRefuses(t *testing.T) {
	away := client(t, newViewer(failing{cup(), func() error { return fmt.Errorf("table: %w", httpapi.ErrUnavailable) }}))
	for _, path := range []string{"/v1/overview", "/v1/overview/live"} {
		resp, body := send(t, away, http.MethodGet, path)
		checkProblem(t, resp, body, http.StatusServiceUnavailable, "")
		resp, body = send(t, away, http.MethodPost, path)
		checkProblem(t, resp, body, http.StatusMethodNotAllowed, "")
	}
	resp, body := send(t, client(t, newViewer(cup())), http.MethodHead, "/v1/overview/live")
	if resp.StatusCode != http.StatusOK || body != "" || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(resp.Status, resp.Header)
	}
}

// TestOverviewIsKept: a crowd that asks at once has one overview made.
func TestOverviewIsKept(t *testing.T) {
	made := 0 // the overview is made by one at a time
	c := client(t, overviewServer(t, cup(), nil, func() httpapi.Overview { made++; return httpapi.Overview{} }))
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 50 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://spotter/v1/overview", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if most := 1 + int(time.Since(began)/(250*time.Millisecond)); made > most {
		t.Errorf("made %d times, want %d at most", made, most)
	}
}
