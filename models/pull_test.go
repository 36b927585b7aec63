package models_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/models"
)

// errAny stands for an error of no particular kind.
var errAny = errors.New("any")

// sample returns a model of 300,000 random bytes and its content.
func sample() (models.Model, []byte) {
	content := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{1}).Read(content)
	sum := sha256.Sum256(content)
	return models.Model{
		Name: "sample", File: "sample.onnx", SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(content)),
	}, content
}

func flipped(content []byte) []byte {
	c := bytes.Clone(content)
	c[len(c)/2] ^= 1
	return c
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hurried returns a Puller to a fresh folder that waits a few milliseconds where others wait for seconds.
func hurried(t *testing.T, mirror string) *models.Puller {
	t.Helper()
	p := &models.Puller{Dir: t.TempDir(), Mirror: mirror}
	p.Hurry(time.Millisecond, 5*time.Second)
	return p
}

// serve answers every request with h and returns the address and the Range headers it was asked with.
func serve(t *testing.T, h http.HandlerFunc) (string, *[]string) {
	t.Helper()
	ranges := new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*ranges = append(*ranges, r.Header.Get("Range"))
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, ranges
}

// file serves content as a web server that can resume does.
func file(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "sample.onnx", time.Time{}, bytes.NewReader(content))
	}
}

func TestPullHTTP(t *testing.T) {
	m, content := sample()
	whole := func(w http.ResponseWriter, _ *http.Request) { w.Write(content) }
	tests := []struct {
		name       string
		partial    []byte // on disk before
		handler    http.HandlerFunc
		want       error    // nil: the file is there and verified
		wantText   string   // part of the error's text
		wantRanges []string // of the requests
		wantKept   int      // bytes of the partial file afterwards, -1 for none
	}{
		{"whole", nil, file(content), nil, "", []string{""}, -1},
		{"resumed", content[:100_000], file(content), nil, "", []string{"bytes=100000-"}, -1},
		{"complete but not renamed", content, file(content), nil, "", nil, -1},
		{"partial too long", append(bytes.Clone(content), 1), file(content), nil, "", []string{""}, -1},
		{"server ignores range", content[:100_000], whole, nil, "", []string{"bytes=100000-"}, -1},
		{"server refuses range", content[:100_000], func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			w.Write(content)
		}, nil, "", []string{"bytes=100000-", ""}, -1},
		{"server sends another range", content[:100_000], partially("bytes 0-299999/300000", content), nil, "", []string{"bytes=100000-", ""}, -1},
		{"server sends the range of another file", content[:100_000], partially("bytes 100000-400000/400001", content), nil, "", []string{"bytes=100000-", ""}, -1},
		{"unasked range", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-299999/300000")
			w.WriteHeader(http.StatusPartialContent)
		}, errAny, "a part where all was asked for", []string{""}, -1},
		{"wrong content", nil, file(flipped(content)), models.ErrAltered, "sample.onnx", []string{""}, -1},
		{"wrong partial", flipped(content)[:200_000], file(content), nil, "", []string{"bytes=200000-", ""}, -1},
		{"wrong partial and content", flipped(content)[:200_000], file(flipped(content)), models.ErrAltered, "sha256", []string{"bytes=200000-", ""}, -1},
		{"too long", nil, file(append(bytes.Clone(content), 1)), models.ErrAltered, "300001 bytes, not 300000", []string{""}, -1},
		{"too long without a length", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Write(content)
			w.(http.Flusher).Flush()
			w.Write(content)
		}, models.ErrAltered, "longer than 300000", []string{""}, -1},
		{
			"ends early", nil, func(w http.ResponseWriter, _ *http.Request) { w.Write(content[:50_000]) },
			models.ErrAltered, "shorter than 300000",
			[]string{""},
			-1, // another file, of no use to the next pull
		},
		{"a proxy's page keeps the partial", content[:100_000], func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<!DOCTYPE html><title>Log in</title>")
		}, models.ErrAltered, "a web page", []string{"bytes=100000-"}, 100_000},
		{"gzip, unasked", nil, gzipped(content), nil, "", []string{""}, -1},
		{"gzip, resumed", content[:100_000], gzipped(content), nil, "", []string{"bytes=100000-"}, -1},
		{"range of a gzip", content[:100_000], func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Encoding", "gzip")
			}
			partially("bytes 100000-299999/300000", content)(w, r)
		}, nil, "", []string{"bytes=100000-", ""}, -1},
		{"another coding", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			w.Write(content)
		}, errAny, `the coding "br"`, []string{""}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mirror, ranges := serve(t, tt.handler)
			p := hurried(t, mirror)
			partial := models.Path(p.Dir, m) + ".partial"
			if tt.partial != nil {
				write(t, partial, tt.partial)
			}
			err := p.Pull(t.Context(), m)
			if (err != nil) != (tt.want != nil) || tt.want != errAny && !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.wantText) {
				t.Errorf("err = %v, want %q in it", err, tt.wantText)
			}
			if verr := models.Verify(p.Dir, m); (verr == nil) != (tt.want == nil) {
				t.Errorf("Verify = %v", verr)
			}
			if diff := cmp.Diff(tt.wantRanges, *ranges); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
			if kept := size(partial); kept != tt.wantKept {
				t.Errorf("partial file has %d bytes, want %d", kept, tt.wantKept)
			}
		})
	}
}

