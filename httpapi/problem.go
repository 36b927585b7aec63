package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/valyala/fasthttp"
)

// problem is an error that the client is told of as application/problem+json (RFC 9457, section 3.1).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Parameter is the query parameter at fault, where there is one.
	Parameter string `json:"parameter,omitempty"`
	// Faults are all that is wrong with a body, where it may be several things.
	Faults []string `json:"faults,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: fasthttp.StatusMessage(status), Status: status, Detail: detail}
}

// badParameter returns a 400 that names the query parameter at fault.
func badParameter(name, format string, args ...any) error {
	p := newProblem(fasthttp.StatusBadRequest, fmt.Sprintf(format, args...))
	p.Parameter = name
	return p
}

func unknownMedia(id string) error {
	return newProblem(fasthttp.StatusNotFound, fmt.Sprintf("there is no media %q", clip(id)))
}

// maxEcho bounds, in bytes, how much of what a client sent is repeated to it in an error.
const maxEcho = 64

func clip(s string) string {
	if len(s) > maxEcho {
		return s[:maxEcho] + "..."
	}
	return s
}

// retryAfter is for how many seconds a client is asked to wait for what is not available (RFC 9110, section 10.2.3).
const retryAfter = "1"

// write answers with p in place of whatever was written before; Allow (RFC 9110, section 10.2.1) is kept.
func (p *problem) write(ctx *fasthttp.RequestCtx) {
	allow := string(ctx.Response.Header.Peek(fasthttp.HeaderAllow))
	ctx.Response.Reset()
	if allow != "" {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, allow)
	}
	body, err := marshal(p)
	if err != nil {
		body = nil // cannot happen: a problem is strings and an int
	}
	ctx.SetStatusCode(p.Status)
	ctx.SetContentType("application/problem+json")
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
	if p.Status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter)
	}
	ctx.SetBody(body)
}

// fail answers with err: as it is when it is a problem, else as a 500 that is logged and tells the client nothing. What is
// not available is a 503 without its cause, which whoever cannot read reports, once for all who ask.
func fail(ctx *fasthttp.RequestCtx, log *slog.Logger, err error) {
	var p *problem
	switch {
	case errors.As(err, &p):
	case errors.Is(err, ErrUnavailable):
		p = newProblem(fasthttp.StatusServiceUnavailable,
			"the table that the answer comes from cannot be read at the moment; ask again in a second")
	default:
		log.Error("request failed", "path", string(ctx.Path()), "err", err)
		p = newProblem(fasthttp.StatusInternalServerError, "the server could not answer; its log says why")
	}
	p.write(ctx)
}

// marshal is json.Marshal without the escaping of <, > and &: what it makes is never put into HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// writeJSON answers 200 with v.
func writeJSON(ctx *fasthttp.RequestCtx, v any) error {
	body, err := marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	ctx.SetContentType(contentTypeJSON)
	ctx.SetBody(body)
	return nil
}
