package fetch_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"spotter/capture/fetch"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const (
	secret = "s3cret"
	limit  = 1 << 20
)

func address(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func open(t testing.TB, o fetch.Options) *fetch.HTTP {
	t.Helper()
	h := fetch.NewHTTP(o)
	t.Cleanup(h.Close)
	return h
}

func serve(t testing.TB, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

// local is for servers of httptest, which are at 127.0.0.1.
func local(t testing.TB) *fetch.HTTP {
	return open(t, fetch.Options{Hosts: []string{"127.0.0.1"}, UserAgent: "spotter/1"})
}

// quiet fails where an error tells a secret or tells too much.
func quiet(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if s := err.Error(); strings.Contains(s, secret) || len(s) > 300 || strings.ContainsAny(s, "\n\r") {
		t.Errorf("the error says too much: %s", s)
	}
}

// at names the server's port on another host.
func at(s *httptest.Server, host, path string) string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return "http://" + host + ":" + port + path
}

// names is a DNS server on the loopback. Of several answers the n-th look-up of a name gets the n-th, and later ones the last.
type names struct {
	mu      sync.Mutex
	answers map[string][]string // addresses, several with commas
	asked   map[string]int
}

func resolver(t testing.TB, answers map[string][]string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{answers: answers, asked: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve(socket)
	}()
	t.Cleanup(func() { socket.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func (n *names) serve(socket net.PacketConn) {
	b := make([]byte, 1500)
	for {
		size, from, err := socket.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		n.answer(&m, m.Questions[0])
		if packed, err := m.Pack(); err == nil {
			socket.WriteTo(packed, from)
		}
	}
}

func (n *names) answer(m *dnsmessage.Message, q dnsmessage.Question) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := strings.TrimSuffix(q.Name.String(), ".")
	all, known := n.answers[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	key := name + q.Type.String()
	now := all[min(n.asked[key], len(all)-1)]
	n.asked[key]++
	for s := range strings.SplitSeq(now, ",") {
		a := netip.MustParseAddr(s)
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
}
