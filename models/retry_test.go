package models_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/models"
)

// tagged serves content as a web server with entity tags does.
func tagged(content []byte, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		file(content)(w, r)
	}
}

// cut announces all of content and sends the first n bytes.
func cut(content []byte, n int, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Length", "300000")
		w.Write(content[:n])
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// in answers each request with the next handler, and those after them with the last.
func in(handlers ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		h(w, r)
	}
}

// noRange answers as a server does that neither resumes nor gets further than n bytes.
func noRange(content []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		cut(content, n, "")(w, r)
	}
}

func TestPullGoesOn(t *testing.T) {
	m, content := sample()
	tests := []struct {
		name       string
		handler    http.HandlerFunc
		want       error
		wantText   string
		wantRanges []string
		wantKept   int
	}{
		{
			"breaks off once", in(cut(content, 50_000, `"a"`), tagged(content, `"a"`)), nil, "",
			[]string{"", "bytes=50000-"},
			-1,
		},
		{
			"changes in between", in(cut(flipped(content), 200_000, `"a"`), tagged(content, `"b"`)), nil, "",
			[]string{"", "bytes=200000-"},
			-1, // If-Range makes it send all
		},
		{
			"changes in between, and the server does not look", in(
				cut(flipped(content), 200_000, `"a"`),
				func(w http.ResponseWriter, r *http.Request) {
					r.Header.Del("If-Range")
					tagged(content, `"b"`)(w, r)
				},
			), nil, "",
			[]string{"", "bytes=200000-", ""},
			-1,
		},
		{
			"changes in between, without tags", in(cut(flipped(content), 200_000, ""), file(content)), nil, "",
			[]string{"", "bytes=200000-", ""},
			-1,
		},
		{"busy for a while", in(status(503), status(429), file(content)), nil, "", []string{"", "", ""}, -1},
		{"busy for good", status(503), errAny, "503 Service Unavailable: gave up after 4 attempts", []string{"", "", "", ""}, -1},
		{
			"breaks off at the same byte each time", noRange(content, 50_000), io.ErrUnexpectedEOF, "after 50000 of 300000",
			[]string{"", "bytes=50000-", "bytes=50000-", "bytes=50000-"},
			50_000,
		},
		{"resets", in(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, file(content)), nil, "", []string{"", ""}, -1},
		{"not there", status(404), errAny, "404 Not Found: the file is not at this address; bring sample.onnx", []string{""}, -1},
		{"forbidden", status(403), errAny, "with --mirror", []string{""}, -1},
		{"teapot", status(418), errAny, "with --mirror", []string{""}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mirror, ranges := serve(t, tt.handler)
			p := hurried(t, mirror)
			err := p.Pull(t.Context(), m)
			if (err != nil) != (tt.want != nil) || tt.want != errAny && !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.wantText) {
				t.Errorf("err = %v, want %q in it", err, tt.wantText)
			}
			if diff := cmp.Diff(tt.wantRanges, *ranges); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
			if kept := size(models.Path(p.Dir, m) + ".partial"); kept != tt.wantKept {
				t.Errorf("partial file has %d bytes, want %d", kept, tt.wantKept)
			}
			if left := size(models.Path(p.Dir, m) + ".partial.etag"); err == nil && left >= 0 {
				t.Error("the entity tag is still there")
			}
		})
	}
}

// TestPullRemembersVersion breaks a pull off and begins another, which must know which version its beginning is of.
func TestPullRemembersVersion(t *testing.T) {
	m, content := sample()
	var asked []string
	serveTagged := tagged(content, `"v1"`)
	mirror, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		if len(asked) <= 4 {
			r.Header.Del("Range")
			cut(content, 50_000, `"v1"`)(w, r)
			return
		}
		serveTagged(w, r)
	})
	p := hurried(t, mirror)
	if err := p.Pull(t.Context(), m); err == nil {
		t.Fatal("a server that breaks off each time was enough")
	}
	if err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := asked[len(asked)-1]; got != `bytes=50000- "v1"` {
		t.Errorf("asked for %q", got)
	}
}

