package httpapi_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"spotter/httpapi"
	"spotter/internal/intruder"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// TestHostileClients has several workers ask for everything that nobody should ask for. The measurement of the same name
// asks a million times.
func TestHostileClients(t *testing.T) {
	const seed, requests = 6, 20_000
	t.Logf("seed %d", seed)
	for name, server := range map[string]func(*testing.T) *httpapi.Server{
		"open":     func(*testing.T) *httpapi.Server { return newViewer(crowded()) },
		"engaging": func(*testing.T) *httpapi.Server { return engaging(crowded(), new(fakeEngagement)) },
		"limited":  func(t *testing.T) *httpapi.Server { return guarded(t, httpapi.AccessConfig{RequestsPerSecond: 20}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := server(t)
			before := intruder.Measure()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			attack := intruder.Attack{Addr: ln.Addr().String(), Seed: seed, Requests: requests / 3, Workers: 4, Media: crowded().Order}
			report, err := attack.Run(t.Context())
			t.Log(report)
			if err != nil || report.FaultCount > 0 {
				t.Errorf("%v; %d faults, such as", err, report.FaultCount)
				for _, f := range report.Faults {
					t.Error(f)
				}
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
			// fasthttp keeps some goroutines for the whole process.
			settled := intruder.Footprint{Goroutines: before.Goroutines + 8, Files: before.Files + 4}
			if after := intruder.Settle(settled, 10*time.Second); after.Goroutines > settled.Goroutines || after.Files > settled.Files {
				t.Errorf("before: %v; after: %v", before, after)
			}
		})
	}
}

// crowded is a box with the cup and many media more.
func crowded() *mediatest.Box {
	m := cup()
	for i := range 50 {
		id := fmt.Sprintf("event %d/é", i)
		m.Order, m.Timelines[id] = append(m.Order, id), event(50, timeline.Position(2_160))
		m.Statuses[id] = httpapi.Status{Media: id, State: httpapi.StateLive}
	}
	return m
}
