package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"spotter/httpapi"
)

func TestNearestWindow(t *testing.T) {
	c := client(t, newViewer(cup()))
	for name, tc := range map[string]struct{ window, nearest string }{
		"off the grid":         {"41-56", "45-60"},
		"of another length":    {"40-54", "45-60"},
		"too long":             {"30-150", "60-120"},
		"too short":            {"40-40", "40-41"},
		"with decimals":        {"40.0-50.0", "40-50"},
		"between":              {"40.5-50.5", "40-50"},
		"with zeros":           {"040-50", "40-50"},
		"backwards":            {"50-40", "45-46"},
		"before zero":          {"-15--5", "-10-0"},
		"across zero":          {"-5-5", "0-10"},
		"minus zero":           {"-0-10", "0-10"},
		"nearly zero":          {"-0.001-1", "0-1"},
		"at the far end":       {"31535999999-31536000000.5", ""},
		"at the far beginning": {"-31536000000--31535999999", "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/windows/"+tc.window)
			if tc.nearest == "ok" {
				if resp.StatusCode != http.StatusOK {
					t.Error(body)
				}
				return
			}
			checkProblem(t, resp, body, 400, "window")
			if tc.nearest != "" && !strings.Contains(body, "the nearest is "+tc.nearest+`"`) {
				t.Error(body)
			}
		})
	}
	for _, window := range []string{"", "-", "--", "5-", "-5", "5", "a-b", "1-2-3", "1e1-20", "%2045-60", "45-60%00", "45%2F60", "NaN-60", "+45-60"} {
		resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/windows/"+window)
		if resp.StatusCode != 400 && resp.StatusCode != 404 {
			t.Errorf("%q: %d: %s", window, resp.StatusCode, body)
		}
	}
}

// TestWindowOfHostileName has a media whose name looks like the member that a window's answer replaces.
func TestWindowOfHostileName(t *testing.T) {
	const id = `a,"analyzed_until":1,`
	m := cup()
	m.Timelines[id], m.Statuses[id] = event(10, 10_000), httpapi.Status{Media: id, State: httpapi.StateLive}
	_, body := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/media/"+url.PathEscape(id)+"/windows/0-5")
	if want := `{"media":"a,\"analyzed_until\":1,","from":0.0,"until":5.0,"analyzed_until":5.0,"complete":true,"celebrities":[{`; !strings.HasPrefix(body, want) {
		t.Error(body)
	}
}
