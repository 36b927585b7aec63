package httpapi_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

func cup() *mediatest.Box { return mediatest.NewBox(mediatest.Cup()...) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newViewer(m httpapi.Media) *httpapi.Server {
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: m, Registerer: prometheus.NewRegistry(), Log: quiet(), Thumbnails: &album{cupPictures()}})
}

// Short names for what the suite of all backends does too.
var (
	client       = mediatest.Client
	clientOn     = mediatest.ClientOn
	send         = mediatest.Send
	checkProblem = mediatest.CheckProblem
)

// TestBox asks the backend as one box is it.
func TestBox(t *testing.T) {
	mediatest.Run(t, func(_ *testing.T, events ...mediatest.Event) httpapi.Media { return mediatest.NewBox(events...) })
}

// request returns the context of a GET that came over no listener.
func request(uri string) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.SetRequestURI(uri)
	ctx.Init(&req, nil, nil)
	return ctx
}

// event is a timeline of n scenes of length each, with a celebrity and two objects.
func event(n int, length timeline.Position) *timeline.Timeline {
	var list []*timeline.Observation
	for i := range n {
		from := timeline.Position(i) * length
		list = append(list, &timeline.Observation{
			Media: "cup-final", Span: timeline.Span{From: from, Until: from + length}, Source: timeline.SourceONNX,
			Celebrities: []timeline.Entity{{Name: fmt.Sprint("Player ", i%40), ID: fmt.Sprint("p", i%40), Confidence: 87.25}},
			Objects:     []timeline.Entity{{Name: "Person", Confidence: 99}, {Name: fmt.Sprint("Thing ", i%7), Confidence: 61.5}},
		})
	}
	return timeline.New(list, []timeline.Span{{From: 0, Until: timeline.Position(n) * length}})
}
