package httpapi

import (
	"io/fs"

	"github.com/valyala/fasthttp"
)

// NewPage returns a server of the page alone, as it was built into the folder.
func NewPage(built fs.FS, c ViewerConfig) (*Server, error) {
	s := newServer("viewer", c.Registerer, c.Log)
	files, err := readPage(built)
	if err != nil {
		return nil, err
	}
	s.servePage(files)
	handler := s.router.Handler
	s.fast.Handler = func(ctx *fasthttp.RequestCtx) {
		handler(ctx)
		compress(ctx)
	}
	c.Access.protect(s)
	return s, nil
}

// LongestBody returns how long the body of a request with that head may be, in bytes; 0 where it may be as long as any.
func LongestBody(s *Server, h *fasthttp.RequestHeader) int {
	return s.fast.HeaderReceived(h).MaxRequestBodySize
}
