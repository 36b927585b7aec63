package httpapi_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

func TestEvents(t *testing.T) {
	const path, plain = "/v1/decisions/{decision}/events", "text/plain;charset=UTF-8"
	d := describe(t)
	e := new(fakeEngagement)
	c := client(t, engaging(cup(), e))
	var want []string
	for _, tc := range []struct {
		name, decision, contentType, body string
		status                            int
		parameter                         string
		event                             string // that is joined
	}{
		{"a view", "d1", "application/json", `{"type":"view"}`, 204, "", "d1 view none"},
		{"a click with a value", "d1", "application/json; charset=utf-8", ` {"value": 0.5, "type": "click"} `, 204, "", "d1 click 0.5"},
		{"by a beacon", "d1", plain, `{"type":"convert","value":1e9}`, 204, "", "d1 convert 1e+09"},
		{"an answer of nothing", "d%2F1", plain, `{"type":"answer","value":0}`, 204, "", "d/1 answer 0"},
		{"dismissed", "d1", plain, `{"type":"dismiss"}`, 204, "", "d1 dismiss none"},
		{"forged", "forged", plain, `{"type":"view"}`, 403, "", "forged view none"},
		{"unknown", "unknown", plain, `{"type":"view"}`, 404, "", "unknown view none"},
		{"twice", "again", plain, `{"type":"view"}`, 409, "", "again view none"},
		{"too late", "late", plain, `{"type":"view"}`, 410, "", "late view none"},
		{"a fault of ours", "broken", plain, `{"type":"view"}`, 500, "", "broken view none"},
		{"no type", "d1", plain, `{"value":1}`, 400, "type", ""},
		{"another type", "d1", plain, `{"type":"CLICK"}`, 400, "type", ""},
		{"a type that is no word", "d1", plain, `{"type":1}`, 400, "type", ""},
		{"another member", "d1", plain, `{"type":"view","user":"p1"}`, 400, "user", ""},
		{"another case", "d1", plain, `{"Type":"view"}`, 400, "Type", ""},
		{"a negative value", "d1", plain, `{"type":"click","value":-0.1}`, 400, "value", ""},
		{"a large value", "d1", plain, `{"type":"click","value":1000000001}`, 400, "value", ""},
		{"an infinite value", "d1", plain, `{"type":"click","value":1e999}`, 400, "value", ""},
		{"a value that is no number", "d1", plain, `{"type":"click","value":"1"}`, 400, "value", ""},
		{"a value that is null", "d1", plain, `{"type":"click","value":null}`, 400, "value", ""},
		{"no body", "d1", plain, ``, 400, "", ""},
		{"no object", "d1", plain, `["view"]`, 400, "", ""},
		{"null", "d1", plain, `null`, 400, "", ""},
		{"two objects", "d1", plain, `{"type":"view"}{"type":"click"}`, 400, "", ""},
		{"not JSON", "d1", plain, "type=view", 400, "", ""},
		{"too large", "d1", plain, `{"type":"view"` + strings.Repeat(" ", 4<<10) + `}`, 413, "", ""},
		{"as curl -d says", "d1", "application/x-www-form-urlencoded", `{"type":"dismiss"}`, 204, "", "d1 dismiss none"},
		{"a form", "d1", "application/x-www-form-urlencoded", "type=view", 400, "", ""},
		{"another content type", "d1", "application/xml", `{"type":"view"}`, 415, "", ""},
		{"no content type", "d1", "", `{"type":"view"}`, 415, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := post(t, c, http.MethodPost, "/v1/decisions/"+tc.decision+"/events", tc.contentType, tc.body)
			if tc.status != http.StatusNoContent {
				checkProblem(t, resp, body, tc.status, tc.parameter)
			}
			if resp.StatusCode != tc.status || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, %v: %s", resp.StatusCode, resp.Header, body)
			}
			d.check(t, path, resp, body)
		})
		if tc.event != "" {
			want = append(want, tc.event)
		}
	}
	if diff := cmp.Diff(want, e.events); diff != "" {
		t.Error(diff)
	}
	t.Run("engagement is off", func(t *testing.T) {
		resp, body := post(t, client(t, newViewer(cup())), http.MethodPost, "/v1/decisions/d1/events", plain, `{"type":"view"}`)
		checkProblem(t, resp, body, http.StatusNotFound, "")
		if !strings.Contains(body, "no section engage") {
			t.Error(body)
		}
	})
	t.Run("by get", func(t *testing.T) {
		resp, body := send(t, c, http.MethodGet, "/v1/decisions/d1/events")
		checkProblem(t, resp, body, http.StatusMethodNotAllowed, "")
	})
}

