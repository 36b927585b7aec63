package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// moving is a media that changes while it is followed.
type moving struct {
	mu   sync.Mutex
	box  *mediatest.Box
	fail error
}

const final = "cup-final"

func newMoving() *moving {
	m := &moving{box: cup()}
	m.box.Timelines[final] = new(timeline.Timeline)
	delete(m.box.Before, final)
	return m
}

// change lets do change the box.
func (m *moving) change(do func(b *mediatest.Box)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do(m.box)
}

// put adds observations, or puts them in the place of earlier ones, with their spans as analysed.
func (m *moving) put(list ...*timeline.Observation) {
	m.change(func(b *mediatest.Box) {
		var analyzed []timeline.Span
		for _, o := range list {
			analyzed = append(analyzed, o.Span)
		}
		b.Timelines[final] = b.Timelines[final].With(list, analyzed)
	})
}

func (m *moving) settle(p timeline.Position) {
	m.change(func(b *mediatest.Box) { b.Before[final] = p })
}

func (m *moving) IDs() ([]string, error) { return []string{final}, nil }

func (m *moving) Status(id string) (httpapi.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.box.Status(id)
}

func (m *moving) Timeline(id string, w timeline.Span) (*timeline.Timeline, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	return m.box.Timeline(id, w)
}

func (m *moving) Settled(id string) (timeline.Position, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.box.Settled(id)
}

func (m *moving) PositionAt(id string, t time.Time) (timeline.Position, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.box.PositionAt(id, t)
}

// scene is observation i of a stream of scenes of two seconds.
func scene(i, revision int) *timeline.Observation {
	from := timeline.Position(i) * 2000
	return &timeline.Observation{
		Media: final, Span: timeline.Span{From: from, Until: from + 2000}, Source: timeline.SourceONNX, Revision: revision,
		Objects: []timeline.Entity{{Name: "Ball", Confidence: 90}},
	}
}

// liveServer is a viewer API on a free port, with short waits.
type liveServer struct {
	*httpapi.Server
	media  *moving
	reg    *prometheus.Registry
	addr   string
	client *http.Client
}

func newLive(t *testing.T, limits httpapi.LiveLimits) *liveServer {
	t.Helper()
	return newLiveFor(t, limits, nil)
}

func newLiveFor(t *testing.T, limits httpapi.LiveLimits, access *httpapi.Access) *liveServer {
	t.Helper()
	l := &liveServer{media: newMoving(), reg: prometheus.NewRegistry()}
	l.Server = httpapi.NewViewer(httpapi.ViewerConfig{Media: l.media, Access: access, Registerer: l.reg, Log: quiet()})
	if limits.Look == 0 {
		limits.Look = time.Millisecond
	}
	httpapi.SetLive(l.Server, limits)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.addr = ln.Addr().String()
	l.client = clientOn(t, l.Server, ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.addr)
	})
	return l
}

// metric returns a metric's value, of all its labels together.
func (l *liveServer) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := l.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// eventually waits until a metric has a value.
func (l *liveServer) eventually(t *testing.T, name string, want float64) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); l.metric(t, name) != want; <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %v, not %v", name, l.metric(t, name), want)
		}
	}
}

const (
	metricClients = "spotter_viewer_live_clients"
	metricDropped = "spotter_viewer_live_dropped_total"
)

// stream reads server-sent events as WHATWG HTML, section 9.2.6, has it.
type stream struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	head *http.Response
	last string // the last event's id

	buffer string // the last event id buffer
}

type sent struct{ name, id, data string }

// follow asks for a live stream over a connection of its own; headers are whole lines.
func (l *liveServer) follow(t *testing.T, query string, headers ...string) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	return followOn(t, conn, query, "HTTP/1.1", headers...)
}

func followOn(t *testing.T, conn net.Conn, query, version string, headers ...string) *stream {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	s, err := open(conn, query, version, headers...)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	return s
}

func open(conn net.Conn, query, version string, headers ...string) (*stream, error) {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	headers = append([]string{"GET /v1/media/" + final + "/live" + query + " " + version, "Host: spotter"}, headers...)
	if _, err := io.WriteString(conn, strings.Join(headers, "\r\n")+"\r\n\r\n"); err != nil {
		return nil, err
	}
	head, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	return &stream{conn: conn, head: head, r: bufio.NewReader(head.Body)}, nil
}

// read returns the next event, comments as events of the name ":"; at the end of the stream it fails with io.EOF.
func (s *stream) read() (sent, error) {
	var e sent
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return e, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			s.last = s.buffer // not before: an event that is cut off was not seen
			if e.data != "" {
				e.id = s.last
				return e, nil
			}
			e = sent{}
		case field == "":
			return sent{name: ":", data: value}, nil
		case field == "event":
			e.name = value
		case field == "data":
			e.data += value
		case field == "id":
			s.buffer = value
		case field != "retry":
			return e, fmt.Errorf("line %q", line)
		}
	}
}

// next is read in a test that expects an event; comments are passed over.
func (s *stream) next() sent {
	s.t.Helper()
	for {
		e, err := s.read()
		if err != nil {
			s.t.Fatalf("after %s: %v", s.last, err)
		}
		if e.name != ":" {
			return e
		}
	}
}

// observations returns the next n observations as "position r revision"; states are passed over.
func (s *stream) observations(n int) []string {
	s.t.Helper()
	var list []string
	for len(list) < n {
		switch e := s.next(); e.name {
		case "observation":
			list = append(list, brief(s.t, e.data))
		case "state":
		default:
			s.t.Fatalf("%+v", e)
		}
	}
	return list
}
