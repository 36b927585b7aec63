package httpapi_test

import (
	"bytes"
	"crypto/elliptic"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

// guards are the ways in which a look-up is let in, with the header that it takes.
func guards(tb testing.TB) map[string]func() (httpapi.AccessConfig, string) {
	return map[string]func() (httpapi.AccessConfig, string){
		"none": func() (httpapi.AccessConfig, string) { return httpapi.AccessConfig{Origins: []string{"*"}}, "" },
		"none, limited": func() (httpapi.AccessConfig, string) {
			return httpapi.AccessConfig{Origins: []string{"*"}, RequestsPerSecond: 1e6, Burst: 1e6}, ""
		},
		"keys": func() (httpapi.AccessConfig, string) {
			path := filepath.Join(tb.TempDir(), "keys")
			return httpapi.AccessConfig{KeysFile: path, Origins: []string{"*"}}, keyFor(tb, path, "app")
		},
		"jwt": func() (httpapi.AccessConfig, string) {
			secret := bytes.Repeat([]byte("k"), 32)
			path := write(tb, filepath.Join(tb.TempDir(), "secret"), secret)
			token := signed(tb, jwt.SigningMethodHS256, secret, "", jwt.MapClaims{
				"exp": time.Now().Add(time.Hour).Unix(), "sub": "viewer-7", "media": []string{"cup-final"}, "profile": map[string]any{"age": 34},
			})
			return httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: path}, Origins: []string{"https://app.example"}}, token
		},
	}
}

// guardedLookUp returns a look-up that goes as fasthttp would have it: request and answer are used again.
func guardedLookUp(tb testing.TB, c httpapi.AccessConfig, credential string) func() *fasthttp.RequestCtx {
	tb.Helper()
	c.Log = quiet()
	access, err := httpapi.NewAccess(c)
	if err != nil {
		tb.Fatal(err)
	}
	s := httpapi.NewViewer(httpapi.ViewerConfig{Media: twelveHours(), Access: access, Registerer: prometheus.NewRegistry(), Log: quiet()})
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.SetRequestURI(benchQuery)
	ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, nil)
	bearer := "Bearer " + credential
	return func() *fasthttp.RequestCtx {
		ctx.Response.Reset()
		ctx.ResetUserValues()
		ctx.Request.Header.Set(fasthttp.HeaderOrigin, "https://app.example")
		if credential != "" {
			ctx.Request.Header.Set(fasthttp.HeaderAuthorization, bearer)
		}
		s.Handle(ctx)
		return ctx
	}
}

// BenchmarkAccess is the look-up of BenchmarkLookUpHandler by who may ask.
func BenchmarkAccess(b *testing.B) {
	for name, guard := range guards(b) {
		b.Run(name, func(b *testing.B) {
			c, credential := guard()
			ask := guardedLookUp(b, c, credential)
			b.ReportAllocs()
			for b.Loop() {
				if got := ask().Response.StatusCode(); got != 200 {
					b.Fatal(got)
				}
			}
		})
	}
}

// BenchmarkFirstToken is what a token costs before it is known.
func BenchmarkFirstToken(b *testing.B) {
	ec := newEC(b, elliptic.P256())
	path := write(b, filepath.Join(b.TempDir(), "jwks.json"), jwks(b, ecJWK(b, "e", ec)))
	c := httpapi.AccessConfig{JWT: &httpapi.JWTConfig{JWKSFile: path}}
	token := signed(b, jwt.SigningMethodES256, ec, "e", jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})
	ask := guardedLookUp(b, c, token) // one that has expired is never known
	b.ReportAllocs()
	for b.Loop() {
		if got := ask().Response.StatusCode(); got != 401 {
			b.Fatal(got)
		}
	}
}
