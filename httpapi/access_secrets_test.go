package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
)

// logged keeps all that is logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// TestSecretsAreNeverTold sends keys and tokens in every way, good and bad, and looks for them in all that comes out.
func TestSecretsAreNeverTold(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	good := keyFor(t, keys, "app", "cup-final", "panics")
	secret := write(t, filepath.Join(dir, "secret"), bytes.Repeat([]byte("s3cret"), 8))
	token := signed(t, jwt.SigningMethodHS256, bytes.Repeat([]byte("s3cret"), 8), "", jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix(), "media": "panics"})
	for name, tc := range map[string]struct {
		c    httpapi.AccessConfig
		good string
	}{
		"keys": {httpapi.AccessConfig{KeysFile: keys}, good},
		"jwt":  {httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: secret}}, token},
	} {
		t.Run(name, func(t *testing.T) {
			var log logged
			tc.c.Log, tc.c.Origins, tc.c.RequestsPerSecond, tc.c.Burst = log.logger(), []string{"*"}, 1, 40
			access, err := httpapi.NewAccess(tc.c)
			if err != nil {
				t.Fatal(err)
			}
			reg := prometheus.NewRegistry()
			s := httpapi.NewViewer(httpapi.ViewerConfig{Media: hazard{cup()}, Access: access, Registerer: reg, Log: log.logger()})
			ln := fasthttputil.NewInmemoryListener()
			clientOn(t, s, ln, nil)

			var out strings.Builder
			bad := tc.good[:len(tc.good)-4] + "AAAA"
			for _, credential := range []string{tc.good, bad} {
				for _, request := range leaky(credential) {
					out.WriteString(raw(t, ln, request))
				}
			}
			if told := out.String(); !strings.Contains(told, "HTTP/1.1 500") || !strings.Contains(told, "HTTP/1.1 401") || !strings.Contains(told, "HTTP/1.1 400") {
				t.Errorf("the requests do not reach what they are for:\n%s", told)
			}
			families, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
					t.Fatal(err)
				}
			}
			everything := out.String() + log.String()
			for _, s := range []string{tc.good, bad, tc.good[len(tc.good)/2 : len(tc.good)-4]} {
				if i := strings.Index(everything, s); i >= 0 {
					t.Errorf("told: %s", everything[max(0, i-200):min(len(everything), i+100)])
				}
			}
		})
	}
}

// leaky are requests that a careless server repeats a credential of.
func leaky(credential string) []string {
	var out []string
	for _, path := range []string{
		"/v1/media/panics/context?position=1", "/v1/media/cup-final/context?position=x", "/v1/media/early?a=b", "/v1/nothing?a=b", "/v1/media?a=b",
	} {
		out = append(out,
			fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", path, credential),
			fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\nX-API-Key: %s\r\nConnection: close\r\n\r\n", path, credential),
			fmt.Sprintf("GET %s&key=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path, credential),
			fmt.Sprintf("POST %s&key=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", path, credential))
	}
	return append(out,
		fmt.Sprintf("GET /v1/media HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nbroken header\r\n\r\n", credential),
		fmt.Sprintf("GET /v1/media?key=%s\r\n\r\n", credential),
		fmt.Sprintf("%s\r\n\r\n", credential))
}

// raw sends one request as it is and returns the answer.
func raw(t *testing.T, ln *fasthttputil.InmemoryListener, request string) string {
	t.Helper()
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !isTimeout(err) {
		t.Fatal(err)
	}
	return string(answer)
}

func isTimeout(err error) bool {
	network, ok := err.(net.Error)
	return ok && network.Timeout()
}
