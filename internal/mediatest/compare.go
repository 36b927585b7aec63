package mediatest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

// Answer is what a server says to a question.
type Answer struct {
	Status             int
	Body               string
	CacheControl, ETag string
	ContentType        string
}

// Ask asks a server over no network.
func Ask(s *httpapi.Server, path string) Answer {
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.SetRequestURI(path)
	ctx.Init(&req, nil, nil)
	s.Handle(ctx)
	h := &ctx.Response.Header
	return Answer{
		ctx.Response.StatusCode(), string(ctx.Response.Body()),
		string(h.Peek(fasthttp.HeaderCacheControl)), string(h.Peek(fasthttp.HeaderETag)), string(h.ContentType()),
	}
}

// Same checks that copies say to each question, byte for byte, what the box says, and returns how many of those answers named
// somebody or something.
func Same(t testing.TB, box *httpapi.Server, copies []*httpapi.Server, paths []string) (told int) {
	t.Helper()
	for _, path := range paths {
		want := Ask(box, path)
		if want.Status == fasthttp.StatusOK && len(want.Body) > 200 {
			told++
		}
		for i, c := range copies {
			if diff := cmp.Diff(want, Ask(c, path)); diff != "" {
				t.Fatalf("copy %d, %s (-box +copy):\n%s", i, path, diff)
			}
		}
	}
	return told
}
