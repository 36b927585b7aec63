package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

const (
	pageHTML   = `<!doctype html><title>Spotter</title><script type="module" src="./assets/index-abc.js"></script>`
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

var pageScript = strings.Repeat("console.log('a script');\n", 400)

// builtPage is a page as the build leaves it, with what is beside it in the folder.
func builtPage() fstest.MapFS {
	return fstest.MapFS{
		"README.md":              {Data: []byte("the placeholder")},
		"index.html":             {Data: []byte(pageHTML)},
		"licences.md":            {Data: []byte("# Licences")},
		"assets/index-abc.js":    {Data: []byte(pageScript)},
		"assets/index-abc.js.br": {Data: fasthttp.AppendBrotliBytesLevel(nil, []byte(pageScript), fasthttp.CompressBrotliBestCompression)},
		"assets/style-abc.css":   {Data: []byte(strings.Repeat("p { color: red }\n", 100))},
		"assets/icon-abc.svg":    {Data: []byte("<svg/>")},
	}
}

func newPage(t *testing.T, built fstest.MapFS, access *httpapi.Access) *httpapi.Server {
	t.Helper()
	s, err := httpapi.NewPage(built, httpapi.ViewerConfig{Access: access, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPageFiles(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	built := builtPage()
	s := newPage(t, built, nil)
	type answer struct{ Type, Cache, Coding, Vary string }
	for name, tc := range map[string]struct {
		path, accept string
		file         string // what it shows
		want         answer
	}{
		"index":             {"/", "gzip, br", "index.html", answer{"text/html; charset=utf-8", "no-cache", "", ""}},
		"index with query":  {"/?from=mail", "", "index.html", answer{"text/html; charset=utf-8", "no-cache", "", ""}},
		"script in brotli":  {"/assets/index-abc.js", "gzip, deflate, br, zstd", "assets/index-abc.js", answer{"text/javascript; charset=utf-8", forever, "br", "Accept-Encoding"}},
		"script in gzip":    {"/assets/index-abc.js", "gzip, deflate", "assets/index-abc.js", answer{"text/javascript; charset=utf-8", forever, "gzip", "Accept-Encoding"}},
		"script as it is":   {"/assets/index-abc.js", "", "assets/index-abc.js", answer{"text/javascript; charset=utf-8", forever, "", "Accept-Encoding"}},
		"brotli not wanted": {"/assets/index-abc.js", "br;q=0, gzip;q=0", "assets/index-abc.js", answer{"text/javascript; charset=utf-8", forever, "", "Accept-Encoding"}},
		"no brotli kept":    {"/assets/style-abc.css", "br", "assets/style-abc.css", answer{"text/css; charset=utf-8", forever, "br", "Accept-Encoding"}},
		"picture":           {"/assets/icon-abc.svg", "br", "assets/icon-abc.svg", answer{"image/svg+xml", forever, "", ""}},
		"licences":          {"/licences.md", "br", "licences.md", answer{"text/plain; charset=utf-8", "public, max-age=3600", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := ask(s, "GET", tc.path, "", "Accept-Encoding", tc.accept)
			if ctx.Response.StatusCode() != 200 {
				t.Fatalf("status %d: %s", ctx.Response.StatusCode(), ctx.Response.Body())
			}
			got := answer{header(ctx, "Content-Type"), header(ctx, "Cache-Control"), header(ctx, "Content-Encoding"), header(ctx, "Vary")}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			body, err := ctx.Response.BodyUncompressed()
			if err != nil || !bytes.Equal(body, built[tc.file].Data) {
				t.Errorf("%.60q, %v", body, err)
			}
			if header(ctx, "X-Content-Type-Options") != "nosniff" || header(ctx, "Referrer-Policy") != "no-referrer" || header(ctx, "Content-Security-Policy") != pagePolicy {
				t.Error(ctx.Response.Header.String())
			}
			again := ask(s, "GET", tc.path, "", "Accept-Encoding", tc.accept, "If-None-Match", header(ctx, "ETag"))
			if again.Response.StatusCode() != 304 || len(again.Response.Body()) > 0 || header(again, "ETag") != header(ctx, "ETag") {
				t.Errorf("with its tag: status %d", again.Response.StatusCode())
			}
		})
	}
}

// TestPageIsPacked: what the build packed is what goes out, and gzip is no worse than what a tool makes of it.
func TestPageIsPacked(t *testing.T) {
	built := builtPage()
	s := newPage(t, built, nil)
	if got := ask(s, "GET", "/assets/index-abc.js", "", "Accept-Encoding", "br").Response.Body(); !bytes.Equal(got, built["assets/index-abc.js.br"].Data) {
		t.Errorf("%d bytes", len(got))
	}
	var best bytes.Buffer
	w, _ := gzip.NewWriterLevel(&best, gzip.BestCompression)
	w.Write([]byte(pageScript))
	w.Close()
	if got := ask(s, "GET", "/assets/index-abc.js", "", "Accept-Encoding", "gzip").Response.Body(); len(got) > best.Len()*11/10 {
		t.Errorf("%d bytes, best are %d", len(got), best.Len())
	}
}

func TestPageMisses(t *testing.T) {
	for _, path := range []string{
		"/assets/", "/assets/none.js", "/assets/index-abc.js.br", "/assets/..%2findex.html", "/assets/../licences.md/x", "/assets/%00", "/README.md", "/index.html", "/assets/a/b.js", "/licences.md/",
	} {
		resp, body := send(t, client(t, newPage(t, builtPage(), nil)), http.MethodGet, path)
		checkProblem(t, resp, body, 404, "")
		if resp.Header.Get("Cache-Control") == "public, max-age=31536000, immutable" {
			t.Errorf("%s: that it is not there is kept for a year", path)
		}
	}
	resp, body := send(t, client(t, newPage(t, builtPage(), nil)), http.MethodPost, "/assets/index-abc.js")
	checkProblem(t, resp, body, 405, "")
}

// TestPageIsForEverybody: the page asks for a key itself, and has to be there first.
func TestPageIsForEverybody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	keyFor(t, path, "app")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: path, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	s := newPage(t, builtPage(), access)
	for _, path := range []string{"/", "/assets/index-abc.js", "/licences.md"} {
		ctx := ask(s, "GET", path, "")
		if ctx.Response.StatusCode() != 200 || strings.Contains(header(ctx, "Cache-Control"), "private") {
			t.Errorf("%s: status %d, %s", path, ctx.Response.StatusCode(), header(ctx, "Cache-Control"))
		}
	}
}

func TestNoPageSaysHowToMakeIt(t *testing.T) {
	s := newPage(t, fstest.MapFS{"README.md": {Data: []byte("the placeholder")}}, nil)
	resp, body := send(t, client(t, s), http.MethodGet, "/")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") != pagePolicy || !strings.Contains(body, "make web") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	resp, body = send(t, client(t, s), http.MethodGet, "/licences.md")
	checkProblem(t, resp, body, 404, "")
}

// TestPage looks at the page that is in this build, be it there or not.
func TestPage(t *testing.T) {
	c := client(t, newViewer(cup()))
	resp, body := send(t, c, http.MethodGet, "/")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") != pagePolicy {
		t.Fatalf("status %d, policy %q", resp.StatusCode, resp.Header.Get("Content-Security-Policy"))
	}
	for _, forbidden := range []string{" style=", "<style", " onclick=", "src=\"http", "href=\"http", "src=\"//", "<script>"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for _, match := range regexp.MustCompile(`(?:src|href)="\./(assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
		if resp, _ := send(t, c, http.MethodGet, "/"+match[1]); resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d", match[1], resp.StatusCode)
		}
	}
}
