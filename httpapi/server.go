package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
	"unsafe"

	"github.com/fasthttp/router"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// Limits of both listeners.
const (
	maxHeader      = 8 << 10          // bytes of request line and headers
	writeBuffer    = 8 << 10          // bytes of an answer, its head included, that go out at once
	maxBody        = 64 << 10         // bytes of request body
	maxConnections = 20_000           // open at once; one holds some 10 KiB
	readTimeout    = 10 * time.Second // for one whole request, so that slow senders free their connection
	idleTimeout    = 75 * time.Second // between requests; longer than the minute for which CDNs keep theirs
	writeTimeout   = 30 * time.Second // for one answer
)

const (
	serverName      = "spotter"
	contentTypeJSON = "application/json"
	cacheNever      = "no-store"
)

// Server is one listener's HTTP server, made by NewViewer or NewAdmin.
type Server struct {
	fast    fasthttp.Server
	router  *router.Router
	metrics *metrics
	live    *hub    // of the viewer API alone
	room    *room   // the same
	direct  *direct // the same; nil where each request has to be looked at
	log     *slog.Logger

	mu     sync.Mutex
	ln     *onceListener // nil before Serve
	closed bool
	ending chan struct{} // closed when closed is set
}

func newServer(name string, reg prometheus.Registerer, log *slog.Logger) *Server {
	s := &Server{router: router.New(), metrics: newMetrics(reg, name), log: log.With("listener", name), ending: make(chan struct{})}
	// A redirect would have no CORS headers and hides a wrong address until the day it is posted to.
	s.router.RedirectTrailingSlash, s.router.RedirectFixedPath = false, false
	s.router.NotFound = s.metrics.route(routeOther, s.log, func(ctx *fasthttp.RequestCtx) error {
		return newProblem(fasthttp.StatusNotFound, "there is nothing at this address")
	})
	s.router.MethodNotAllowed = s.metrics.route(routeOther, s.log, func(ctx *fasthttp.RequestCtx) error {
		return newProblem(fasthttp.StatusMethodNotAllowed,
			fmt.Sprintf("use one of %s", ctx.Response.Header.Peek(fasthttp.HeaderAllow)))
	})
	s.fast = fasthttp.Server{
		Name:                         serverName,
		Handler:                      s.router.Handler,
		ErrorHandler:                 s.unreadable,
		Logger:                       discreetLogger{s.log},
		SecureErrorLogMessage:        true,
		Concurrency:                  maxConnections,
		ReadBufferSize:               maxHeader,
		WriteBufferSize:              writeBuffer,
		MaxRequestBodySize:           maxBody,
		ReadTimeout:                  readTimeout,
		IdleTimeout:                  idleTimeout,
		WriteTimeout:                 writeTimeout,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		ReduceMemoryUsage:            true, // what a request needs it takes and gives back; see ahead
	}
	return s
}

// get registers h for GET and HEAD, whose body fasthttp leaves out (RFC 9110, section 9.3.2).
func (s *Server) get(pattern string, h handler) fasthttp.RequestHandler {
	wrapped := s.metrics.route(pattern, s.log, h)
	s.router.GET(pattern, wrapped)
	s.router.HEAD(pattern, wrapped)
	return wrapped
}

// Serve answers requests that come in on ln until Shutdown, then returns nil; ln is closed in any case. A Server serves
// one listener once. Serve returns as soon as nothing more is accepted: Shutdown waits for the last answers.
func (s *Server) Serve(ln net.Listener) error {
	once := &onceListener{Listener: ln}
	defer once.Close()
	s.mu.Lock()
	closed := s.closed
	s.ln = once
	s.mu.Unlock()
	if closed {
		return nil
	}
	if err := s.fast.Serve(lazily(once, s.direct)); err != nil {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting, ends the live streams, lets requests that are being answered finish and closes idle
// connections. It returns ctx's error when requests are still running as ctx ends; a stream takes a second at most to end.
// A Serve that comes later returns at once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
	ln := s.ln
	s.mu.Unlock()
	if ln != nil {
		// fasthttp closes only listeners that it has begun to serve.
		ln.Close()
	}
	var streams error
	if s.live != nil {
		streams = s.live.close(ctx)
	}
	if err := errors.Join(streams, s.fast.ShutdownWithContext(ctx)); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// onceListener may be closed by Serve, Shutdown and fasthttp without a second close being an error.
type onceListener struct {
	net.Listener
	once sync.Once
	err  error
}

func (l *onceListener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// Handle answers one request that did not come over a listener.
func (s *Server) Handle(ctx *fasthttp.RequestCtx) { s.fast.Handler(ctx) }

// unreadable answers a request that could not be read. What was wrong with it is not repeated: it is hostile text.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	p := newProblem(fasthttp.StatusBadRequest, "the request is not valid HTTP/1.1")
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &small):
		p = newProblem(fasthttp.StatusRequestHeaderFieldsTooLarge,
			fmt.Sprintf("request line and headers may have %d bytes", maxHeader))
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		p = newProblem(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("a body may have %d bytes", maxBody))
	case errors.As(err, &network) && network.Timeout():
		p = newProblem(fasthttp.StatusRequestTimeout, fmt.Sprintf("a request must arrive within %v", readTimeout))
	}
	s.metrics.requests.WithLabelValues(routeOther, fmt.Sprint(p.Status)).Inc()
	p.write(ctx)
}

// setHeader is h.Set for a name that is written as HTTP has it, and costs no more than to remember it.
func setHeader(h *fasthttp.ResponseHeader, name, value string) {
	h.SetCanonical(unsafe.Slice(unsafe.StringData(name), len(name)), unsafe.Slice(unsafe.StringData(value), len(value)))
}