func TestPullRetrying(t *testing.T) {
	m, content := sample()
	mirror, _ := serve(t, in(cut(content, 50_000, ""), file(content)))
	p := hurried(t, mirror)
	said := ""
	p.Retrying = func(name string, err error, wait time.Duration) {
		if name != m.Name || wait <= 0 {
			t.Errorf("Retrying(%q, %v, %v)", name, err, wait)
		}
		said = err.Error()
	}
	if err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "broke off after 50000 of 300000 bytes") {
		t.Errorf("said %q", said)
	}
}

func TestPullSlow(t *testing.T) {
	m, content := sample()
	t.Run("but moving", func(t *testing.T) {
		mirror, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for chunk := range slices.Chunk(content, 5_000) {
				w.Write(chunk)
				w.(http.Flusher).Flush()
			}
		})
		if err := hurried(t, mirror).Pull(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("stalled", func(t *testing.T) {
		mirror, ranges := serve(t, in(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "300000")
			w.Write(content[:100_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, file(content)))
		p := hurried(t, mirror)
		p.Hurry(time.Millisecond, 200*time.Millisecond)
		if err := p.Pull(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"", "bytes=100000-"}, *ranges); diff != "" {
			t.Errorf("ranges (-want +got):\n%s", diff)
		}
	})
}

func TestPullRedirected(t *testing.T) {
	m, content := sample()
	l, err := net.Listen("tcp", "127.0.0.2:0") // another host
	if err != nil {
		t.Fatal(err)
	}
	var ranges []string
	store := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		file(content)(w, r)
	})}}
	store.Start()
	t.Cleanup(store.Close)
	mirror, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, store.URL+r.URL.Path, http.StatusFound)
	})
	p := hurried(t, mirror)
	write(t, models.Path(p.Dir, m)+".partial", content[:100_000])
	if err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bytes=100000-"}, ranges); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

func TestPullUnreachable(t *testing.T) {
	m, content := sample()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there now
	secure := httptest.NewUnstartedServer(file(content))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain, _ := serve(t, file(content))
	tests := []struct{ name, mirror, text string }{
		{"refused", "http://" + l.Addr().String(), "connect this machine to the internet"},
		{"unknown host", "http://mirror.invalid", "mirror.invalid cannot be reached"},
		{"untrusted certificate", secure.URL, "install ca-certificates"},
		{"no TLS there", strings.Replace(plain, "http:", "https:", 1), "cannot be reached safely"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := hurried(t, tt.mirror)
			err := p.Pull(t.Context(), m)
			if !errors.Is(err, models.ErrUnreachable) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), "--mirror") {
				t.Errorf("err = %v, want ErrUnreachable, %q and the mend", err, tt.text)
			}
			if left, _ := os.ReadDir(p.Dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestPullMirrorFirst has upstream step in for a mirror that lacks the file, not for one that has another.
func TestPullMirrorFirst(t *testing.T) {
	m, content := sample()
	upstream, asked := serve(t, file(content))
	m.URL = upstream + "/sample.onnx"
	altered := t.TempDir()
	write(t, filepath.Join(altered, m.File), flipped(content))
	empty, _ := serve(t, http.NotFound)
	tests := []struct {
		name, mirror string
		want         error
		upstream     int // requests
	}{
		{"folder without it", t.TempDir(), nil, 1},
		{"address without it", empty, nil, 1},
		{"no folder", filepath.Join(t.TempDir(), "none"), nil, 1},
		{"another file", altered, models.ErrAltered, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			*asked = nil
			err := hurried(t, tt.mirror).Pull(t.Context(), m)
			if !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
			if len(*asked) != tt.upstream {
				t.Errorf("%d requests to upstream, want %d", len(*asked), tt.upstream)
			}
		})
	}
	t.Run("neither has it", func(t *testing.T) {
		m.URL = empty + "/sample.onnx"
		err := hurried(t, empty+"/mirror").Pull(t.Context(), m)
		if err == nil || !strings.Contains(err.Error(), "/mirror/sample.onnx: ") || !strings.Contains(err.Error(), "; and from "+m.URL) {
			t.Errorf("err = %v, want both addresses in it", err)
		}
	})
}

func TestPullBusy(t *testing.T) {
	m, content := sample()
	mirror, asked := serve(t, file(content))
	p := hurried(t, mirror)
	f, err := os.Create(models.Path(p.Dir, m) + ".partial")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := p.Pull(t.Context(), m); !errors.Is(err, models.ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	if len(*asked) > 0 {
		t.Errorf("%d requests, want none", len(*asked))
	}
}
