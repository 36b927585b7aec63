package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http/httpproxy"
)

const (
	// MaxRedirects is how many redirects are followed for one request.
	MaxRedirects = 10

	defaultIdle = 9 * time.Second // what hls.js grants the first byte
)

// Options are what the configuration says of one media's origins.
type Options struct {
	UserAgent string // names the program to origins
	// Hosts are the hosts that the configuration itself names, as URL.Hostname gives them: they get Header and credentials.
	Hosts []string
	// Allow are further hosts that a stream's URIs may lead to: names, addresses, or "*.example.org" for all below.
	Allow []string
	// Header is sent to Hosts alone. What belongs to a single request or connection (Host, Range, Accept-Encoding,
	// If-None-Match, Connection, ...) is left out of it.
	Header             http.Header
	Username, Password string // basic authentication, sent to Hosts alone; a URL's own goes before it
	// Dial stands for the machine's network and its proxies; nil is the machine's, with each address judged.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Resolver *net.Resolver // nil is the system's
}

// HTTP reads http and https URLs, by the rules that are written down at policy. It is safe for concurrent use.
type HTTP struct {
	options Options
	policy  policy
	header  http.Header
	invalid error // of the options; every request gives it
	proxy   func(*url.URL) (*url.URL, error)
	roots   *x509.CertPool // nil is the system's
	network network
	cookies cookies
	kept    kept
	current atomic.Pointer[transports]

	mu      sync.Mutex
	closed  bool
	watches map[*watch]struct{}
	gets    sync.WaitGroup
}

// NewHTTP returns a getter with timeouts fit for live segments. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read now.
func NewHTTP(o Options) *HTTP { return newHTTP(o, nil) }

func newHTTP(o Options, roots *x509.CertPool) *HTTP {
	h := &HTTP{
		options: o,
		policy:  newPolicy(o.Hosts, o.Allow),
		roots:   roots,
		watches: map[*watch]struct{}{},
	}
	h.header, h.invalid = ownHeader(o)
	if o.Dial == nil {
		h.proxy = httpproxy.FromEnvironment().ProxyFunc()
	}
	h.current.Store(h.newTransports())
	return h
}

// perRequest are the headers that a configuration cannot set: those of a connection (RFC 9110, 7.6.1) and those with
// which this package asks for something.
var perRequest = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Content-Length", "Host", "Range", "Accept-Encoding", "If-Match", "If-None-Match",
	"If-Modified-Since", "If-Unmodified-Since", "If-Range", "Expect",
}

func ownHeader(o Options) (http.Header, error) {
	header := http.Header{}
	for name, values := range o.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("%s is not the name of an HTTP header", quote(name))
		}
		if slices.Contains(perRequest, http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, fmt.Errorf("the value of the HTTP header %s has a character that no header may have", quote(name))
			}
			header.Add(name, v)
		}
	}
	if !httpguts.ValidHeaderFieldValue(o.UserAgent) {
		return nil, errors.New("the user agent has a character that no HTTP header may have")
	}
	return header, nil
}

// Get implements Getter. Its errors hold no query, credential, cookie or header.
func (h *HTTP) Get(ctx context.Context, r Request) (Response, error) {
	if h.invalid != nil {
		return Response{}, h.invalid
	}
	if err := checkRange(r); err != nil {
		return Response{}, err
	}
	ctx, w, err := h.begin(ctx, r.Idle)
	if err != nil {
		return Response{}, err
	}
	defer h.end(w)
	used := h.current.Load()
	a, err := h.follow(ctx, used, r, w)
	if err != nil {
		return Response{}, h.failed(ctx, used, w, err)
	}
	defer a.Body.Close()
	if a.StatusCode == http.StatusNotModified && a.old != nil {
		return Response{Body: a.old.body, URL: h.kept.fresh(r, a).url(), NotModified: true}, nil
	}
	body, err := h.read(w, r, a.Response)
	if err != nil {
		return Response{}, h.failed(ctx, used, w, err)
	}
	if r.Revalidate {
		h.kept.keep(r, a, body)
	}
	return Response{Body: body, URL: a.url}, nil
}

func checkRange(r Request) error {
	switch {
	case r.Offset < 0 || r.Length < 0 || r.Offset > math.MaxInt64-r.Length:
		return fmt.Errorf("bytes %d and %d on are not a range", r.Offset, r.Length)
	case r.Length > r.Limit:
		return fmt.Errorf("a range of %d bytes: %w", r.Length, ErrTooLarge)
	}
	return nil
}

// failed puts an error into words that can be logged, and sees to it that a retry does not use a connection over which
// nothing comes any more.
func (h *HTTP) failed(ctx context.Context, used *transports, w *watch, err error) error {
	var status *StatusError
	if errors.As(err, &status) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrAddress) || errors.As(err, new(answerError)) {
		return err
	}
	cause := context.Cause(ctx)
	if cause != nil && !errors.Is(cause, ErrIdle) && !errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("ask the origin: %w", cause)
	}
	if h.current.CompareAndSwap(used, h.newTransports()) {
		used.closeIdle()
	}
	switch {
	case errors.Is(cause, ErrIdle):
		return fmt.Errorf("%w for %s", ErrIdle, w.idle)
	case cause != nil:
		return fmt.Errorf("ask the origin: %w", cause)
	}
	return plain(err)
}

// Close ends the requests under way and all connections, and waits for them. Later requests fail with net.ErrClosed.
func (h *HTTP) Close() {
	h.mu.Lock()
	h.closed = true
	running := slices.Collect(maps.Keys(h.watches))
	h.mu.Unlock()
	for _, w := range running {
		w.cancel(net.ErrClosed)
	}
	h.gets.Wait()
	h.current.Load().closeIdle()
	h.network.close()
}

// watch ends a request when nothing comes for its idle time.
type watch struct {
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (h *HTTP) begin(ctx context.Context, idle time.Duration) (context.Context, *watch, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, nil, net.ErrClosed
	}
	if idle <= 0 {
		idle = defaultIdle
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{idle: idle, cancel: cancel, timer: time.AfterFunc(idle, func() { cancel(ErrIdle) })}
	h.watches[w] = struct{}{}
	h.gets.Add(1)
	return ctx, w, nil
}

func (h *HTTP) end(w *watch) {
	w.timer.Stop()
	w.cancel(nil)
	h.mu.Lock()
	delete(h.watches, w)
	h.mu.Unlock()
	h.gets.Done()
}

// came says that the origin has sent something.
func (w *watch) came() { w.timer.Reset(w.idle) }

func (w *watch) reader(r io.Reader) io.Reader { return watched{r, w} }

type watched struct {
	io.Reader
	watch *watch
}

func (r watched) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		r.watch.came()
	}
	return n, err
}
