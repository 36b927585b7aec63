package origin

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	direction "github.com/Shopify/toxiproxy/v2/stream"
	"github.com/rs/zerolog"
)

// Network is a network between a client and a server, on 127.0.0.1, that fails on demand: the links and toxics of
// Toxiproxy. Toxiproxy's own listener leaves goroutines behind when a client goes away in the middle of a body, so
// connections are accepted, and ended, here.
type Network struct {
	t        testing.TB
	server   *httptest.Server
	listener net.Listener
	api      *toxiproxy.ApiServer
	proxy    *toxiproxy.Proxy
	done     chan struct{} // closed when nobody accepts any more

	mu     sync.Mutex
	links  sync.WaitGroup
	conns  map[net.Conn]struct{}
	closed bool // nothing gets through
	resets bool // connections end with a reset
}

// NewNetwork puts a network in front of a server that answers with handler. Both end with the test, after everything
// that runs in them.
func NewNetwork(t testing.TB, handler http.Handler) *Network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{t: t, listener: listener, server: httptest.NewServer(handler), done: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	n.api = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n.proxy = toxiproxy.NewProxy(n.api, "origin", listener.Addr().String(), n.server.Listener.Addr().String())
	go n.accept()
	t.Cleanup(n.close)
	return n
}

// URL is where the client finds the server, without a path.
func (n *Network) URL() string { return "http://" + n.listener.Addr().String() }

// Latency delays what the server sends by d, give or take jitter.
func (n *Network) Latency(d, jitter time.Duration) {
	n.add("latency", map[string]any{"latency": d.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// Bandwidth lets each connection carry so many thousand bytes a second.
func (n *Network) Bandwidth(kilobytes int) { n.add("bandwidth", map[string]any{"rate": kilobytes}) }

// SlowClose keeps connections open for d after the server closed them.
func (n *Network) SlowClose(d time.Duration) {
	n.add("slow_close", map[string]any{"delay": d.Milliseconds()})
}

// BlackHole swallows what the server sends. Connections are closed after d of that, or never where d is 0.
func (n *Network) BlackHole(d time.Duration) {
	n.add("timeout", map[string]any{"timeout": d.Milliseconds()})
}

// ResetPeer resets each connection d after the server's first byte.
func (n *Network) ResetPeer(d time.Duration) {
	n.mu.Lock()
	n.resets = true
	for c := range n.conns {
		linger(c)
	}
	n.mu.Unlock()
	n.add("reset_peer", map[string]any{"timeout": d.Milliseconds()})
}

// Slice cuts what the server sends into pieces of about so many bytes, with a pause after each.
func (n *Network) Slice(size int, pause time.Duration) {
	n.add("slicer", map[string]any{"average_size": size, "size_variation": size / 2, "delay": pause.Microseconds()})
}

// LimitData closes each connection after the server sent so many bytes on it.
func (n *Network) LimitData(size int) { n.add("limit_data", map[string]any{"bytes": size}) }

// Cut closes all connections and lets no new ones through, until Heal.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.hangUp()
}

// Heal ends all faults. It closes all connections; the client connects anew.
func (n *Network) Heal() {
	n.end()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed, n.resets = false, false
}

// end closes all connections and waits until nothing runs in them. Without toxics they need not wait for slow ones.
func (n *Network) end() {
	n.Cut()
	n.proxy.Toxics.ResetToxics(context.Background())
	n.links.Wait()
}

// hangUp closes all connections.
func (n *Network) hangUp() {
	for c := range n.conns {
		_ = c.Close()
	}
}

// add starts a fault downstream, for connections to come and for those there are.
func (n *Network) add(kind string, attributes map[string]any) {
	n.t.Helper()
	b, err := json.Marshal(map[string]any{"type": toxicPrefix + kind, "attributes": attributes})
	if err != nil {
		n.t.Fatal(err)
	}
	register()
	if _, err := n.proxy.Toxics.AddToxicJson(bytes.NewReader(b)); err != nil {
		n.t.Fatalf("start network fault %s: %v", kind, err)
	}
}

func (n *Network) accept() {
	defer close(n.done)
	for {
		client, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.connect(client)
	}
}

// connect links a client to the server in both directions.
func (n *Network) connect(client net.Conn) {
	server, err := net.Dial("tcp", n.proxy.Upstream)
	if err != nil {
		_ = client.Close()
		return
	}
	if !n.admit(client, server) {
		_ = client.Close()
		_ = server.Close()
		return
	}
	name := client.RemoteAddr().String()
	n.link(name+" up", client, server, direction.Upstream)
	n.link(name+" down", server, client, direction.Downstream)
}

// admit notes a connection unless nothing gets through.
func (n *Network) admit(client, server net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	if n.resets {
		linger(client)
		linger(server)
	}
	n.conns[client], n.conns[server] = struct{}{}, struct{}{}
	n.links.Add(4) // two links of two ends
	return true
}

// linger makes the end of a connection a reset.
func linger(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func (n *Network) link(name string, from, to net.Conn, way direction.Direction) {
	n.proxy.Toxics.StartLink(n.api, name, &source{Conn: from, ended: n.links.Done}, &sink{Conn: to, from: from, closed: func() {
		_ = to.Close()
		_ = from.Close()
		n.drop(from, to)
		n.links.Done()
	}}, way)
}

func (n *Network) drop(conns ...net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range conns {
		delete(n.conns, c)
	}
}

func (n *Network) close() {
	_ = n.listener.Close()
	<-n.done
	n.end()
	n.server.CloseClientConnections()
	n.server.Close()
}