// TestEventsFromPages sends what a browser does before a cross-origin POST of JSON, and the POST itself with a key.
func TestEventsFromPages(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app", "cup-final")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Origins: []string{"https://app.example"}, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	e := new(fakeEngagement)
	s := httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Engagement: e, Access: access, Registerer: prometheus.NewRegistry(), Log: quiet()})
	const address, origin = "/v1/decisions/d1/events", "https://app.example"
	before := ask(s, "OPTIONS", address, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	methods := strings.Split(header(before, "Access-Control-Allow-Methods"), ", ")
	if before.Response.StatusCode() != 204 || !slices.Contains(methods, "POST") || header(before, "Access-Control-Allow-Origin") != origin ||
		!strings.Contains(header(before, "Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %s", &before.Response)
	}
	c := client(t, s)
	resp, body := post(t, c, http.MethodPost, address, "text/plain", `{"type":"view"}`, "Origin", origin)
	checkProblem(t, resp, body, http.StatusUnauthorized, "")
	resp, body = post(t, c, http.MethodPost, address, "application/json", `{"type":"view"}`, "Origin", origin, "Authorization", "Bearer "+key)
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("status %d, %v: %s", resp.StatusCode, resp.Header, body)
	}
	if resp, body = post(t, c, http.MethodPost, address+"?key="+key, "text/plain", `{"type":"click"}`); resp.StatusCode != http.StatusNoContent {
		t.Errorf("a beacon with its key: status %d: %s", resp.StatusCode, body)
	}
	if diff := cmp.Diff([]string{"d1 view none", "d1 click none"}, e.events); diff != "" {
		t.Error(diff)
	}
}

// FuzzEvent posts any body: what is joined has a type and a value that are known, and no answer is a fault of ours.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"click","value":1}`, `{"type":"view"}`, `{"value":1e999}`, `{"type":"click","type":"view"}`, `[]`, `null`, `{"\u0000":1}`, "\xff", `{"type":"click","value":-0}`,
	} {
		f.Add(seed)
	}
	s := engaging(cup(), strict{f})
	f.Fuzz(func(t *testing.T, body string) {
		ctx := request("/v1/decisions/x/events")
		ctx.Request.Header.SetMethod(fasthttp.MethodPost)
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyString(body)
		s.Handle(ctx)
		if status := ctx.Response.StatusCode(); status != 204 && status != 400 && status != 413 {
			t.Errorf("status %d: %s", status, ctx.Response.Body())
		}
	})
}

// strict fails when it is told of what is no event.
type strict struct{ testing.TB }

// Decide implements httpapi.Engagement.
func (strict) Decide(*httpapi.EngagementQuery) (httpapi.Instrument, bool) {
	return httpapi.Instrument{}, false
}

// Event implements httpapi.Engagement.
func (s strict) Event(_ string, e httpapi.Event) error {
	types := []string{"view", "click", "answer", "convert", "dismiss"}
	if !slices.Contains(types, e.Type) || e.Value != nil && !(*e.Value >= 0 && *e.Value <= 1e9) {
		s.Errorf("%+v", e)
	}
	return nil
}
