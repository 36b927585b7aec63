package httpapi

import (
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/valyala/fasthttp"
)

// routeOther is the route label of requests that match no route. Labels are route patterns, never paths, so hostile
// paths cannot make new series.
const routeOther = "other"

// metrics are one listener's.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, listener string) *metrics {
	auto := promauto.With(prometheus.WrapRegistererWith(prometheus.Labels{"listener": listener}, reg))
	return &metrics{
		requests: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "spotter_http_requests_total",
			Help: "Requests answered, by route pattern and status code.",
		}, []string{"route", "code"}),
		duration: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "spotter_http_request_duration_seconds",
			Help:    "Time from a request read to its answer written into memory, in seconds, by route pattern.",
			Buckets: []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 100e-3, 500e-3, 2.5},
		}, []string{"route"}),
		inFlight: auto.NewGauge(prometheus.GaugeOpts{
			Name: "spotter_http_requests_in_flight",
			Help: "Requests being answered now.",
		}),
		panics: auto.NewCounter(prometheus.CounterOpts{
			Name: "spotter_http_panics_total",
			Help: "Requests whose handler panicked; each was answered with 500.",
		}),
	}
}

// handler answers one request; an error that is a *problem is told to the client as it is.
type handler func(ctx *fasthttp.RequestCtx) error

// route wraps h: errors and panics become problems, and the request is counted under the pattern.
func (m *metrics) route(pattern string, log *slog.Logger, h handler) fasthttp.RequestHandler {
	ok := m.requests.WithLabelValues(pattern, "200")
	duration := m.duration.WithLabelValues(pattern)
	return func(ctx *fasthttp.RequestCtx) {
		m.inFlight.Inc()
		defer func() {
			if v := recover(); v != nil {
				m.panics.Inc()
				log.Error("handler panicked", "route", pattern, "panic", v, "stack", string(debug.Stack()))
				newProblem(fasthttp.StatusInternalServerError, "the server could not answer; its log says why").write(ctx)
			}
			m.inFlight.Dec()
			duration.Observe(time.Since(ctx.Time()).Seconds())
			if code := ctx.Response.StatusCode(); code == fasthttp.StatusOK {
				ok.Inc()
			} else {
				m.requests.WithLabelValues(pattern, strconv.Itoa(code)).Inc()
			}
		}()
		if err := h(ctx); err != nil {
			fail(ctx, log, err)
		}
	}
}
