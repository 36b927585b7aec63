package httpapi_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

const lookUpPath = "/v1/media/cup-final/context?position=50"

// guarded returns a viewer API with access control.
func guarded(t testing.TB, c httpapi.AccessConfig) *httpapi.Server {
	t.Helper()
	if c.Log == nil {
		c.Log = quiet()
	}
	access, err := httpapi.NewAccess(c)
	if err != nil {
		t.Fatal(err)
	}
	return httpapi.NewViewer(httpapi.ViewerConfig{
		Media: cup(), Engagement: new(fakeEngagement), Access: access, Registerer: prometheus.NewRegistry(), Log: quiet(),
	})
}

// write puts text into a file and returns its path.
func write(t testing.TB, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keyFor adds a key to a file and returns it.
func keyFor(t testing.TB, path, name string, media ...string) string {
	t.Helper()
	secret, key := httpapi.NewKey(name)
	key.Media = media
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	write(t, path, fmt.Appendln(text, key))
	return secret
}

// ask sends a request with headers from an address, past any listener.
func ask(s *httpapi.Server, method, uri, from string, headers ...string) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.Header.SetMethod(method)
	req.SetRequestURI(uri)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	var peer net.Addr
	if from != "" {
		peer = &net.TCPAddr{IP: net.ParseIP(from), Port: 40_000}
	}
	ctx.Init(&req, peer, nil)
	s.Handle(ctx)
	return ctx
}

func header(ctx *fasthttp.RequestCtx, name string) string {
	return string(ctx.Response.Header.Peek(name))
}

// detail returns the detail and the parameter of a problem.
func detail(t *testing.T, ctx *fasthttp.RequestCtx) (string, string) {
	t.Helper()
	var p struct{ Detail, Parameter string }
	if got := string(ctx.Response.Header.ContentType()); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if err := json.Unmarshal(ctx.Response.Body(), &p); err != nil {
		t.Error(err)
	}
	return p.Detail, p.Parameter
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	all, one := keyFor(t, path, "app"), keyFor(t, path, "cup-app", "cup-final")
	s := guarded(t, httpapi.AccessConfig{KeysFile: path, Origins: []string{"*"}})
	const bare = `Bearer realm="spotter"`
	for name, tc := range map[string]struct {
		method, uri string
		headers     []string
		status      int
		challenge   string
	}{
		"bearer":                      {"GET", lookUpPath, []string{"Authorization", "Bearer " + all}, 200, ""},
		"bearer in lower case":        {"GET", lookUpPath, []string{"authorization", "bearer " + all}, 200, ""},
		"header":                      {"GET", lookUpPath, []string{"X-API-Key", all}, 200, ""},
		"query":                       {"GET", lookUpPath + "&key=" + all, nil, 200, ""},
		"head":                        {"HEAD", lookUpPath, []string{"X-API-Key", all}, 200, ""},
		"its media":                   {"GET", lookUpPath, []string{"X-API-Key", one}, 200, ""},
		"its media, escaped":          {"GET", "/v1/media/cup%2Dfinal/context?position=50", []string{"X-API-Key", one}, 200, ""},
		"its media's status":          {"GET", "/v1/media/cup-final", []string{"X-API-Key", one}, 200, ""},
		"none":                        {"GET", lookUpPath, nil, 401, bare},
		"none, by another route":      {"GET", "/v1/media", nil, 401, bare},
		"none, where nothing is":      {"GET", "/v1/nothing", nil, 401, bare},
		"empty query":                 {"GET", lookUpPath + "&key=", nil, 401, bare},
		"a key beside another scheme": {"GET", lookUpPath, []string{"Authorization", "Basic dTpw", "X-API-Key", all}, 200, ""},
		"another scheme":              {"GET", lookUpPath, []string{"Authorization", "Basic " + all}, 401, bare},
		"unknown":                     {"GET", lookUpPath, []string{"X-API-Key", all + "x"}, 401, bare + `, error="invalid_token", error_description="this key is not known, or was withdrawn"`},
		"two ways":                    {"GET", lookUpPath + "&key=" + all, []string{"X-API-Key", all}, 400, bare + `, error="invalid_request"`},
		"another media":               {"GET", "/v1/media/early/context?position=1", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"another media, escaped":      {"GET", "/v1/media/%65arly/context?position=1", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"another media's status":      {"GET", "/v1/media/early", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"media that there is not":     {"GET", "/v1/media/nowhere", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"many media, one another":     {"GET", "/v1/context?media=cup-final,early&position=1", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"many media, in parts":        {"GET", "/v1/context?media=cup-final&media=early&position=1", []string{"X-API-Key", one}, 403, bare + `, error="insufficient_scope"`},
		"the page":                    {"GET", "/", nil, 200, ""},
		"a browser asks first":        {"OPTIONS", "/v1/media/cup-final/context", []string{"Origin", "https://app.example"}, 204, ""},
		"media that there is not, ok": {"GET", "/v1/media/nowhere", []string{"X-API-Key", all}, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := ask(s, tc.method, tc.uri, "", tc.headers...)
			if got := ctx.Response.StatusCode(); got != tc.status {
				t.Errorf("status %d, want %d: %s", got, tc.status, ctx.Response.Body())
			}
			if diff := cmp.Diff(tc.challenge, header(ctx, "WWW-Authenticate")); diff != "" {
				t.Error(diff)
			}
			if tc.status == 403 {
				if _, parameter := detail(t, ctx); parameter != "media" {
					t.Errorf("parameter %q", parameter)
				}
			}
			if got := header(ctx, "Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("the page cannot read the answer: %q", got)
			}
			for _, secret := range []string{all, one} {
				if strings.Contains(ctx.Request.String()+ctx.URI().String()+ctx.QueryArgs().String(), secret) {
					t.Error("the request still has the key")
				}
			}
		})
	}
}

func TestIdentityOfKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	secret := keyFor(t, path, "cup-app", "cup-final")
	ctx := ask(guarded(t, httpapi.AccessConfig{KeysFile: path}), "GET", lookUpPath, "", "X-API-Key", secret)
	id := httpapi.IdentityOf(ctx)
	if id == nil || id.Key != "cup-app" || !id.MayAsk("cup-final") || id.MayAsk("early") {
		t.Errorf("got %+v", id)
	}
	ctx = ask(newViewer(cup()), "GET", lookUpPath, "", "X-API-Key", secret)
	if id := httpapi.IdentityOf(ctx); id != nil || !id.MayAsk("early") {
		t.Errorf("got %+v of a box that asks nobody", id)
	}
}

func TestAnswersForSomeAreKeptOutOfSharedCaches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	secret := keyFor(t, path, "app")
	closed, open := guarded(t, httpapi.AccessConfig{KeysFile: path}), newViewer(cup())
	for _, uri := range []string{lookUpPath, "/v1/media", "/v1/media/cup-final/timeline?from=0&until=10", "/v1/nothing", "/"} {
		was, got := header(ask(open, "GET", uri, ""), "Cache-Control"), header(ask(closed, "GET", uri, "", "X-API-Key", secret), "Cache-Control")
		want := strings.Replace(was, "public", "private", 1)
		if got != want || uri != "/" && got == was && got != "no-store" {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

func TestKeysChangeWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		first := keyFor(t, path, "first")
		var log logged
		s := guarded(t, httpapi.AccessConfig{KeysFile: path, Log: log.logger()})
		expect := func(step, secret string, want int) {
			t.Helper()
			if got := ask(s, "GET", lookUpPath, "", "X-API-Key", secret).Response.StatusCode(); got != want {
				t.Errorf("%s: %d, want %d", step, got, want)
			}
		}
		expect("at first", first, 200)
		second := keyFor(t, path, "second")
		expect("within the second", second, 401)
		time.Sleep(time.Second)
		expect("added", second, 200)
		expect("still there", first, 200)

		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, []byte("third:not-a-hash\n"))
		for range 5 {
			time.Sleep(time.Second)
			expect("wrong file", first, 200)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		expect("no file", first, 200)
		write(t, path, good)
		time.Sleep(time.Second)
		expect("mended", second, 200)
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 || !strings.Contains(log.String(), "line 1: the hash is not SHA-256") {
			t.Errorf("%d errors logged, want one of each fault:\n%s", n, log.String())
		}
		// Replaced as programs that write safely do it.
		write(t, path+".new", nil)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		expect("withdrawn", first, 401)
		expect("withdrawn", second, 401)
	})
}

func TestManyAskWhileKeysChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		secret := keyFor(t, path, "app")
		s := guarded(t, httpapi.AccessConfig{KeysFile: path, RequestsPerSecond: 1e6, Burst: 1e6})
		var asking sync.WaitGroup
		for i := range 8 {
			asking.Go(func() {
				for range 20 {
					time.Sleep(time.Duration(200+i) * time.Millisecond)
					if got := ask(s, "GET", lookUpPath, fmt.Sprint("192.0.2.", i), "X-API-Key", secret).Response.StatusCode(); got != 200 {
						t.Error(got)
					}
				}
			})
		}
		for i := range 4 {
			time.Sleep(time.Second)
			_, key := httpapi.NewKey(fmt.Sprint("other", i))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path+".new", fmt.Appendln(text, key))
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		asking.Wait()
	})
}

