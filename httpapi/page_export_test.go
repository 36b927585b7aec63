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
