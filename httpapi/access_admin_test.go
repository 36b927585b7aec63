package httpapi_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

const adminToken = "correct-horse-battery-staple"

func TestAdminToken(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "token"), []byte(adminToken+"\n"))
	reg := prometheus.NewRegistry()
	s := httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Log: quiet()})
	if err := s.RequireToken(path, quiet()); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		uri, authorization string
		status             int
		challenge          string
	}{
		"right":       {"/metrics", "Bearer " + adminToken, 200, ""},
		"wrong":       {"/metrics", "Bearer " + adminToken + "x", 401, `Bearer realm="spotter", error="invalid_token", error_description="this is not the token of the admin listener"`},
		"none":        {"/metrics", "", 401, `Bearer realm="spotter"`},
		"empty":       {"/metrics", "Bearer ", 401, `Bearer realm="spotter"`},
		"profiles":    {"/debug/pprof/", "", 401, `Bearer realm="spotter"`},
		"readiness":   {"/readyz", "", 401, `Bearer realm="spotter"`},
		"health":      {"/healthz", "", 200, ""},
		"no shortcut": {"/healthz/../metrics", "", 401, `Bearer realm="spotter"`},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tc.authorization != "" {
				headers = []string{"Authorization", tc.authorization}
			}
			ctx := ask(s, "GET", tc.uri, "", headers...)
			if got := ctx.Response.StatusCode(); got != tc.status || header(ctx, "WWW-Authenticate") != tc.challenge {
				t.Errorf("%d, %q", got, header(ctx, "WWW-Authenticate"))
			}
			if strings.Contains(ctx.Response.String()+ctx.Request.String(), adminToken) {
				t.Error("the token is told, or left in the request")
			}
		})
	}
}

func TestAdminTokenChangesWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := write(t, filepath.Join(t.TempDir(), "token"), []byte(adminToken))
		reg := prometheus.NewRegistry()
		s := httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Log: quiet()})
		if err := s.RequireToken(path, quiet()); err != nil {
			t.Fatal(err)
		}
		write(t, path, []byte("short"))
		time.Sleep(time.Second)
		if got := ask(s, "GET", "/readyz", "", "Authorization", "Bearer "+adminToken).Response.StatusCode(); got != 200 {
			t.Errorf("with an unfit file: %d", got)
		}
		write(t, path, []byte("another-horse-battery-staple"))
		time.Sleep(time.Second)
		if got := ask(s, "GET", "/readyz", "", "Authorization", "Bearer "+adminToken).Response.StatusCode(); got != 401 {
			t.Errorf("with another token: %d", got)
		}
	})
}

func TestUnfitAdminTokens(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Log: quiet()})
	for _, text := range []string{"", "\n", "short", "two words in one file"} {
		path := write(t, filepath.Join(t.TempDir(), "token"), []byte(text))
		if err := s.RequireToken(path, quiet()); err == nil || !strings.Contains(err.Error(), "want one word of 16 bytes at least") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
