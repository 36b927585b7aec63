package main

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"spotter/capture"
	"spotter/timeline"
	"spotter/vision"
)

// meters are the program's metrics; those of HTTP belong to package httpapi.
type meters struct {
	segments   *prometheus.CounterVec
	lost       *prometheus.CounterVec
	sampled    *prometheus.CounterVec
	admitted   *prometheus.CounterVec
	answers    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	faults     *prometheus.CounterVec
	recognize  *prometheus.HistogramVec
	queryable  *prometheus.HistogramVec
	analyzed   *prometheus.GaugeVec
	registerer prometheus.Registerer
}

func newMeters(r prometheus.Registerer) *meters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2.5, 5, 10},
		}, labels)
		r.MustRegister(v)
		return v
	}
	return &meters{
		registerer: r,
		segments:   counter("spotter_segments_analyzed_total", "Segments whose pictures were looked at.", "media"),
		lost:       counter("spotter_segments_lost_total", "Segments that will not be analysed, by cause.", "media", "kind"),
		sampled:    counter("spotter_frames_sampled_total", "Pictures decoded and shown to the scene gate.", "media"),
		admitted:   counter("spotter_frames_admitted_total", "Pictures that the scene gate found to be new.", "media"),
		answers:    counter("spotter_recognitions_total", "Pictures recognised, by the source of the answer.", "media", "source"),
		failures:   counter("spotter_recognition_failures_total", "Pictures that no recogniser answered.", "media"),
		faults:     counter("spotter_faults_total", "Faults survived, by kind.", "media", "kind"),
		recognize:  histogram("spotter_recognition_duration_seconds", "Time to an answer about one picture, by its source.", "source"),
		queryable:  histogram("spotter_segment_queryable_seconds", "From a segment's arrival to its observations answering look-ups.", "media"),
		analyzed:   gauge("spotter_analyzed_until_seconds", "Position up to which the stream was analysed.", "media"),
	}
}

// edge shows how far a stream is published; unknown is NaN.
func (m *meters) edge(media string, at func() (timeline.Position, bool)) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spotter_live_edge_seconds", Help: "Position of the end of the newest published segment.",
		ConstLabels: prometheus.Labels{"media": media},
	}, func() float64 {
		p, ok := at()
		if !ok {
			return math.NaN()
		}
		return p.Seconds()
	}))
}

// limited shows a budget's spending.
func (m *meters) limited(l *vision.Limited) {
	f := func(name, help string, value func() float64) {
		m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	f("spotter_cloud_asked_total", "Pictures that asked for the cloud, those refused included.", func() float64 { return float64(l.Asked()) })
	f("spotter_cloud_refused_total", "Pictures not sent to the cloud for pace or budget.", func() float64 { return float64(l.Refused()) })
	f("spotter_cloud_spent_usd_total", "List price of the pictures that were sent to the cloud.", l.SpentUSD)
}

// streamMetrics are one media's metrics.
type streamMetrics struct {
	media    string
	meters   *meters
	segments prometheus.Counter
	sampled  prometheus.Counter
	admitted prometheus.Counter
	failed   prometheus.Counter
}

func (m *meters) stream(media string) *streamMetrics {
	return &streamMetrics{
		media:    media,
		meters:   m,
		segments: m.segments.WithLabelValues(media),
		sampled:  m.sampled.WithLabelValues(media),
		admitted: m.admitted.WithLabelValues(media),
		failed:   m.failures.WithLabelValues(media),
	}
}

func (m *streamMetrics) lost(f capture.Fault) {
	if f.Lost > 0 {
		m.meters.lost.WithLabelValues(m.media, f.Kind).Add(float64(f.Lost))
	}
}

func (m *streamMetrics) fault(kind string) { m.meters.faults.WithLabelValues(m.media, kind).Inc() }

func (m *streamMetrics) recognized(source string, d time.Duration) {
	m.meters.answers.WithLabelValues(m.media, source).Inc()
	m.meters.recognize.WithLabelValues(source).Observe(d.Seconds())
}

func (m *streamMetrics) queryable(s *capture.Segment) {
	m.meters.queryable.WithLabelValues(m.media).Observe(time.Since(s.Fetched).Seconds())
	m.meters.analyzed.WithLabelValues(m.media).Set(s.Until.Seconds())
}

// answered returns how many pictures were recognised, whatever the source.
func (m *streamMetrics) answered() int {
	n := 0
	for _, source := range []string{timeline.SourceRekognition, timeline.SourceONNX, timeline.SourceClassic} {
		n += count(m.meters.answers.WithLabelValues(m.media, source))
	}
	return n
}

// count returns the value of a counter.
func count(c prometheus.Counter) int {
	var out dto.Metric
	if err := c.Write(&out); err != nil {
		return 0
	}
	return int(out.GetCounter().GetValue())
}
