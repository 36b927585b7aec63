package dynamodb_test

import (
	"testing"

	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// BenchmarkLookUp is a 15 s window of a 12 h event as the viewer API answers it, without the network: by the box, and by a view
// whose cache is warm, at one place and all over the event, and where each snapshot has to be made.
func BenchmarkLookUp(b *testing.B) {
	e := hours(12)
	const media = "/v1/media/m/context?backward=10&forward=5&position="
	one, many := []string{media + "20050"}, []string(nil)
	for p := timeline.Position(60_000); p < 43_000_000; p += 97_000 {
		many = append(many, media+p.String())
	}
	view := mediatest.Server(dynamodb.NewView(fill(b, new(readable), e), dynamodb.ViewOptions{}))
	for _, bench := range []struct {
		name   string
		server *httpapi.Server
		paths  []string
	}{
		{"box", mediatest.Server(mediatest.NewBox(e)), one},
		{"view", view, one},
		{"box, all over", mediatest.Server(mediatest.NewBox(e)), many},
		{"view, all over", view, many},
		{"view, room for one chunk", mediatest.Server(dynamodb.NewView(fill(b, new(readable), e), dynamodb.ViewOptions{Observations: 1})), many},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var req fasthttp.Request
			var ctx fasthttp.RequestCtx
			ctx.Init(&req, nil, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ctx.Request.SetRequestURI(bench.paths[i%len(bench.paths)])
				ctx.Response.Reset()
				ctx.ResetUserValues()
				bench.server.Handle(&ctx)
			}
			if ctx.Response.StatusCode() != fasthttp.StatusOK {
				b.Fatal(ctx.Response.String())
			}
		})
	}
}
