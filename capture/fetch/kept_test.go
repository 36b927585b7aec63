package fetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"spotter/capture/fetch"
)

// A playlist with validators is asked about with them, and is not sent again.
func TestNotModified(t *testing.T) {
	const date = "Thu, 01 Jan 2026 00:00:00 GMT"
	for name, tc := range map[string]struct {
		etag, modified string
		size           int
		again          bool
	}{
		"a tag":                  {etag: `"v1"`, size: 10, again: true},
		"a weak tag":             {etag: `W/"v1"`, size: 10, again: true},
		"a date":                 {modified: date, size: 10, again: true},
		"both":                   {etag: `"v1"`, modified: date, size: 10, again: true},
		"neither":                {size: 10},
		"an empty body":          {etag: `"v1"`, again: true},
		"a body too large":       {etag: `"v1"`, size: 1<<20 + 1},
		"a tag too long to keep": {etag: `"` + strings.Repeat("v", 1000) + `"`, size: 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					http.Redirect(w, r, "/list?token=s3cret", http.StatusFound)
					return
				}
				for k, v := range map[string]string{"ETag": tc.etag, "Last-Modified": tc.modified} {
					if v != "" {
						w.Header().Set(k, v)
					}
				}
				if r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "" {
					if r.Header.Get("If-None-Match") != tc.etag || r.Header.Get("If-Modified-Since") != tc.modified {
						t.Errorf("asked with %v", r.Header)
					}
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.Write(bytes.Repeat([]byte("z"), tc.size))
			})
			h := local(t)
			for i := range 3 {
				r, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL+"/moved"), Limit: 2 << 20, Revalidate: true})
				if err != nil || len(r.Body) != tc.size || r.URL.Path != "/list" || r.NotModified != (i > 0 && tc.again) {
					t.Fatalf("%d: %d bytes from %v, not modified %v, %v", i, len(r.Body), r.URL, r.NotModified, err)
				}
			}
			// One that does not want to revalidate gets the body.
			if r, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL+"/moved"), Limit: 2 << 20}); err != nil || r.NotModified || len(r.Body) != tc.size {
				t.Errorf("%d bytes, %v", len(r.Body), err)
			}
		})
	}
}

// A changed body takes the last one's place, and validators go only to the URL that gave them.
func TestChanged(t *testing.T) {
	var version, to atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/list" {
			if r.Header.Get("If-None-Match") != "" {
				t.Error("validators went to a URL that gave none")
			}
			http.Redirect(w, r, fmt.Sprintf("/cdn%d", to.Load()), http.StatusFound)
			return
		}
		tag := fmt.Sprintf(`"%s-%d"`, r.URL.Path, version.Load())
		w.Header().Set("ETag", tag)
		switch asked := r.Header.Get("If-None-Match"); {
		case asked == tag:
			w.WriteHeader(http.StatusNotModified)
			return
		case asked != "" && !strings.HasPrefix(asked, `"`+r.URL.Path+"-"):
			t.Errorf("%s was asked with %s", r.URL.Path, asked)
		}
		fmt.Fprint(w, tag)
	})
	h := local(t)
	for i, step := range []struct {
		version, to int64
		want        string
		same        bool
	}{{1, 1, `"/cdn1-1"`, false}, {1, 1, `"/cdn1-1"`, true}, {2, 1, `"/cdn1-2"`, false}, {2, 1, `"/cdn1-2"`, true}, {2, 2, `"/cdn2-2"`, false}, {2, 2, `"/cdn2-2"`, true}} {
		version.Store(step.version)
		to.Store(step.to)
		r, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL+"/list"), Limit: limit, Revalidate: true})
		if err != nil || string(r.Body) != step.want || r.NotModified != step.same {
			t.Errorf("step %d: %q, %v, %v", i, r.Body, r.NotModified, err)
		}
	}
}

// Of more bodies than are kept the longest unused is asked for anew.
func TestKeptAreBounded(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	h := local(t)
	get := func(n int) bool {
		t.Helper()
		r, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL+"/"+strconv.Itoa(n)), Limit: limit, Revalidate: true})
		if err != nil {
			t.Fatal(err)
		}
		return r.NotModified
	}
	for n := range 8 {
		get(n)
	}
	if !get(0) {
		t.Error("the first of eight was forgotten")
	}
	get(8)
	if !get(0) || get(1) {
		t.Error("it is not the longest unused that was forgotten")
	}
}

// An origin that answers 304 to whatever it is asked gives no body that was not its own.
func TestUnasked304(t *testing.T) {
	s := serve(t, answer(http.StatusNotModified, plain, ""))
	h := local(t)
	for range 2 {
		var status *fetch.StatusError
		if _, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL), Limit: limit, Revalidate: true}); !errors.As(err, &status) || status.Code != 304 || status.Gone() {
			t.Error(err)
		}
	}
}
