package httpapi_test

import (
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"spotter/internal/mediatest"
	"spotter/timeline"
)

const benchQuery = "/v1/media/cup-final/context?position=20050&backward=10&forward=5"

// twelveHours is an event of 20,000 scenes.
func twelveHours() *mediatest.Box {
	m := cup()
	m.Timelines["cup-final"] = event(20_000, timeline.Position(2_160))
	return m
}

// BenchmarkLookUpHandler is a 15 s window of a 12 h event without the network.
func BenchmarkLookUpHandler(b *testing.B) {
	s := newViewer(twelveHours())
	ctx := request(benchQuery)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		s.Handle(ctx)
	}
	b.ReportMetric(float64(len(ctx.Response.Body())), "body-bytes")
}

// BenchmarkLookUpHTTP compares the look-up with a bare handler that has a body of the same size, for the same client
// on the loopback interface.
func BenchmarkLookUpHTTP(b *testing.B) {
	s := newViewer(twelveHours())
	ctx := request(benchQuery)
	s.Handle(ctx)
	body := ctx.Response.Body()
	b.Run("bare", func(b *testing.B) {
		benchmarkHTTP(b, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBody(body) }})
	})
	b.Run("spotter", func(b *testing.B) { benchmarkHTTP(b, &fasthttp.Server{Handler: s.Handle}) })
}

func benchmarkHTTP(b *testing.B, s *fasthttp.Server) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c := &fasthttp.HostClient{Addr: ln.Addr().String()}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		var req fasthttp.Request
		var resp fasthttp.Response
		req.SetRequestURI("http://spotter" + benchQuery)
		for pb.Next() {
			if err := c.Do(&req, &resp); err != nil || resp.StatusCode() != fasthttp.StatusOK {
				b.Error(err, resp.StatusCode())
				return
			}
		}
	})
	c.CloseIdleConnections()
	if err := s.Shutdown(); err != nil {
		b.Error(err)
	}
	if err := <-served; err != nil {
		b.Error(err)
	}
}
