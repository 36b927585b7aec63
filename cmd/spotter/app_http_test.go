package main_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	main "spotter/cmd/spotter"
	"spotter/internal/mediatest"
)

// TestDoors opens both listeners as a configuration says, and asks them.
func TestDoors(t *testing.T) {
	dir := t.TempDir()
	key := newKey(t, filepath.Join(dir, "keys"))
	const token = "correct-horse-battery-staple"
	write(t, filepath.Join(dir, "token"), token)
	pair := writeCertificate(t, dir)
	for name, tc := range map[string]struct {
		viewer, admin     string // beside listen
		asked, status     string // with no credential
		credential, token string // which must be let in
		scheme            string
	}{
		"open":     {"", "", "200 OK", "200 OK", "", "", "http"},
		"closed":   {"auth: keys, keys_file: keys", "token_file: token", "401 Unauthorized", "401 Unauthorized", key, token, "http"},
		"with TLS": {"auth: keys, keys_file: keys, " + pair, "token_file: token, " + pair, "401 Unauthorized", "401 Unauthorized", key, token, "https"},
		"limited":  {"requests_per_second: 1000, origins: ['https://app.example'], trusted_proxies: [10.0.0.0/8]", "", "200 OK", "200 OK", "", "", "http"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			file := filepath.Join(dir, "spotter.yaml")
			write(t, file, "http:\n  viewer: {listen: '127.0.0.1:0', "+tc.viewer+"}\n  admin: {listen: '127.0.0.1:0', "+tc.admin+"}\n")
			viewer, admin, stop, err := main.OpenDoors(file, mediatest.NewBox(mediatest.Cup()...), slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []struct{ url, credential, want string }{
				{viewer + "/v1/media", "", tc.asked},
				{admin + "/readyz", "", tc.status},
				{viewer + "/v1/media", tc.credential, "200 OK"},
				{admin + "/readyz", tc.token, "200 OK"},
			} {
				if !strings.HasPrefix(q.url, tc.scheme+"://127.0.0.1:") {
					t.Error(q.url)
				}
				if got := get(t, q.url, q.credential); got != q.want {
					t.Errorf("%s with %q: %s, want %s", q.url, q.credential, got, q.want)
				}
			}
			if err := stop(t.Context()); err != nil {
				t.Error(err)
			}
			if strings.Contains(log.String(), key) || strings.Contains(log.String(), token) {
				t.Errorf("the log tells a secret: %s", log.String())
			}
		})
	}
}

func TestDoorsThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "short"), "short")
	for name, tc := range map[string]struct{ http, says string }{
		"no keys":  {"viewer: {listen: '127.0.0.1:0', auth: keys, keys_file: none}, admin: {listen: '127.0.0.1:0'}", "http.viewer: keys: stat"},
		"no JWKS":  {"viewer: {listen: '127.0.0.1:0', auth: jwt, jwt: {jwks_file: short}}, admin: {listen: '127.0.0.1:0'}", "is not a JWK Set"},
		"no token": {"viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0', token_file: short}", "http.admin.token_file: token:"},
		"no pair":  {"viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0', tls: {cert_file: short, key_file: short}}", "http.admin.tls:"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, "spotter.yaml")
			write(t, file, "http: {"+tc.http+"}\n")
			_, _, _, err := main.OpenDoors(file, mediatest.NewBox(mediatest.Cup()...), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "let this user read") {
				t.Errorf("got %v, want %q and a mend", err, tc.says)
			}
		})
	}
}

func get(t *testing.T, url, credential string) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.Status
}
