package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

const plainLookUp = "GET /v1/media/cup-final/context?position=50&backward=10&forward=5 HTTP/1.1\r\nHost: box\r\n\r\n"

// plainRequests are requests that may be answered past fasthttp, and such that may not.
var plainRequests = map[string]struct {
	request string
	plain   bool
}{
	"a look-up":          {plainLookUp, true},
	"curl":               {"GET /v1/media/cup-final/context?position=50.5 HTTP/1.1\r\nHost: a:80\r\nUser-Agent: curl/8.5\r\nAccept: */*\r\n\r\n", true},
	"small letters":      {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nhost:box\r\n\r\n", true},
	"by time":            {"GET /v1/media/cup-final/context?time=2026-11-23T14:00:00Z HTTP/1.1\r\nHost: box\r\n\r\n", true},
	"before the event":   {"GET /v1/media/cup-final/context?position=0&backward=500 HTTP/1.1\r\nHost: box\r\n\r\n", true},
	"another parameter":  {"GET /v1/media/cup-final/context?position=50&app=tv HTTP/1.1\r\nHost: box\r\n\r\n", true},
	"escaped":            {"GET /v1/media/cup%2Dfinal/context?position=50 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"escaped parameter":  {"GET /v1/media/cup-final/context?position=%350 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"no such media":      {"GET /v1/media/nothing/context?position=50 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"no position":        {"GET /v1/media/cup-final/context HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"a wrong position":   {"GET /v1/media/cup-final/context?position=x HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"engaging":           {"GET /v1/media/cup-final/context?position=50&engage=1 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"for a viewer":       {"GET /v1/media/cup-final/context?position=50&profile=ann HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"another route":      {"GET /v1/media/cup-final/timeline?position=50 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"a whole address":    {"GET http://box/v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"HEAD":               {"HEAD /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\n\r\n", false},
	"HTTP/1.0":           {"GET /v1/media/cup-final/context?position=50 HTTP/1.0\r\nHost: box\r\n\r\n", false},
	"to be packed":       {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\nAccept-Encoding: gzip\r\n\r\n", false},
	"with a body":        {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\nContent-Length: 1\r\n\r\n", false},
	"in chunks":          {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	"the last one":       {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n", false},
	"with a key":         {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer x\r\n\r\n", false},
	"an empty host":      {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: \r\n\r\n", false},
	"without a host":     {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\n\r\n", false},
	"not whole":          {plainLookUp[:len(plainLookUp)-2], false},
	"the next behind it": {plainLookUp + plainLookUp, false},
	"a folded line":      {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\r\n Content-Length: 1\r\n\r\n", false},
	"a space in a name":  {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost : box\r\n\r\n", false},
	"lines end in LF":    {strings.ReplaceAll(plainLookUp, "\r", ""), false},
	"LF in a value":      {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: box\nContent-Length: 1\r\n\r\n", false},
	"a zero byte":        {"GET /v1/media/cup-final/context?position=50 HTTP/1.1\r\nHost: b\x00x\r\n\r\n", false},
	"nothing":            {"", false},
}

func TestPlainRequests(t *testing.T) {
	s := newViewer(cup())
	for name, tc := range plainRequests {
		t.Run(name, func(t *testing.T) {
			if _, ok := s.ReadPlain([]byte(tc.request)); ok != tc.plain {
				t.Errorf("plain: %v, want %v: %q", ok, tc.plain, tc.request)
			}
		})
	}
}

// FuzzPlainRequests holds what is taken for a plain look-up to what fasthttp makes of it.
func FuzzPlainRequests(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(plainRequests)) {
		f.Add([]byte(plainRequests[name].request))
	}
	s := newViewer(cup())
	f.Fuzz(func(t *testing.T, request []byte) {
		id, ok := s.ReadPlain(request)
		if !ok {
			return
		}
		r := bufio.NewReaderSize(bytes.NewReader(request), 8<<10)
		var req fasthttp.Request
		if err := req.Read(r); err != nil {
			t.Fatalf("fasthttp: %v: %q", err, request)
		}
		h := &req.Header
		switch rest, _ := io.ReadAll(r); {
		case len(rest) > 0 || len(req.Body()) > 0:
			t.Errorf("something is left: %q", request)
		case !h.IsGet() || !h.IsHTTP11() || req.MayContinue() || req.ConnectionClose():
			t.Errorf("not plain: %q", request)
		case string(req.URI().PathOriginal()) != "/v1/media/"+id+"/context":
			t.Errorf("media %q: %q", id, request)
		case len(h.Peek("Accept-Encoding"))+len(h.Peek("Authorization"))+len(h.Peek("If-None-Match"))+len(h.Peek("Origin")) > 0:
			t.Errorf("a header that matters: %q", request)
		}
	})
}

// listens serves s until the test ends, and returns where.
func listens(t *testing.T, s *httpapi.Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// wire is one connection, and what came in on it.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dialWire(t *testing.T, addr string) wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return wire{conn, bufio.NewReader(conn)}
}

// ask returns the bytes of the answer to a request.
func (r wire) ask(request string) ([]byte, error) {
	if _, err := io.WriteString(r, request); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReaderSize(io.TeeReader(r.in, &text), 1), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	head, _, _ := bytes.Cut(text.Bytes(), []byte("\r\n\r\n"))
	return append(append(slices.Clone(head), "\r\n\r\n"...), body...), nil
}

var dateLine = regexp.MustCompile(`\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// TestDirectAnswers has the same answered past fasthttp and by it: not a byte may differ but in the time.
func TestDirectAnswers(t *testing.T) {
	s := newViewer(cup())
	r := dialWire(t, listens(t, s))
	for name, tc := range plainRequests {
		if !tc.plain {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got, err := r.ask(tc.request)
			if err != nil {
				t.Fatal(err)
			}
			other := strings.Replace(tc.request, "\r\n\r\n", "\r\nX-Other: 1\r\n\r\n", 1)
			if _, ok := s.ReadPlain([]byte(other)); ok {
				t.Fatal("fasthttp must answer this one")
			}
			want, err := r.ask(other)
			if err != nil {
				t.Fatal(err)
			}
			if !dateLine.Match(got) || !dateLine.Match(want) {
				t.Errorf("the date is missing: %.300s", got)
			}
			if g, w := dateLine.ReplaceAllString(string(got), "\r\n"), dateLine.ReplaceAllString(string(want), "\r\n"); g != w {
				t.Errorf("%s\nwant\n%s", g, w)
			}
		})
	}
}

// TestDirectAnswersOnlyWhereNobodyIsAsked keeps look-ups that depend on who asks with fasthttp.
func TestDirectAnswersOnlyWhereNobodyIsAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	keyFor(t, path, "app")
	for name, tc := range map[string]struct {
		access httpapi.AccessConfig
		want   bool
	}{
		"all may":        {httpapi.AccessConfig{Origins: []string{"*"}}, true},
		"pages of one":   {httpapi.AccessConfig{Origins: []string{"https://app.example"}}, false},
		"so many times":  {httpapi.AccessConfig{Origins: []string{"*"}, RequestsPerSecond: 5}, false},
		"those with key": {httpapi.AccessConfig{Origins: []string{"*"}, KeysFile: path}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.access.Log = quiet()
			access, err := httpapi.NewAccess(tc.access)
			if err != nil {
				t.Fatal(err)
			}
			s := httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Access: access, Registerer: prometheus.NewRegistry(), Log: quiet()})
			if got := s.AnswersDirectly(); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestDirectAnswersPanic leaves a media that breaks to fasthttp, which tells of it, and goes on.
func TestDirectAnswersPanic(t *testing.T) {
	m := hazard{cup()}
	m.Order = append(m.Order, "panics")
	r := dialWire(t, listens(t, newViewer(m)))
	for _, want := range []string{"500", "500", "200"} {
		request := plainLookUp
		if want == "500" {
			request = strings.Replace(request, "cup-final", "panics", 1)
		}
		got, err := r.ask(request)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 "+want) {
			t.Errorf("%.80s, %v, want %s", got, err, want)
		}
	}
}

// TestDirectAnswersEndWhole shuts a server down while many ask: whoever gets an answer's first byte gets all of it.
func TestDirectAnswersEndWhole(t *testing.T) {
	const clients = 16
	s := newViewer(cup())
	addr := listens(t, s)
	var asked, all sync.WaitGroup
	asked.Add(clients)
	for range clients {
		r := dialWire(t, addr)
		all.Go(func() {
			for n := 0; ; n++ {
				if n == 10 {
					asked.Done()
				}
				if _, err := r.ask(plainLookUp); err != nil {
					if n < 10 {
						t.Errorf("before the end: %v", err)
						asked.Done()
					}
					if r.in.Buffered() > 0 {
						t.Errorf("half an answer: %v", err)
					}
					return
				}
			}
		})
	}
	asked.Wait()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// TestDirectAnswerGoesOut closes a connection, as fasthttp does with an idle one when it shuts down, while an answer is written.
func TestDirectAnswerGoesOut(t *testing.T) {
	far := &slow{writing: make(chan struct{}), taken: make(chan struct{}), closed: make(chan struct{})}
	c := newViewer(cup()).DirectConn(far)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Answer([]byte(plainLookUp))
		answered <- err
	}()
	<-far.writing
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-far.closed:
		t.Error("closed in the middle of an answer")
	default:
	}
	close(far.taken)
	if err := <-answered; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	<-far.closed
	if ok, err := c.Answer([]byte(plainLookUp)); ok || !errors.Is(err, net.ErrClosed) {
		t.Error("answers when it is closed", ok, err)
	}
}

// slow has taken what is written to it when its owner says so.
type slow struct {
	discard
	writing, taken, closed chan struct{}
}

func (c *slow) Write(b []byte) (int, error) {
	close(c.writing)
	<-c.taken
	return len(b), nil
}

func (c *slow) Close() error {
	close(c.closed)
	return nil
}

// TestDirectAnswersPutOffTheEnd gives a connection whose request was answered as long again for the next as fasthttp does.
func TestDirectAnswersPutOffTheEnd(t *testing.T) {
	c := newViewer(cup()).DirectConn(&discard{})
	before := time.Now()
	if ok, err := c.Answer([]byte(plainLookUp)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got, most := c.ReadUntil(), httpapi.IdleTimeout+time.Since(before)+time.Second; got < httpapi.IdleTimeout || got > most {
		t.Errorf("%v, want %v to %v", got, httpapi.IdleTimeout, most)
	}
}

// discard takes everything.
type discard struct{ net.Conn }

func (*discard) Write(b []byte) (int, error)      { return len(b), nil }
func (*discard) SetReadDeadline(time.Time) error  { return nil }
func (*discard) SetWriteDeadline(time.Time) error { return nil }

func BenchmarkDirect(b *testing.B) {
	c := newViewer(cup()).DirectConn(&discard{})
	request := []byte(plainLookUp)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := c.Answer(request); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