func TestParseKeys(t *testing.T) {
	hash := strings.Repeat("ab", sha256.Size)
	other := strings.Repeat("cd", sha256.Size)
	for name, tc := range map[string]struct {
		text string
		want []string // lines
		err  string
	}{
		"empty":        {"", nil, ""},
		"comments":     {"\ufeff# the app's\n\n app:" + hash + " \r\n", []string{"app:" + hash}, ""},
		"media":        {"app:" + hash + ":cup,semi", []string{"app:" + hash + ":cup,semi"}, ""},
		"no hash":      {"# who\napp", nil, "line 2: want name:hash"},
		"a key":        {"app:spotter_secret", nil, "line 1: the hash is not SHA-256"},
		"short hash":   {"app:abcd", nil, "line 1: the hash is not SHA-256"},
		"no name":      {":" + hash, nil, "line 1: want name:hash"},
		"no media":     {"app:" + hash + ":", nil, "line 1: a media is not an id"},
		"four parts":   {"app:" + hash + ":cup:semi", nil, "line 1: want name:hash"},
		"name twice":   {"app:" + hash + "\napp:" + other, nil, "line 2: app is there twice"},
		"shared by 2":  {"app:" + hash + "\nb:" + hash, nil, "line 2: b has the key of another name"},
		"media spaced": {"app:" + hash + ":cup, semi", nil, "line 1: a media is not an id"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := httpapi.ParseKeys([]byte(tc.text))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("the error shows what is in the file")
			}
			var got []string
			for _, k := range keys {
				got = append(got, k.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("app:" + strings.Repeat("ab", sha256.Size) + ":cup,semi\n# x\n"))
	f.Add([]byte("\ufeff:::"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := httpapi.ParseKeys(text)
		if err != nil {
			return
		}
		var lines []byte
		for _, k := range keys {
			lines = fmt.Appendln(lines, k)
		}
		again, err := httpapi.ParseKeys(lines)
		if diff := cmp.Diff(keys, again); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
