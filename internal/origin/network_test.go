package origin_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"spotter/internal/origin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNetwork asks for a body of 200 kB over a network with each fault, and again when it has healed.
func TestNetwork(t *testing.T) {
	const size = 200_000
	body := bytes.Repeat([]byte("x"), size)
	for name, tc := range map[string]struct {
		fault func(n *origin.Network)
		fails bool
		least time.Duration
	}{
		"nothing":          {fault: func(*origin.Network) {}},
		"latency":          {fault: func(n *origin.Network) { n.Latency(60*time.Millisecond, 0) }, least: 60 * time.Millisecond},
		"bandwidth":        {fault: func(n *origin.Network) { n.Bandwidth(1000) }, least: 150 * time.Millisecond},
		"too little":       {fault: func(n *origin.Network) { n.Bandwidth(10) }, fails: true},
		"slow close":       {fault: func(n *origin.Network) { n.SlowClose(50 * time.Millisecond) }},
		"a black hole":     {fault: func(n *origin.Network) { n.BlackHole(0) }, fails: true},
		"silence, closed":  {fault: func(n *origin.Network) { n.BlackHole(50 * time.Millisecond) }, fails: true},
		"reset at once":    {fault: func(n *origin.Network) { n.ResetPeer(0) }, fails: true},
		"reset later":      {fault: func(n *origin.Network) { n.ResetPeer(30 * time.Millisecond) }, fails: true},
		"slices":           {fault: func(n *origin.Network) { n.Slice(20_000, time.Millisecond) }, least: time.Millisecond},
		"limited":          {fault: func(n *origin.Network) { n.LimitData(50_000) }, fails: true},
		"cut":              {fault: func(n *origin.Network) { n.Cut() }, fails: true},
		"latency, limited": {fault: func(n *origin.Network) { n.Latency(5*time.Millisecond, 2*time.Millisecond); n.LimitData(50_000) }, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			n := origin.NewNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			patience := 10 * time.Second
			ask := func() (got int, err error) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL(), nil)
				if err != nil {
					return 0, err
				}
				resp, err := client.Do(r)
				if err != nil {
					return 0, err
				}
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				return len(b), err
			}
			if got, err := ask(); got != size || err != nil {
				t.Fatalf("before the fault: %d bytes, %v", got, err)
			}
			tc.fault(n)
			if tc.fails {
				patience = 300 * time.Millisecond
			}
			began := time.Now()
			if got, err := ask(); (err != nil) != tc.fails || !tc.fails && got != size {
				t.Errorf("with the fault: %d bytes, %v", got, err)
			}
			if took := time.Since(began); took < tc.least {
				t.Errorf("took %v, want %v at least", took, tc.least)
			}
			n.Heal()
			patience = 10 * time.Second
			client.CloseIdleConnections()
			if got, err := ask(); got != size || err != nil {
				t.Errorf("healed: %d bytes, %v", got, err)
			}
		})
	}
}

// TestNetworkClientLeaves asks many times and goes away in the middle of the body.
func TestNetworkClientLeaves(t *testing.T) {
	n := origin.NewNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) }))
	n.Bandwidth(20_000)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 20 {
		resp, err := client.Get(n.URL())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(resp.Body, make([]byte, 1000))
		resp.Body.Close()
	}
}
