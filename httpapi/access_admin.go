package httpapi

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"
)

// minToken is the least length, in bytes, of the admin listener's token.
const minToken = 16

// RequireToken has the admin API's server ask for the bearer token (RFC 6750, section 2.1) that a file holds, but for
// /healthz, which says no more than that the program runs. The file is read again when it changes; white space around the
// token does not count. RequireToken comes before Serve.
func (s *Server) RequireToken(path string, log *slog.Logger) error {
	file, err := openReloaded(log, parseToken, path)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	next := s.fast.Handler
	s.fast.Handler = func(ctx *fasthttp.RequestCtx) {
		refused := checkToken(ctx, file)
		ctx.Request.Header.Del(fasthttp.HeaderAuthorization)
		if refused == nil {
			next(ctx)
			return
		}
		refused.write(ctx)
		s.metrics.requests.WithLabelValues(routeRefused, fmt.Sprint(refused.Status)).Inc()
	}
	return nil
}

// checkToken returns nil for who sends the token, or asks only whether the program runs.
func checkToken(ctx *fasthttp.RequestCtx, file *reloaded[[sha256.Size]byte]) *refusal {
	if string(ctx.Request.URI().PathOriginal()) == "/healthz" {
		return nil
	}
	token := bearer(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization))
	if token == nil {
		return unauthorized("", "the admin listener answers those who send its token: Authorization: Bearer ...")
	}
	if !sameToken(token, file.get(time.Now())) {
		return unauthorized("invalid_token", wrongToken)
	}
	return nil
}

func parseToken(contents [][]byte) ([sha256.Size]byte, error) {
	token := bytes.TrimSpace(contents[0])
	if len(token) < minToken || bytes.ContainsAny(token, " \t\r\n") {
		return [sha256.Size]byte{}, fmt.Errorf("want one word of %d bytes at least, such as openssl rand -hex 32 makes", minToken)
	}
	return sha256.Sum256(token), nil
}
