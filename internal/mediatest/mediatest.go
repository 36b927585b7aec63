// Package mediatest owns what the viewer API promises of every backend that it may stand on: questions with their answers,
// and random events whose windows two backends must answer alike.
package mediatest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
	"spotter/timeline"
)

// Event is one media that a backend is to show.
type Event struct {
	// Status names the media, and says how it is doing.
	Status   httpapi.Status
	Timeline *timeline.Timeline
	// Settled is the position before which nothing will be revised; nil for none.
	Settled *timeline.Position
	// Zero is the wall-clock time of position 0; without one the stream tells no time.
	Zero time.Time
}

// All is a window of everything.
var All = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}

// MaxScene is the length of the event's longest observation, and at least that of the default configuration.
func (e *Event) MaxScene() time.Duration {
	longest := timeline.Position(30_000)
	for _, o := range e.Timeline.Within(All) {
		longest = max(longest, o.Len())
	}
	return longest.Duration()
}

// Backend returns what shows the events, which come by id.
type Backend func(t *testing.T, events ...Event) httpapi.Media

// Run asks a backend all that the viewer API promises of it.
func Run(t *testing.T, open Backend) {
	t.Run("answers", func(t *testing.T) { answers(t, open) })
	t.Run("problems", func(t *testing.T) { problems(t, open) })
	t.Run("breaks", func(t *testing.T) { breaks(t, open) })
	t.Run("time without wall clock", func(t *testing.T) { withoutClock(t, open) })
	t.Run("context caching", func(t *testing.T) { contextCaching(t, open) })
	t.Run("timeline caching", func(t *testing.T) { timelineCaching(t, open) })
	t.Run("not modified", func(t *testing.T) { notModified(t, open) })
	t.Run("text track", func(t *testing.T) { textTrack(t, open) })
	t.Run("windows on a grid", func(t *testing.T) { gridWindows(t, open) })
	t.Run("grid caching", func(t *testing.T) { gridCaching(t, open) })
	t.Run("metadata playlist", func(t *testing.T) { metadataPlaylist(t, open) })
	t.Run("metadata segments", func(t *testing.T) { metadataSegments(t, open) })
}

// Server returns the viewer API on a backend.
func Server(m httpapi.Media) *httpapi.Server {
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: m, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
}

// Client serves s on an in-memory listener until the test ends, and returns a client that reaches nothing else.
func Client(t *testing.T, s *httpapi.Server) *http.Client {
	t.Helper()
	ln := fasthttputil.NewInmemoryListener()
	return ClientOn(t, s, ln, func(context.Context, string, string) (net.Conn, error) { return ln.Dial() })
}

// ClientOn is Client on a listener that dial reaches.
func ClientOn(t *testing.T, s *httpapi.Server, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// Send returns the answer and its body; headers are names and values in turn.
func Send(t *testing.T, c *http.Client, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://spotter"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// CheckProblem checks that an answer is a problem of RFC 9457 with a status, and the parameter at fault.
func CheckProblem(t *testing.T, resp *http.Response, body string, status int, parameter string) {
	t.Helper()
	var got struct {
		Type, Title, Detail, Parameter string
		Status                         int
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if resp.StatusCode != status || got.Status != status || got.Parameter != parameter ||
		got.Type != "about:blank" || got.Title == "" || got.Detail == "" {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("type %q", ct)
	}
	if control := resp.Header.Get("Cache-Control"); control != "no-store" {
		t.Errorf("the problem may be cached: %q", control)
	}
}
