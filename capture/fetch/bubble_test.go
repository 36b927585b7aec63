package fetch_test

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"

	"spotter/capture/fetch"
)

// bubble is an origin in a network of pipes, for tests under testing/synctest. Its connections can be turned into black
// holes, as a router that forgot them would.
type bubble struct {
	*httptest.Server
	queue chan net.Conn
	ended chan struct{}
	end   sync.Once
	dials atomic.Int64

	mu    sync.Mutex
	conns []*hole
}

func newBubble(secure bool, f http.HandlerFunc) *bubble {
	b := &bubble{queue: make(chan net.Conn), ended: make(chan struct{})}
	b.Server = httptest.NewUnstartedServer(f)
	b.Listener.Close()
	b.Listener = b
	b.EnableHTTP2, b.Config.ErrorLog = secure, silent
	if secure {
		b.StartTLS()
	} else {
		b.Start()
	}
	return b
}

// open returns a getter whose whole network is the bubble.
func (b *bubble) open(secure bool, hosts ...string) *fetch.HTTP {
	o := fetch.Options{Hosts: append(hosts, "example.com"), Dial: b.dial}
	if !secure {
		return fetch.NewHTTP(o)
	}
	return fetch.NewTrusting(o, x509Pool(b.Server))
}

func (b *bubble) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case b.queue <- far:
	case <-b.ended:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b.dials.Add(1)
	h := &hole{Conn: near, dark: make(chan struct{}), closed: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, h)
	return h, nil
}

func (b *bubble) Accept() (net.Conn, error) {
	select {
	case c := <-b.queue:
		return c, nil
	case <-b.ended:
		return nil, net.ErrClosed
	}
}

func (b *bubble) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func (b *bubble) Close() error {
	b.end.Do(func() { close(b.ended) })
	return nil
}

// darken makes black holes of all connections so far.
func (b *bubble) darken() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.conns {
		h.once.Do(func() { close(h.dark) })
	}
}

// hole is a connection that, once dark, takes everything and gives nothing.
type hole struct {
	net.Conn
	dark, closed chan struct{}
	once, end    sync.Once
}

func (h *hole) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	select {
	case <-h.dark:
		<-h.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (h *hole) Write(p []byte) (int, error) {
	select {
	case <-h.dark:
		return len(p), nil
	default:
		return h.Conn.Write(p)
	}
}

func (h *hole) Close() error {
	h.end.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

func stop(b *bubble, h *fetch.HTTP) {
	h.Close()
	b.Server.Close()
}

func x509Pool(s *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return roots
}

// silent is for servers whose clients are meant to fail.
var silent = log.New(io.Discard, "", 0)
