package main

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"spotter/capture"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/rekognition"
)

// meters are the program's metrics; those of HTTP belong to package httpapi.
type meters struct {
	segments   *prometheus.CounterVec
	lost       *prometheus.CounterVec
	sampled    *prometheus.CounterVec
	admitted   *prometheus.CounterVec
	answers    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	repeated   *prometheus.CounterVec
	upgraded   *prometheus.CounterVec
	spared     *prometheus.CounterVec
	faults     *prometheus.CounterVec
	sinkFaults *prometheus.CounterVec
	recognize  *prometheus.HistogramVec
	queryable  *prometheus.HistogramVec
	analyzed   *prometheus.GaugeVec
	restarts   *prometheus.CounterVec
	reloads    *reloadMetrics
	looks      atomic.Uint64 // pictures sampled, of all media
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
		repeated:   counter("spotter_scenes_repeated_total", "Scenes answered by what is known of them, with no recogniser asked.", "media"),
		upgraded:   counter("spotter_observations_upgraded_total", "Answers that the cloud gave late, or when it was back.", "media"),
		spared:     counter("spotter_cloud_spared_total", "Questions about celebrities that local models made needless: no face, or a known one.", "media"),
		faults:     counter("spotter_faults_total", "Faults survived, by kind.", "media", "kind"),
		sinkFaults: counter("spotter_outbox_faults_total", "Faults of a sink as they began, by kind.", "sink", "kind"),
		recognize:  histogram("spotter_recognition_duration_seconds", "Time to an answer about one picture, by its source.", "source"),
		queryable:  histogram("spotter_segment_queryable_seconds", "From a segment's arrival to its observations answering look-ups.", "media"),
		restarts:   counter("spotter_decoder_restarts_total", "Decoders that were replaced because they crashed, hung or took too much memory, by cause.", "media", "cause"),
		reloads:    newReloadMetrics(r),
		analyzed:   gauge("spotter_analyzed_until_seconds", "Position up to which the stream was analysed.", "media"),
	}
}

// spending shows what the cloud is paid.
func (m *meters) spending(p *vision.Purse) {
	f := func(name, help string, labels prometheus.Labels, value func() float64) {
		m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	f("spotter_cloud_asked_total", "Pictures that asked for the cloud, those refused included.", nil, func() float64 { return float64(p.Asked()) })
	f("spotter_cloud_refused_total", "Pictures not sent to the cloud for pace or budget.", nil, func() float64 { return float64(p.Refused()) })
	f("spotter_cloud_spent_usd_total", "List price of the calls that were made to the cloud.", nil, p.SpentUSD)
	f("spotter_cloud_saved_usd_total", "List price of asking about every sampled picture, less what was spent.", nil, func() float64 { return m.savedUSD(p) })
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spotter_cloud_ceiling_usd", Help: "What the cloud may cost in any hour, at list price (usd_per_hour).",
	}, func() float64 { return p.Budget().USDPerHour }))
	for _, api := range []string{rekognition.CelebritiesAPI, rekognition.LabelsAPI} {
		f("spotter_cloud_calls_total", "Calls made to the cloud, repeats included.", prometheus.Labels{"api": api},
			func() float64 { return float64(p.Calls(api)) })
	}
}

// spool shows how much waits for the cloud.
func (m *meters) spool(s *store.Store) {
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spotter_spool_frames", Help: "Pictures that the cloud missed and will be asked about again.",
	}, func() float64 { n, _ := s.SpooledFrames(); return float64(n) }))
	m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spotter_spool_bytes", Help: "Size of the pictures that the cloud missed.",
	}, func() float64 { _, n := s.SpooledFrames(); return float64(n) }))
}

// streamMetrics are one media's metrics.
type streamMetrics struct {
	media    string
	meters   *meters
	segments prometheus.Counter
	sampled  prometheus.Counter
	admitted prometheus.Counter
	failed   prometheus.Counter
	repeated prometheus.Counter
	upgraded prometheus.Counter
	spared   prometheus.Counter
}

func (m *meters) stream(media string) *streamMetrics {
	return &streamMetrics{
		media:    media,
		meters:   m,
		segments: m.segments.WithLabelValues(media),
		sampled:  m.sampled.WithLabelValues(media),
		admitted: m.admitted.WithLabelValues(media),
		failed:   m.failures.WithLabelValues(media),
		repeated: m.repeated.WithLabelValues(media),
		upgraded: m.upgraded.WithLabelValues(media),
		spared:   m.spared.WithLabelValues(media),
	}
}

func (m *streamMetrics) lost(f capture.Fault) {
	if f.Lost > 0 {
		m.meters.lost.WithLabelValues(m.media, f.Kind).Add(float64(f.Lost))
	}
}

func (m *streamMetrics) looked() {
	m.sampled.Inc()
	m.meters.looks.Add(1)
}

// decoderReplaced counts a decoder that was replaced; cause is one of a few words, such as crashed, hung and memory.
func (m *streamMetrics) decoderReplaced(cause string) {
	m.meters.restarts.WithLabelValues(m.media, cause).Inc()
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
