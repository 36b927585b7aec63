package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

// boxMetrics are what is read of the box when somebody asks: its streams, which come and go, and its clock.
type boxMetrics struct {
	streams *streams

	state, edge, clock *prometheus.Desc
}

// box shows how the streams do, and the clock that all goes by.
func (m *meters) box(list *streams) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	m.registerer.MustRegister(&boxMetrics{
		streams: list,
		state:   desc("spotter_media_state", "How a stream is doing: 1 for the state that it is in, 0 for the others.", "media", "state"),
		edge:    desc("spotter_live_edge_seconds", "Position of the end of the newest published segment.", "media"),
		clock:   desc("spotter_clock_synchronized", "1 while the kernel holds the clock for synchronised, else 0."),
	})
}

// Describe implements prometheus.Collector.
func (b *boxMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{b.state, b.edge, b.clock} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What cannot be told is left out.
func (b *boxMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	set := b.streams.configured()
	for _, id := range set.order {
		now := set.byID[id].status()
		for _, state := range []string{httpapi.StateWaiting, httpapi.StateLive, httpapi.StateStalled, httpapi.StateEnded, httpapi.StateStopped} {
			gauge(b.state, one(now.State == state), id, state)
		}
		if now.LiveEdge != nil {
			gauge(b.edge, now.LiveEdge.Seconds(), id)
		}
	}
	if synchronized, _, err := clockState(); err == nil {
		gauge(b.clock, one(synchronized))
	}
}

func one(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// reloadMetrics tell how the last reload went, as Prometheus and its exporters tell it of themselves.
type reloadMetrics struct {
	successful, at prometheus.Gauge
}

// newReloadMetrics counts the start of the program as a reload that succeeded.
func newReloadMetrics(r prometheus.Registerer) *reloadMetrics {
	m := &reloadMetrics{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "spotter_config_last_reload_successful", Help: "1 if the configuration was taken when it was read last, 0 if it was refused.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "spotter_config_last_reload_success_timestamp_seconds", Help: "When the configuration was taken last.",
		}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "spotter_build_info", Help: "1, with what the program was built from.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	})
	info.Set(1)
	r.MustRegister(m.successful, m.at, info)
	m.reloaded(true)
	return m
}

func (m *reloadMetrics) reloaded(taken bool) {
	m.successful.Set(one(taken))
	if taken {
		m.at.SetToCurrentTime()
	}
}