// partially answers requests for a range with the Content-Range given, and others with all of content.
func partially(contentRange string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(content)
	}
}

// gzipped serves content compressed, whatever was asked for.
func gzipped(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(content)
		z.Close()
	}
}

// size returns the size of a file, -1 where there is none.
func size(name string) int {
	info, err := os.Stat(name)
	if err != nil {
		return -1
	}
	return int(info.Size())
}

func TestPullAgainIsNoRequest(t *testing.T) {
	m, content := sample()
	mirror, ranges := serve(t, file(content))
	p := &models.Puller{Dir: filepath.Join(t.TempDir(), "not", "made", "yet"), Mirror: mirror + "/"}
	for range 2 {
		if err := p.Pull(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(*ranges) != 1 {
		t.Errorf("%d requests, want 1", len(*ranges))
	}
}

func TestPullReplacesAltered(t *testing.T) {
	m, content := sample()
	mirror, _ := serve(t, file(content))
	p := &models.Puller{Dir: t.TempDir(), Mirror: mirror}
	write(t, models.Path(p.Dir, m), flipped(content))
	if err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := models.Verify(p.Dir, m); err != nil {
		t.Error(err)
	}
}

func TestPullUpstream(t *testing.T) {
	m, content := sample()
	upstream, _ := serve(t, file(content))
	p := &models.Puller{Dir: t.TempDir()}
	if err := p.Pull(t.Context(), m); !errors.Is(err, models.ErrNoSource) || !strings.Contains(err.Error(), "--mirror") {
		t.Errorf("without an address: err = %v, want ErrNoSource and the mend", err)
	}
	m.URL = upstream + "/somewhere/sample.onnx"
	if err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestPullFolder(t *testing.T) {
	m, content := sample()
	tests := []struct {
		name    string
		mirror  []byte
		partial []byte
		want    error
	}{
		{"whole", content, nil, nil},
		{"resumed", content, content[:70_000], nil},
		{"altered", flipped(content), nil, models.ErrAltered},
		{"cut short", content[:70_000], nil, models.ErrAltered},
		{"absent", nil, nil, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var last int64
			p := &models.Puller{Dir: t.TempDir(), Mirror: t.TempDir(), Progress: func(name string, done, total int64) {
				if name != m.Name || done <= last || total != m.Bytes {
					t.Errorf("Progress(%q, %d, %d) after %d", name, done, total, last)
				}
				last = done
			}}
			if tt.mirror != nil {
				write(t, filepath.Join(p.Mirror, m.File), tt.mirror)
			}
			if tt.partial != nil {
				write(t, models.Path(p.Dir, m)+".partial", tt.partial)
			}
			if err := p.Pull(t.Context(), m); !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if tt.want == nil && last != m.Bytes {
				t.Errorf("progress ended at %d", last)
			}
		})
	}
}

func TestPullCancelled(t *testing.T) {
	m, content := sample()
	ctx, cancel := context.WithCancel(t.Context())
	mirror, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(content[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	p := &models.Puller{Dir: t.TempDir(), Mirror: mirror, Progress: func(string, int64, int64) { cancel() }}
	if err := p.Pull(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	if err := models.Verify(p.Dir, m); !errors.Is(err, models.ErrMissing) {
		t.Errorf("Verify = %v, want ErrMissing", err)
	}
}
