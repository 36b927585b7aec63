//go:build bench

package bench_test

import (
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/internal/intruder"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// TestViewerHostile prints what a million random and hostile requests leave behind. Run it with
//
//	go test -tags bench -v -timeout 10m -run 'TestViewerHostile$' ./internal/bench
func TestViewerHostile(t *testing.T) {
	const seed, requests, warming = 20261123, 1_000_000, 50_000
	events := mediatest.Cup()
	var ids []string
	for i := range 100 {
		id := fmt.Sprintf("event %d/é", i)
		events = append(events, mediatest.Event{
			Status:   httpapi.Status{Media: id, State: httpapi.StateLive},
			Timeline: timeline.New(busyEvent(100), []timeline.Span{{From: 0, Until: 100 * viewerScene}}), Zero: events[0].Zero,
		})
		ids = append(ids, id)
	}
	reg := prometheus.NewRegistry()
	s := httpapi.NewViewer(httpapi.ViewerConfig{Media: mediatest.NewBox(events...), Registerer: reg, Log: slog.New(slog.DiscardHandler)})
	raiseFiles()
	settled := intruder.Measure()
	settled.Goroutines += len(events) + 20 // one for each media that was followed within a minute, and fasthttp's own
	settled.Files += 4                     // the listener, and what the network poller needs
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	attack := intruder.Attack{Addr: ln.Addr().String(), Seed: seed, Requests: warming, Workers: 8, Media: append(ids, mediatest.CupFinal)}
	if _, err := attack.Run(t.Context()); err != nil { // buffers and pools grow to their size
		t.Fatal(err)
	}
	const patience = 40 * time.Second // a stream whose client is gone is noticed with the heartbeat
	first := intruder.Settle(settled, patience)
	attack.Seed, attack.Requests = seed+1, requests-warming
	began := time.Now()
	report, err := attack.Run(t.Context())
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	last := intruder.Settle(intruder.Footprint{Goroutines: first.Goroutines, Files: first.Files}, patience)
	fmt.Printf("hostile: seeds %d and %d; %v\n", seed, seed+1, report)
	fmt.Printf("hostile: %.0f requests/s; after the first %d: %v; after all: %v; panics %v\n",
		float64(report.Sent)/took.Seconds(), warming, first, last, panics(t, reg))
	for _, f := range report.Faults {
		t.Error(f)
	}
	const growth, slack = 4 << 20, 8 // bytes and goroutines, for what the runtime and fasthttp keep of their own
	if last.Heap > first.Heap+growth || last.Goroutines > first.Goroutines+slack || last.Files > first.Files+2 || panics(t, reg) > 0 {
		t.Errorf("first %v, then %v; %v panics", first, last, panics(t, reg))
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func panics(t *testing.T, reg *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "spotter_http_panics_total" {
			n += f.Metric[0].GetCounter().GetValue()
		}
	}
	return n
}
