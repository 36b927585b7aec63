package capture_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spotter/capture"
)

func address(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A real server on the loopback.
func TestHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/body", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.UserAgent()) })
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, strings.Repeat("z", 1<<20))
		z.Close()
	})
	mux.HandleFunc("/hops/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := strings.TrimPrefix(r.URL.Path, "/hops/")
		if n == "" || n == "x" {
			fmt.Fprint(w, "there")
			return
		}
		http.Redirect(w, r, "/hops/"+n[1:]+"?token=s3cret", http.StatusFound)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd?token=s3cret", http.StatusFound)
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	server := httptest.NewServer(mux)
	defer server.Close()
	h := capture.NewHTTP("spotter/1")
	defer h.Close()
	get := func(s string, limit int64) (string, *url.URL, error) {
		b, final, err := h.Get(t.Context(), address(t, s), capture.Range{}, limit)
		return string(b), final, err
	}

	if b, final, err := get(server.URL+"/body?token=s3cret", 9); err != nil || b != "spotter/1" || final.Path != "/body" {
		t.Errorf("%q from %v, %v", b, final, err)
	}
	if b, _, err := get(server.URL+"/gzip", 1<<20); err != nil || len(b) != 1<<20 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, final, err := get(server.URL+"/hops/"+strings.Repeat("o", capture.MaxRedirects-1)+"x", 9); err != nil || b != "there" || final.Path != "/hops/x" {
		t.Errorf("ten redirects: %q from %v, %v", b, final, err)
	}
	for name, tc := range map[string]struct {
		url   string
		limit int64
		is    error
	}{
		"larger than allowed":         {server.URL + "/body?token=s3cret", 8, capture.ErrTooLarge},
		"unpacks to more":             {server.URL + "/gzip?token=s3cret", 1<<20 - 1, capture.ErrTooLarge},
		"too many redirects":          {server.URL + "/hops/" + strings.Repeat("o", capture.MaxRedirects+1) + "?token=s3cret", 9, nil},
		"a redirect to a file":        {server.URL + "/file", 9, nil},
		"404":                         {server.URL + "/gone?token=s3cret", 9, capture.StatusError(404)},
		"nobody there":                {"http://user:s3cret@127.0.0.1:1/?token=s3cret", 9, nil},
		"a file":                      {"file:///etc/passwd?token=s3cret", 9, nil},
		"data":                        {"data:text/plain," + strings.Repeat("s3cret", 1000), 9, nil},
		"no host":                     {"http:///a?token=s3cret", 9, nil},
		"another scheme with secrets": {"ftp://user:s3cret@host/a", 9, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := get(tc.url, tc.limit)
			if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("%v, want %v", err, tc.is)
			}
			if s := err.Error(); strings.Contains(s, "s3cret") || len(s) > 200 {
				t.Errorf("the error says too much: %s", s)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:s3cret@h:8/a/b?token=s3cret#s3cret": "https://h:8/a/b?...",
		"http://h/a":                    "http://h/a",
		"data:text/plain;base64,s3cret": "data:...",
		"http://h/%zz?s3cret":           "(unreadable address)",
	} {
		if got := capture.Redact(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "recording")
	for path, text := range map[string]string{filepath.Join(inside, "sub", "a b.ts"): "0123456789", filepath.Join(dir, "secret"): "no"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	f, err := capture.NewFolder(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := f.URL("sub/list.m3u8")
	for name, tc := range map[string]struct {
		uri   string
		bytes capture.Range
		limit int64
		want  string // empty: refused
		is    error
	}{
		"a file":             {"a%20b.ts", capture.Range{}, 10, "0123456789", nil},
		"a range":            {"a%20b.ts", capture.MakeRange(2, 3), 10, "234", nil},
		"a range past it":    {"a%20b.ts", capture.MakeRange(8, 3), 10, "", nil},
		"a range out of any": {"a%20b.ts", capture.MakeRange(1<<63-2, 5), 10, "", nil},
		"too large":          {"a%20b.ts", capture.Range{}, 9, "", capture.ErrTooLarge},
		"missing":            {"c.ts", capture.Range{}, 9, "", fs.ErrNotExist},
		"a folder":           {"/sub", capture.Range{}, 1 << 20, "", nil},
		"dots":               {"../../secret", capture.Range{}, 9, "", fs.ErrNotExist},
		"hidden dots":        {"..%2f..%2fsecret", capture.Range{}, 9, "", nil},
		"a link outside":     {"../link", capture.Range{}, 9, "", nil},
		"an absolute path":   {filepath.ToSlash(filepath.Join(dir, "secret")), capture.Range{}, 9, "", fs.ErrNotExist},
		"the network":        {"http://h/a?token=s3cret", capture.Range{}, 9, "", nil},
		"another host":       {"//h/a", capture.Range{}, 9, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := list.Parse(tc.uri)
			if err != nil {
				t.Fatal(err)
			}
			b, _, err := f.Get(t.Context(), u, tc.bytes, tc.limit)
			if string(b) != tc.want || (err == nil) != (tc.want != "") || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("%q, %v", b, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Error(err)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "list.m3u8"), []byte(seeds["ended"]), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := capture.NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	said, err := capture.Probe(t.Context(), f, "file:///list.m3u8")
	if err != nil || said != "ended, 2 segments, 19s, target duration 10s" {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := capture.Probe(t.Context(), f, "http://h/%zz?s3cret"); !errors.Is(err, capture.ErrPlaylist) || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}
