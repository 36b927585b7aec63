package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"spotter/httpapi"
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

// busy is a timeline of n scenes of 2 s with three people and five objects each.
func busy(n int) *timeline.Timeline {
	list := make([]*timeline.Observation, n)
	for i := range list {
		from := timeline.Position(i) * 2000
		o := &timeline.Observation{Media: "cup-final", Span: timeline.Span{From: from, Until: from + 2000}, Source: timeline.SourceRekognition}
		for j := range 3 {
			id := fmt.Sprint((i + j) % 40)
			o.Celebrities = append(o.Celebrities, timeline.Entity{Name: "Person " + id, ID: "3Ir0du" + id, URLs: []string{"www.imdb.com/name/nm" + id}, Confidence: float64(60 + (i+j)%40)})
		}
		for j := range 5 {
			o.Objects = append(o.Objects, timeline.Entity{Name: fmt.Sprint("Object ", (i+3*j)%25), Confidence: float64(60+(i+j)%40) + 0.25})
		}
		list[i] = o
	}
	return timeline.New(list, []timeline.Span{{From: 0, Until: timeline.Position(n) * 2000}})
}

// BenchmarkLookUp is a 15 s window of a busy event of 12 h (22,000 observations) and of a long one (200,000), and of any of a
// hundred of the first: what the timeline takes, the answer with its JSON, and the whole handler with its query and metrics.
// "hot" asks for one window again and again, "all over" for one anywhere.
func BenchmarkLookUp(b *testing.B) {
	for _, tc := range []struct {
		name                        string
		media, observations, places int
	}{
		{"22000 hot", 1, 22_000, 1},
		{"22000 all over", 1, 22_000, 4096},
		{"200000 hot", 1, 200_000, 1},
		{"200000 all over", 1, 200_000, 4096},
		{"100 media of 22000 all over", 100, 22_000, 65_536},
	} {
		b.Run(tc.name, func(b *testing.B) {
			media := make([]*timeline.Timeline, tc.media)
			for i := range media {
				media[i] = busy(tc.observations)
			}
			benchmarkLookUp(b, media, tc.places)
		})
	}
}

// question is a look-up in one of some media.
type question struct {
	media    int
	position timeline.Position
	path     string
}

// questions are n of them anywhere.
func questions(media []*timeline.Timeline, n int) []question {
	r := rand.New(rand.NewPCG(1, 1))
	list := make([]question, n)
	for i := range list {
		q := question{media: r.IntN(len(media))}
		until, _ := media[q.media].AnalyzedUntil()
		q.position = 10_000 + timeline.Position(r.Int64N(int64(until-15_000)))
		q.path = fmt.Sprintf("/v1/media/m%d/context?position=%v&backward=10&forward=5", q.media, q.position)
		list[i] = q
	}
	return list
}

func benchmarkLookUp(b *testing.B, media []*timeline.Timeline, places int) {
	box := cup()
	for i, tl := range media {
		id := fmt.Sprint("m", i)
		box.Order, box.Timelines[id] = append(box.Order, id), tl
	}
	asked := questions(media, places)
	b.Run("timeline", func(b *testing.B) {
		var l timeline.Look
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := &asked[i%places]
			media[q.media].Look(&l, timeline.Span{From: q.position - 10_000, Until: q.position + 5_000})
		}
	})
	b.Run("answer", func(b *testing.B) {
		var body []byte
		appendAnswer := httpapi.AppendAnswer()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := &asked[i%places]
			body = appendAnswer(body[:0], "cup-final", media[q.media], timeline.Span{From: q.position - 10_000, Until: q.position + 5_000})
		}
		b.ReportMetric(float64(len(body)), "body-bytes")
	})
	b.Run("handler", func(b *testing.B) {
		s := newViewer(box)
		ctx := request(asked[0].path)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			ctx.Request.SetRequestURI(asked[i%places].path)
			ctx.Response.Reset()
			s.Handle(ctx)
		}
		if ctx.Response.StatusCode() != fasthttp.StatusOK {
			b.Error(ctx.Response.String())
		}
	})
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
