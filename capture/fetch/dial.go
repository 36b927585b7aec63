package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// A connection of HTTP/2 that is silent is asked for a sign of life, so that a dead one is found within the default
	// idle time.
	pingAfter, pingTimeout = 5 * time.Second, 3 * time.Second
	maxHeader              = 128 << 10 // bytes of an answer's header
)

// transports hold the connections since the last failure: after one they are left behind, not asked again.
type transports struct{ direct, proxied *http.Transport }

func (h *HTTP) newTransports() *transports {
	direct := func(ctx context.Context, network, address string) (net.Conn, error) {
		return h.network.dial(ctx, network, address, h.judgedDial)
	}
	if h.options.Dial != nil {
		direct = func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.network.dial(ctx, network, address, h.options.Dial)
		}
	}
	toProxy := func(ctx context.Context, network, address string) (net.Conn, error) {
		return h.network.dial(ctx, network, address, h.dialer().DialContext)
	}
	t := &transports{h.newTransport(direct), h.newTransport(toProxy)}
	t.proxied.Proxy = func(r *http.Request) (*url.URL, error) { return h.proxyFor(r.URL) }
	t.proxied.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return answerError(fmt.Sprintf("the proxy answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
		}
		return nil
	}
	return t
}

func (h *HTTP) newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: pingTimeout},
		DisableCompression:     true, // done in body.go, by the kind of request
		MaxIdleConnsPerHost:    4,
		MaxIdleConns:           32,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

func (t *transports) closeIdle() {
	t.direct.CloseIdleConnections()
	t.proxied.CloseIdleConnections()
}

// of returns the transport for a URL. What goes through a proxy has a transport of its own, so that the proxy's address,
// which is trusted, cannot be taken for an origin's.
func (t *transports) of(h *HTTP, u *url.URL) (*http.Transport, error) {
	proxy, err := h.proxyFor(u)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		return t.proxied, nil
	}
	return t.direct, nil
}

func (h *HTTP) proxyFor(u *url.URL) (*url.URL, error) {
	if h.proxy == nil {
		return nil, nil
	}
	proxy, err := h.proxy(u)
	if err != nil { // its text has the proxy's password
		return nil, answerError("the environment's proxy is not a URL: mend HTTP_PROXY or HTTPS_PROXY")
	}
	return proxy, nil
}

func (h *HTTP) dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         dialTimeout,
		Resolver:        h.options.Resolver,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
}

// judgedDial judges each address just before it is connected to, whichever of a name's addresses that is.
func (h *HTTP) judgedDial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAddress, quote(address))
	}
	d := h.dialer()
	d.ControlContext = func(_ context.Context, _, actual string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(actual)
		if err != nil {
			return fmt.Errorf("%w: %s is not an address", ErrAddress, quote(actual))
		}
		return h.policy.reach(host, to.Addr())
	}
	return d.DialContext(ctx, network, address)
}

// network owns the connections, and the dials that net/http goes on with when nobody waits for them any more.
type network struct {
	mu     sync.Mutex
	closed bool
	next   int
	ends   map[int]func() // what ends each dial or connection
	open   sync.WaitGroup
}

func (n *network) add(end func()) (remove func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, net.ErrClosed
	}
	if n.ends == nil {
		n.ends = map[int]func(){}
	}
	n.next++
	id := n.next
	n.ends[id] = end
	n.open.Add(1)
	return sync.OnceFunc(func() {
		n.mu.Lock()
		delete(n.ends, id)
		n.mu.Unlock()
		n.open.Done()
	}), nil
}

func (n *network) dial(ctx context.Context, network, address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, err := n.add(cancel)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	remove, err := n.add(func() { c.Close() })
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &conn{c, remove}, nil
}

func (n *network) close() {
	n.mu.Lock()
	n.closed = true
	ends := make([]func(), 0, len(n.ends))
	for _, end := range n.ends {
		ends = append(ends, end)
	}
	n.mu.Unlock()
	for _, end := range ends {
		end()
	}
	n.open.Wait()
}

type conn struct {
	net.Conn
	closed func()
}

func (c *conn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
