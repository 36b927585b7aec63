package main

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/engage"
	"spotter/engage/ledger"
	"spotter/httpapi"
	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
	"spotter/vision"
)

// AllMetrics returns a registry with everything that a box with all its parts shows, each with a value.
func AllMetrics(t *testing.T) *prometheus.Registry {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	db, err := store.Open(filepath.Join(dir, databaseFile), store.Options{Sinks: []store.Sink{{Name: s3Sink, Kind: store.Frames}}, SpoolBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Record(store.Batch{Media: "cup", Analyzed: []timeline.Span{{Until: 5000}}}); err != nil {
		t.Fatal(err)
	}
	registry := newRegistry()
	m := newMeters(registry)
	purse, err := vision.NewPurse(vision.Budget{CallsPerSecond: 1, USDPerHour: 1, USDPerCall: 0.001}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.spending(purse)
	m.spool(db)
	m.sink(s3Sink, db, &outbox.Drainer{Sink: s3Sink, Store: db, Logger: log})
	m.sinkFault(s3Sink, 0)
	newSpace(dir, db, nil, log).register(registry)
	list := &streams{store: db}
	of := m.stream("cup")
	list.publish([]*stream{newStream(&pipeline{media: mediaConfig{ID: "cup"}, recorder: db, metrics: of, faults: newFaultLog(log, of.fault), log: log}, nil, nil)})
	m.box(list)
	of.fault(faultDecode)
	of.decoderReplaced("crashed")
	of.recognized(timeline.SourceClassic, 1)
	m.lost.WithLabelValues("cup", "segment")
	m.queryable.WithLabelValues("cup")
	m.analyzed.WithLabelValues("cup")
	kept, err := ledger.Open(dir, ledger.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	if _, err := engage.New(engage.Config{Ledger: kept, Log: log, Registerer: registry}); err != nil {
		t.Fatal(err)
	}
	access, err := httpapi.NewAccess(httpapi.AccessConfig{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	httpapi.NewViewer(httpapi.ViewerConfig{Media: list, Access: access, Registerer: registry, Log: log})
	httpapi.NewAdmin(httpapi.AdminConfig{Registerer: registry, Gatherer: registry, Log: log})
	return registry
}
