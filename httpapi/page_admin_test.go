package httpapi_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
)

const bearerAdmin = "Bearer " + adminToken

// steered is a viewer API whose page may steer all that it can.
type steered struct {
	*httpapi.Server
	registry *prometheus.Registry
	token    string // its file
	control  *fakeControl
	kept     *fakeInstruments
}

// newSteered returns a viewer API with the page's admin; c may have more than this.
func newSteered(t testing.TB, c httpapi.ViewerConfig) *steered {
	t.Helper()
	s := &steered{
		registry: prometheus.NewRegistry(), control: new(fakeControl), kept: &fakeInstruments{kept: make(map[string]json.RawMessage)},
		token: write(t, filepath.Join(t.TempDir(), "token"), []byte(adminToken+"\n")),
	}
	c.Registerer, c.Media = s.registry, cup()
	if c.Log == nil {
		c.Log = quiet()
	}
	token, err := httpapi.OpenAdminToken(s.token, nil, c.Log)
	if err != nil {
		t.Fatal(err)
	}
	c.Admin = &httpapi.PageAdmin{Token: token, Control: s.control, Profiles: &fakeProfiles{kept: map[string]string{"p1": "{}"}}, Instruments: s.kept}
	s.Server = httpapi.NewViewer(c)
	return s
}

func TestPageAdmin(t *testing.T) {
	const kind, couch = "application/json", `{"type":"trivia","payload":{}}`
	d := describe(t)
	c := client(t, newSteered(t, httpapi.ViewerConfig{}).Server)
	for _, tc := range []struct {
		name, method, pattern, path, body string
		status                            int
		want                              string // contained in the answer
	}{
		{"start", "POST", "/v1/media/{media}/start", "/v1/media/cup-final/start", "", 204, ""},
		{"stop", "POST", "/v1/media/{media}/stop", "/v1/media/cup-final/stop", "", 204, ""},
		{"stop unknown", "POST", "/v1/media/{media}/stop", "/v1/media/other/stop", "", 404, "no media"},
		{"make", "PUT", "/v1/instruments/{id}", "/v1/instruments/couch", couch, 201, ""},
		{"replace", "PUT", "/v1/instruments/{id}", "/v1/instruments/couch", couch, 204, ""},
		{"faults", "PUT", "/v1/instruments/{id}", "/v1/instruments/couch", "{}", 400, "type is missing"},
		{"of the file", "PUT", "/v1/instruments/{id}", "/v1/instruments/fixed", couch, 409, "change it there"},
		{"too large", "PUT", "/v1/instruments/{id}", "/v1/instruments/couch", couch + strings.Repeat(" ", 64<<10), 413, "65536 bytes"},
		{"one", "GET", "/v1/instruments/{id}", "/v1/instruments/couch", "", 200, `"id":"couch"`},
		{"all", "GET", "/v1/instruments", "/v1/instruments", "", 200, `{"instruments":[{`},
		{"delete", "DELETE", "/v1/instruments/{id}", "/v1/instruments/couch", "", 204, ""},
		{"counts", "GET", "/v1/engagement", "/v1/engagement", "", 200, `"policies":[]`},
		{"profile", "GET", "/v1/profiles/{id}", "/v1/profiles/p1", "", 200, "{}"},
		{"no profile", "GET", "/v1/profiles/{id}", "/v1/profiles/p2", "", 404, "no profile"},
		{"put profile", "PUT", "/v1/profiles/{id}", "/v1/profiles/p2", `{"age":3}`, 204, ""},
		{"erase", "DELETE", "/v1/profiles/{id}", "/v1/profiles/p2", "", 204, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sent := ""
			if tc.body != "" {
				sent = kind
			}
			resp, body := post(t, c, tc.method, "/admin"+tc.path, sent, tc.body, "Authorization", bearerAdmin)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) || tc.want == "" && body != "" {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("cached %q", got)
			}
			d.check(t, "/admin"+tc.pattern, resp, body)
		})
	}
}

