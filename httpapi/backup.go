package httpapi

import (
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// errShuttingDown ends a backup that is under way when the server shuts down.
var errShuttingDown = errors.New("the server shuts down")

// ServeBackup adds GET /v1/backup to the admin API: a tar that write makes. What goes wrong on the way cuts it off before its manifest,
// so that it does not look complete; a client that takes longer than five minutes is cut off too, and so is one when Shutdown begins:
// whoever closes what write reads would wait for it. ServeBackup comes before Serve.
func (s *Server) ServeBackup(write func(w io.Writer) error) {
	s.router.GET("/v1/backup", s.metrics.route("/v1/backup", s.log, sameOrigin(func(ctx *fasthttp.RequestCtx) error {
		ctx.SetContentType("application/x-tar")
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		// The writer ends with the reader: the server closes that when it has all, or the client is gone.
		reader, writer := io.Pipe()
		written := make(chan struct{})
		go func() {
			select {
			case <-s.ending:
				reader.CloseWithError(errShuttingDown)
			case <-written:
			}
		}()
		go func() {
			defer close(written)
			err := write(writer)
			if err != nil {
				s.log.Error("backup failed", "error", err)
			}
			writer.CloseWithError(err)
		}()
		ctx.SetBodyStream(reader, -1)
		return nil
	})))
}
