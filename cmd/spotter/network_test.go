package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	spotter "spotter/cmd/spotter"
)

func TestNetworkKeys(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	write(t, filepath.Join(dir, "url"), "https://origin.example/index.m3u8?token=secret\n")
	write(t, filepath.Join(dir, "headers"), "# for the CDN\r\nAuthorization: Bearer secret\r\n\r\nX-Team: 2\nX-Team: 3\n")
	write(t, filepath.Join(dir, "password"), "  top secret \n")
	write(t, filepath.Join(credentials, "password"), "of systemd")
	if err := os.Chmod(filepath.Join(dir, "password"), 0o644); err != nil {
		t.Fatal(err)
	}
	const conf = `
media:
  - id: cup
    url_file: url
    backup_urls: ["http://backup.example:8080/index.m3u8", "http://127.0.0.1/index.m3u8"]
    headers: {x-team: "1", X-Site: "north"}
    headers_file: headers
    basic_auth: {username: box, password_file: password}
    allow_hosts: [cdn.example, "*.edge.example"]
`
	urls, header, o, loose, err := spotter.NetworkOf(dir, conf)
	if err != nil {
		t.Fatal(err)
	}
	if urls[0].String() != "https://origin.example/index.m3u8?token=secret" || len(urls) != 3 {
		t.Errorf("addresses %v", urls)
	}
	wantHeader := http.Header{"X-Team": {"2", "3"}, "X-Site": {"north"}, "Authorization": {"Bearer secret"}}
	if diff := cmp.Diff(wantHeader, header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"origin.example", "backup.example", "127.0.0.1"}, o.Hosts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cdn.example", "*.edge.example"}, o.Allow); diff != "" {
		t.Error(diff)
	}
	if o.Username != "box" || o.Password != "  top secret " || o.UserAgent != "spotter/test" {
		t.Errorf("user %q, password %q, agent %q", o.Username, o.Password, o.UserAgent)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "password")}, loose); diff != "" {
		t.Error(diff)
	}

	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	if _, _, _, _, err = spotter.NetworkOf(dir, conf); err == nil || !strings.Contains(err.Error(), filepath.Join(credentials, "url")) {
		t.Errorf("got %v, want a url_file that is not among the credentials", err)
	}
	_, _, o, _, err = spotter.NetworkOf(dir, strings.NewReplacer("url_file: url", "url: http://origin.example/", "headers_file: headers", "").Replace(conf))
	if err != nil || o.Password != "of systemd" {
		t.Errorf("password %q, %v", o.Password, err)
	}
}

// TestNetworkFaults are files with secrets that are of no use. Errors say the key and the line, and no secret.
func TestNetworkFaults(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for name, tc := range map[string]struct{ key, file, says string }{
		"no url file":       {"url_file: none", "", "url_file: open"},
		"url of no kind":    {"url_file: file", "hunter2", "holds no http or https address of a playlist"},
		"url of disk":       {"url_file: file", "file:///hunter2", "holds no http or https address of a playlist"},
		"no headers file":   {"url: 'http://o.example/', headers_file: none", "", "headers_file: open"},
		"header of no kind": {"url: 'http://o.example/', headers_file: file", "\nhunter2", "headers_file: line 2: want Name: value"},
		"header's name":     {"url: 'http://o.example/', headers_file: file", "hunter2 hunter2: 1", "headers_file: line 1: want Name: value"},
		"header's value":    {"url: 'http://o.example/', headers_file: file", "A: hunter2\x01", "headers_file: line 1: want Name: value"},
		"Host":              {"url: 'http://o.example/', headers_file: file", "Host: hunter2", "headers_file: line 1: want Name: value"},
		"no password file":  {"url: 'http://o.example/', basic_auth: {username: u, password_file: none}", "", "basic_auth.password_file: open"},
		"large file":        {"url_file: file", strings.Repeat("hunter2", 10_000), "larger than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "file"), tc.file)
			_, _, _, _, err := spotter.NetworkOf(dir, "media: [{id: cup, "+tc.key+"}]")
			if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q and no secret", err, tc.says)
			}
		})
	}
}