// TestPageAdminIsGuarded asks each route without the token, with another, and from where there is none.
func TestPageAdminIsGuarded(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Origins: []string{"*"}, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	d := describe(t)
	s := newSteered(t, httpapi.ViewerConfig{Access: access})
	none := httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Access: access, Registerer: prometheus.NewRegistry(), Log: quiet()})
	bare := httpapi.NewViewer(httpapi.ViewerConfig{
		Media: cup(), Registerer: prometheus.NewRegistry(), Log: quiet(), Admin: &httpapi.PageAdmin{Token: openToken(t, s.token)},
	})
	clients := map[*httpapi.Server]*http.Client{s.Server: client(t, s.Server), none: client(t, none), bare: client(t, bare)}
	routes := 0
	for pattern, methods := range httpapi.Routes(s.Server) {
		if !strings.HasPrefix(pattern, "/admin/") {
			continue
		}
		path := strings.NewReplacer("{media}", "cup-final", "{id}", "x", "{from}", "46").Replace(pattern)
		for _, method := range methods {
			routes++
			for name, tc := range map[string]struct {
				server    *httpapi.Server
				headers   []string
				status    int
				challenge string
			}{
				"no token":      {s.Server, nil, 401, `Bearer realm="spotter"`},
				"basic":         {s.Server, []string{"Authorization", "Basic " + adminToken}, 401, `Bearer realm="spotter"`},
				"as a key":      {s.Server, []string{"X-API-Key", adminToken}, 401, `Bearer realm="spotter"`},
				"no token file": {none, []string{"Authorization", bearerAdmin}, 404, ""},
				"nothing there": {bare, []string{"Authorization", bearerAdmin}, 404, ""},
				"another page":  {s.Server, []string{"Authorization", bearerAdmin, "Origin", "https://app.example"}, 403, ""},
				"another site":  {s.Server, []string{"Authorization", bearerAdmin, "Sec-Fetch-Site", "cross-site"}, 403, ""},
			} {
				t.Run(name+" "+method+strings.ReplaceAll(pattern, "/", " "), func(t *testing.T) {
					resp, body := send(t, clients[tc.server], method, path, tc.headers...)
					if resp.StatusCode != tc.status || resp.Header.Get("WWW-Authenticate") != tc.challenge || resp.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("status %d, %v", resp.StatusCode, resp.Header)
					}
					if resp.Header.Get("Access-Control-Allow-Origin") != "" {
						t.Error("pages of other origins may read it")
					}
					d.check(t, pattern, resp, body)
				})
			}
		}
	}
	if routes < 10 {
		t.Errorf("%d routes", routes)
	}
	if len(s.control.did) > 0 {
		t.Errorf("did %v", s.control.did)
	}

	wrong := ask(s.Server, "GET", "/admin/v1/engagement", "", "Authorization", "Bearer "+key)
	if wrong.Response.StatusCode() != 401 || !strings.Contains(header(wrong, "WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("a viewer's key: %d, %s", wrong.Response.StatusCode(), header(wrong, "WWW-Authenticate"))
	}
	if got := ask(s.Server, "GET", "/v1/media", "", "Authorization", bearerAdmin).Response.StatusCode(); got != 401 {
		t.Errorf("the admin token as a viewer's key: %d", got)
	}
	if got := ask(s.Server, "GET", "/v1/media", "", "Authorization", "Bearer "+key).Response.StatusCode(); got != 200 {
		t.Errorf("a viewer's key: %d", got)
	}
}

func openToken(t testing.TB, path string) *httpapi.AdminToken {
	t.Helper()
	token, err := httpapi.OpenAdminToken(path, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestPageAdminPreflight lets no browser of another origin send the token, even where all may read the viewer API.
func TestPageAdminPreflight(t *testing.T) {
	s := newSteered(t, httpapi.ViewerConfig{})
	for _, path := range []string{"/admin/v1/instruments", "/admin/v1/instruments/x", "/admin/v1/media/cup-final/stop", "/admin/v1/other"} {
		ctx := ask(s.Server, "OPTIONS", path, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization")
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"} {
			if got := header(ctx, name); got != "" {
				t.Errorf("%s: %s: %s", path, name, got)
			}
		}
	}
	if got := header(ask(s.Server, "OPTIONS", "/v1/media", "", "Origin", "https://app.example"), "Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("the viewer API: %q", got)
	}
}

// TestGuessedAdminTokens bounds wrong tokens by address, and what comes then is refused though it is right.
func TestGuessedAdminTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSteered(t, httpapi.ViewerConfig{})
		status := func(from, token string) int {
			return ask(s.Server, "GET", "/admin/v1/engagement", from, "Authorization", "Bearer "+token).Response.StatusCode()
		}
		for range 50 {
			if got := status("192.0.2.1", adminToken); got != 200 {
				t.Fatalf("the right token: %d", got)
			}
		}
		for i := range 10 {
			if got := status("192.0.2.1", "wrong"); got != 401 {
				t.Fatalf("guess %d: %d", i, got)
			}
		}
		for _, token := range []string{"wrong", adminToken} {
			ctx := ask(s.Server, "GET", "/admin/v1/engagement", "192.0.2.1", "Authorization", "Bearer "+token)
			if ctx.Response.StatusCode() != 429 || header(ctx, "Retry-After") != "5" {
				t.Errorf("after ten guesses: %d, again after %q", ctx.Response.StatusCode(), header(ctx, "Retry-After"))
			}
		}
		if got := status("192.0.2.2", adminToken); got != 200 {
			t.Errorf("from elsewhere: %d", got)
		}
		time.Sleep(5 * time.Second)
		if got := status("192.0.2.1", adminToken); got != 200 {
			t.Errorf("after some time: %d", got)
		}
	})
}

func TestPageAdminTokenChangesWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSteered(t, httpapi.ViewerConfig{})
		status := func(token string) int {
			return ask(s.Server, "GET", "/admin/v1/instruments", "", "Authorization", "Bearer "+token).Response.StatusCode()
		}
		write(t, s.token, []byte("short"))
		time.Sleep(time.Second)
		if got := status(adminToken); got != 200 {
			t.Errorf("with an unfit file: %d", got)
		}
		write(t, s.token, []byte("another-horse-battery-staple"))
		time.Sleep(time.Second)
		if before, now := status(adminToken), status("another-horse-battery-staple"); before != 401 || now != 200 {
			t.Errorf("with another token: %d with the one before, %d with it", before, now)
		}
	})
}

// TestPageAdminTokenIsNeverTold looks for tokens, right and wrong, in all that comes out.
func TestPageAdminTokenIsNeverTold(t *testing.T) {
	var log logged
	s := newSteered(t, httpapi.ViewerConfig{Log: log.logger()})
	ln := fasthttputil.NewInmemoryListener()
	clientOn(t, s.Server, ln, nil)
	var out strings.Builder
	for _, token := range []string{adminToken, adminToken[:20] + "-wrong"} {
		for _, request := range []string{
			"GET /admin/v1/engagement HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n",
			"GET /admin/v1/nothing HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n",
			"POST /admin/v1/media/broken/start HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n",
			"PUT /admin/v1/profiles/panics HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n\r\n{}",
			"GET /admin/v1/engagement HTTP/1.1\r\nHost: a\r\nAuthorization Bearer " + token + "\r\n\r\n",
		} {
			out.WriteString(raw(t, ln, request))
		}
	}
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	told := out.String()
	if !strings.Contains(told, `route="/admin/v1/engagement"`) || !strings.Contains(told, "HTTP/1.1 500") {
		t.Errorf("the requests do not reach what they are for:\n%s", told)
	}
	if all := told + log.String(); strings.Contains(all, adminToken[:20]) {
		t.Errorf("a token is told:\n%s", all)
	}
}

// TestPageAdminReadsNoLongBodies answers before any of a body is sent that would be too large, or is large and comes without the token.
func TestPageAdminReadsNoLongBodies(t *testing.T) {
	for name, tc := range map[string]struct{ token, length, want string }{
		"no token":         {"", "1000000", "HTTP/1.1 413"},
		"wrong token":      {"Authorization: Bearer " + strings.Repeat("x", 32) + "\r\n", "1000000", "HTTP/1.1 413"},
		"token, too large": {"Authorization: " + bearerAdmin + "\r\n", "1000000000", "HTTP/1.1 413"},
	} {
		t.Run(name, func(t *testing.T) {
			ln := fasthttputil.NewInmemoryListener()
			clientOn(t, newSteered(t, httpapi.ViewerConfig{}).Server, ln, nil)
			answer := raw(t, ln, "PUT /admin/v1/instruments/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+tc.token+
				"Content-Length: "+tc.length+"\r\n\r\n")
			if !strings.HasPrefix(answer, tc.want) {
				t.Error(answer)
			}
		})
	}
}

// TestViewerReadsNoLongBodies answers what would be too large before all of it is sent.
func TestViewerReadsNoLongBodies(t *testing.T) {
	for path, want := range map[string]string{"/v1/decisions/x/events": "HTTP/1.1 413", "/v1/media": "HTTP/1.1 413"} {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			ln := fasthttputil.NewInmemoryListener()
			clientOn(t, engaging(cup(), new(fakeEngagement)), ln, nil)
			answer := raw(t, ln, "POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"+
				strings.Repeat("x", 64<<10))
			if !strings.HasPrefix(answer, want) {
				t.Error(answer)
			}
		})
	}
}
