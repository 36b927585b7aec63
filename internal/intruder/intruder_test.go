package intruder_test

import (
	"io"
	"log"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"spotter/internal/intruder"
)

// TestFaultsAreFound attacks servers that each do one thing that no client should get.
func TestFaultsAreFound(t *testing.T) {
	problem := func(ctx *fasthttp.RequestCtx) {
		ctx.SetStatusCode(404)
		ctx.SetContentType("application/problem+json")
		ctx.SetBodyString(`{"status":404}`)
	}
	for name, tc := range map[string]struct {
		handler fasthttp.RequestHandler
		want    string // in a fault; empty for none
	}{
		"sound":        {problem, ""},
		"unavailable":  {func(ctx *fasthttp.RequestCtx) { problem(ctx); ctx.SetStatusCode(503) }, ""},
		"failed":       {func(ctx *fasthttp.RequestCtx) { problem(ctx); ctx.SetStatusCode(500) }, "500 Internal Server Error"},
		"plain text":   {func(ctx *fasthttp.RequestCtx) { ctx.Error("no", 404) }, `404 Not Found as "text/plain`},
		"broken JSON":  {func(ctx *fasthttp.RequestCtx) { problem(ctx); ctx.SetBodyString(`{"status":`) }, "with broken JSON"},
		"broken UTF-8": {func(ctx *fasthttp.RequestCtx) { problem(ctx); ctx.SetBodyString("\"\xff\"") }, "with broken UTF-8"},
		"hangs up":     {func(ctx *fasthttp.RequestCtx) { ctx.HijackSetNoResponse(true); ctx.Hijack(func(net.Conn) {}) }, "no answer to a well-formed request"},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &fasthttp.Server{Logger: log.New(io.Discard, "", 0), Handler: tc.handler, ErrorHandler: func(ctx *fasthttp.RequestCtx, _ error) { problem(ctx) }}
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			report, err := intruder.Attack{Addr: ln.Addr().String(), Seed: 1, Requests: 300, Workers: 2, Media: []string{"a"}}.Run(t.Context())
			if err != nil || report.Sent < 300 {
				t.Errorf("%v; %v", err, report)
			}
			if (tc.want == "") != (report.FaultCount == 0) || !strings.Contains(strings.Join(report.Faults, "\n"), tc.want) {
				t.Errorf("%d faults: %q", report.FaultCount, report.Faults)
			}
			if err := s.Shutdown(); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}
