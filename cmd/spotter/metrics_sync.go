package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/outbox"
)

// newRegistry returns a registry with the process's own metrics.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// sink shows what waits for a sink, and how the sink does.
func (m *meters) sink(name string, s *store.Store, d *outbox.Drainer) {
	labels := prometheus.Labels{"sink": name}
	gauge := func(name, help string, value func() float64) {
		m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	gauge("spotter_outbox_entries", "Entries that wait for their sink.", func() float64 { return float64(s.Backlog(name).Entries) })
	gauge("spotter_outbox_bytes", "Size of what waits for its sink.", func() float64 { return float64(s.Backlog(name).Bytes) })
	gauge("spotter_outbox_lag_seconds", "For how long the oldest entry has waited for its sink; 0 when none does.", func() float64 {
		if b := s.Backlog(name); b.Entries > 0 {
			return time.Since(b.Oldest).Seconds()
		}
		return 0
	})
	gauge("spotter_outbox_refused", "Entries that the sink does not take, while it takes others.", func() float64 { return float64(d.State().Refused) })
	gauge("spotter_outbox_pace", "Entries that the sink is given a second at most; 0 for no limit.", func() float64 { return d.State().Pace })
	m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "spotter_outbox_dropped_total", Help: "Entries that were dropped for room, and no sink was told.", ConstLabels: labels,
	}, func() float64 { return float64(s.Backlog(name).Dropped) }))
}

// sinkFault counts a fault of a sink as it begins.
func (m *meters) sinkFault(sink string, kind awsfault.Kind) {
	m.sinkFaults.WithLabelValues(sink, kind.String()).Inc()
}
