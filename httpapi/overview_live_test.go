package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// overviewBox is a media whose list fails at will, and what the box tells beside.
type overviewBox struct {
	*moving
	version atomic.Pointer[string]
	made    atomic.Int64
}

func (b *overviewBox) IDs() ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.box.Order[1:], b.fail
}

func (b *overviewBox) tell() httpapi.Overview {
	b.made.Add(1)
	o := told()
	if v := b.version.Load(); v != nil {
		o.Version = *v
	}
	return o
}

// breakOff has the overview fail, or be well again.
func (b *overviewBox) breakOff(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func newOverviewLive(t *testing.T, limits httpapi.LiveLimits, access *httpapi.Access) (*liveServer, *overviewBox) {
	t.Helper()
	box := &overviewBox{moving: newMoving()}
	l := &liveServer{media: box.moving, reg: prometheus.NewRegistry()}
	l.Server = httpapi.NewViewer(httpapi.ViewerConfig{Media: box, Access: access, Overview: box.tell, Registerer: l.reg, Log: quiet()})
	httpapi.SetLive(l.Server, limits)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.addr = ln.Addr().String()
	l.client = clientOn(t, l.Server, ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.addr)
	})
	return l, box
}

// overview follows the overview over a connection of its own; headers are whole lines.
func (l *liveServer) overview(t *testing.T, headers ...string) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	head := append([]string{"GET /v1/overview/live HTTP/1.1", "Host: spotter"}, headers...)
	if _, err := io.WriteString(conn, strings.Join(head, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &stream{t: t, conn: conn, head: resp, r: bufio.NewReader(resp.Body)}
}

var quick = httpapi.LiveLimits{Look: 20 * time.Millisecond}

func TestOverviewLive(t *testing.T) {
	l, _ := newOverviewLive(t, quick, nil)
	s := l.overview(t, "Last-Event-ID: whatever")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
		"Access-Control-Allow-Origin": "*", "Content-Length": "",
	} {
		if got := s.head.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for range 3 {
		e := s.next()
		if e.name != "overview" || e.id != "" {
			t.Fatalf("%+v", e)
		}
		sameOverview(t, `{"version":"v1.2.3","media":[`+finalOverview+","+warmUpOverview+"],"+spent+synced+`"engage":true,"edits":true,"gallery":true}`, e.data)
	}
	s.conn.Close()
	l.eventually(t, metricClients, 0)
	again := l.overview(t)
	again.next()
	again.next()
}

// TestOverviewLiveAtOnce: a change of state does not wait for the next event of the second.
func TestOverviewLiveAtOnce(t *testing.T) {
	t.Parallel()
	l, box := newOverviewLive(t, httpapi.LiveLimits{}, nil)
	s := l.overview(t)
	s.next()
	began := time.Now()
	for i := range 4 {
		state := []string{httpapi.StateStalled, httpapi.StateLive}[i%2]
		box.change(func(b *mediatest.Box) {
			status := b.Statuses[final]
			status.State = state
			b.Statuses[final] = status
		})
		for !strings.Contains(s.next().data, `{"media":"cup-final","state":"`+state+`"`) {
			continue
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("four changes took %v", took)
	}
}

// TestOverviewLiveIsMadeOnce: how often the overview is made does not depend on how many follow it.
func TestOverviewLiveIsMadeOnce(t *testing.T) {
	l, box := newOverviewLive(t, quick, nil)
	var list []*stream
	for range 40 {
		list = append(list, l.overview(t))
	}
	for _, s := range list {
		s.next()
	}
	const events, looks = 10, 4
	before := box.made.Load()
	for range events {
		list[0].next()
	}
	if n := box.made.Load() - before; n > 3*events*looks {
		t.Errorf("made %d times for %d events", n, events)
	}
}

func TestOverviewLiveFor(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	all, limited := keyFor(t, keys, "all"), keyFor(t, keys, "limited", "warm-up")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := newOverviewLive(t, quick, access)
	one, every := l.overview(t, "Authorization: Bearer "+limited), l.overview(t, "X-API-Key: "+all)
	for range 2 {
		sameOverview(t, `{"version":"v1.2.3","media":[`+warmUpOverview+`],"cloud":null,"sync":[],"engage":true,"edits":true,"gallery":true}`, one.next().data)
		if e := every.next(); !strings.Contains(e.data, final) || !strings.Contains(e.data, "usd_hour") {
			t.Errorf("%+v", e)
		}
	}
	write(t, keys, nil)
	for _, s := range []*stream{one, every} {
		e := s.next()
		for e.name == "overview" {
			e = s.next()
		}
		if e.name != "error" || e.data != `{"reason":"expired"}` {
			t.Errorf("%+v", e)
		}
	}
}

// TestOverviewLiveUnavailable: comments, and then an end, tell that the box cannot say how it does.
func TestOverviewLiveUnavailable(t *testing.T) {
	l, box := newOverviewLive(t, quick, nil)
	s := l.overview(t)
	s.next()
	box.breakOff(errors.New("no table"))
	comments := 0
	for {
		e, err := s.read()
		if err != nil {
			t.Fatal(err)
		}
		if e.name == ":" {
			comments++
		}
		if e.name == "error" {
			if e.data != `{"reason":"unavailable"}` {
				t.Errorf("%+v", e)
			}
			break
		}
	}
	if comments == 0 {
		t.Error("no comment while there was nothing to tell")
	}
	if _, err := s.read(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	box.breakOff(nil)
	s = l.overview(t)
	for deadline := time.Now().Add(5 * time.Second); s.head.StatusCode != http.StatusOK && time.Now().Before(deadline); {
		s = l.overview(t) // that it failed is kept for a moment too
	}
	if e := s.next(); e.name != "overview" {
		t.Errorf("%+v", e)
	}
}

func TestOverviewLiveIsFull(t *testing.T) {
	l, _ := newOverviewLive(t, httpapi.LiveLimits{Look: 20 * time.Millisecond, Clients: 1}, nil)
	s := l.overview(t)
	s.next()
	resp, body := send(t, l.client, http.MethodGet, "/v1/overview/live")
	checkProblem(t, resp, body, http.StatusServiceUnavailable, "")
	s.conn.Close()
	l.eventually(t, metricClients, 0)
	l.overview(t).next()
}

func TestOverviewLiveDropsSlowClients(t *testing.T) {
	l, box := newOverviewLive(t, httpapi.LiveLimits{Look: 5 * time.Millisecond, Write: 200 * time.Millisecond}, nil)
	large := strings.Repeat("x", 200_000)
	box.version.Store(&large)
	slow, quick := l.overview(t), l.overview(t)
	slow.room(4 << 10)
	for l.metric(t, metricDropped) == 0 {
		quick.next()
	}
	l.eventually(t, metricClients, 1)
	if _, err := io.Copy(io.Discard, slow.r); err == nil {
		t.Error("a stream that was cut off looks like one that has ended")
	}
}

func TestOverviewLiveShutdown(t *testing.T) {
	l, _ := newOverviewLive(t, quick, nil)
	s := l.overview(t)
	s.next()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := s.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	l.eventually(t, metricClients, 0)
}

// BenchmarkOverview makes the overview of a box with many media.
func BenchmarkOverview(b *testing.B) {
	box := mediatest.NewBox(mediatest.Cup()...)
	for i := range 20 {
		id := fmt.Sprint("media-", i)
		box.Order, box.Timelines[id], box.Statuses[id] = append(box.Order, id), new(timeline.Timeline), httpapi.Status{Media: id, State: httpapi.StateLive}
	}
	made := httpapi.Overviews(box, told)
	for b.Loop() {
		if err := made(); err != nil {
			b.Fatal(err)
		}
	}
}
