package httpapi_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
)

func TestOrigins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	secret := keyFor(t, path, "app")
	anybody := guarded(t, httpapi.AccessConfig{Origins: []string{"*"}})
	listed := guarded(t, httpapi.AccessConfig{KeysFile: path, Origins: []string{"https://app.example", "https://tv.example:8443"}})
	nobody := guarded(t, httpapi.AccessConfig{KeysFile: path})
	type answer struct{ Origin, Vary, Expose, Methods, Headers, Credentials string }
	for name, tc := range map[string]struct {
		s              *httpapi.Server
		method, origin string
		want           answer
	}{
		"all":                    {anybody, "GET", "https://app.example", answer{Origin: "*", Expose: "ETag, Retry-After"}},
		"all, no page":           {anybody, "GET", "", answer{Origin: "*", Expose: "ETag, Retry-After"}},
		"not configured":         {newViewer(cup()), "GET", "https://app.example", answer{Origin: "*", Expose: "ETag, Retry-After"}},
		"listed":                 {listed, "GET", "https://app.example", answer{Origin: "https://app.example", Vary: "Origin", Expose: "ETag, Retry-After"}},
		"listed with a port":     {listed, "GET", "https://tv.example:8443", answer{Origin: "https://tv.example:8443", Vary: "Origin", Expose: "ETag, Retry-After"}},
		"not listed":             {listed, "GET", "https://app.example.evil", answer{Vary: "Origin"}},
		"other scheme":           {listed, "GET", "http://app.example", answer{Vary: "Origin"}},
		"sandboxed":              {listed, "GET", "null", answer{Vary: "Origin"}},
		"no page":                {listed, "GET", "", answer{Vary: "Origin"}},
		"none are listed":        {nobody, "GET", "https://app.example", answer{}},
		"preflight, all":         {anybody, "OPTIONS", "https://app.example", answer{Origin: "*", Methods: "GET, HEAD", Headers: "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key"}},
		"preflight, listed":      {listed, "OPTIONS", "https://app.example", answer{Origin: "https://app.example", Vary: "Origin", Methods: "GET, HEAD", Headers: "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key"}},
		"preflight, not listed":  {listed, "OPTIONS", "https://evil.example", answer{Vary: "Origin"}},
		"preflight, none listed": {nobody, "OPTIONS", "https://app.example", answer{}},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{"X-API-Key", secret}
			if tc.origin != "" {
				headers = append(headers, "Origin", tc.origin)
			}
			if tc.method == "OPTIONS" {
				headers = append(headers[2:], "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
			}
			ctx := ask(tc.s, tc.method, "/v1/media/cup-final", "", headers...)
			got := answer{
				header(ctx, "Access-Control-Allow-Origin"), header(ctx, "Vary"), header(ctx, "Access-Control-Expose-Headers"),
				header(ctx, "Access-Control-Allow-Methods"), header(ctx, "Access-Control-Allow-Headers"), header(ctx, "Access-Control-Allow-Credentials"),
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusalsCanBeReadByPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	keyFor(t, path, "app")
	s := guarded(t, httpapi.AccessConfig{KeysFile: path, Origins: []string{"https://app.example"}})
	ctx := ask(s, "GET", lookUpPath, "", "Origin", "https://app.example")
	if got := header(ctx, "Access-Control-Allow-Origin"); ctx.Response.StatusCode() != 401 || got != "https://app.example" {
		t.Error(ctx.Response.StatusCode(), got)
	}
}

func TestCheckOrigin(t *testing.T) {
	for origin, good := range map[string]bool{
		"*": true, "https://app.example": true, "http://localhost:3000": true, "https://[::1]:8443": true,
		"": false, "app.example": false, "https://app.example/": false, "https://app.example/x": false, "ftp://app.example": false,
		"https://": false, "https://*.example/": false, "https://user@app.example": false, "null": false,
		"https://App.example": false, "https://app.example:443": false, "http://app.example:80": false, "https://app.example:": false,
		"https://*.example": false, "http://app.example:443": true, "HTTPS://app.example": false,
	} {
		if err := httpapi.CheckOrigin(origin); (err == nil) != good {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
