package awslocal

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"spotter/internal/origin"
)

// Network puts a network that fails on demand, Toxiproxy's, in front of an endpoint: its URL is the endpoint to ask then.
// Its BlackHole is a cloud that takes what it is told and does not say so.
func Network(t testing.TB, endpoint string) *origin.Network {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	transport := &http.Transport{MaxIdleConnsPerHost: 64} // as many as a box has
	t.Cleanup(transport.CloseIdleConnections)
	proxy.Transport = deaf{transport}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // clients that go away are what it is for
	return origin.NewNetwork(t, proxy)
}

// deaf sends requests that arrived whether or not their clients have gone away, as the cloud does.
type deaf struct{ http.RoundTripper }

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	return d.RoundTripper.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
}
