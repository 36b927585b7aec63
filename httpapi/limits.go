package httpapi

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"
)

const (
	// maxClients is half of how many clients' limits are kept at once, some 200 bytes each. One that is forgotten begins
	// anew.
	maxClients = 32 << 10
	// networkBits is the part of an IPv6 address that names a site: the rest is the client's own choice (RFC 6177).
	networkBits = 64
)

// limits bounds how often each client asks.
type limits struct {
	rate    rate.Limit
	burst   int
	trusted []netip.Prefix
	clients *recent[client, *rate.Limiter]
}

// client is who is limited: a key's name or a token's subject, or else a network.
type client struct {
	key, viewer string
	network     netip.Prefix
}

func newLimits(perSecond float64, burst int, trusted []netip.Prefix) *limits {
	if burst < 1 {
		burst = max(1, int(math.Ceil(perSecond)))
	}
	return &limits{rate: rate.Limit(perSecond), burst: burst, trusted: trusted, clients: newRecent[client, *rate.Limiter](maxClients)}
}

// take charges whoever asks for one request, or returns a 429 (RFC 6585, section 4). A nil identity, or one that says
// nobody's name, is charged by its address.
func (l *limits) take(ctx *fasthttp.RequestCtx, id *Identity, now time.Time) *refusal {
	if l == nil {
		return nil
	}
	c := client{}
	if id != nil {
		c.key, c.viewer = id.Key, id.Viewer
	}
	if c == (client{}) {
		c.network = network(l.address(ctx))
	}
	limiter := l.of(c)
	if limiter.AllowN(now, 1) {
		return nil
	}
	missing := 1 - limiter.TokensAt(now)
	r := refuse(fasthttp.StatusTooManyRequests, fmt.Sprintf("a client may ask %v times a second, and %d times at once", float64(l.rate), l.burst))
	r.retryAfter = max(1, int(math.Ceil(missing/float64(l.rate))))
	return r
}

// of returns a client's own limiter.
func (l *limits) of(c client) *rate.Limiter {
	limiter, ok := l.clients.get(c)
	if !ok {
		limiter = l.clients.add(c, rate.NewLimiter(l.rate, l.burst))
	}
	return limiter
}

// network returns what an address is limited by: itself, or for IPv6 its network.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = networkBits
	}
	p, _ := a.Prefix(bits) // the zero address has the zero prefix
	return p
}

// address returns where a request comes from: the peer's address, or where that is a trusted proxy, the last one in
// X-Forwarded-For that is none. What stands before it was written by who is not trusted.
func (l *limits) address(ctx *fasthttp.RequestCtx) netip.Addr {
	peer, _ := netip.AddrFromSlice(ctx.RemoteIP())
	peer = peer.Unmap()
	if !l.trusts(peer) {
		return peer
	}
	lines := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	for i := len(lines) - 1; i >= 0; i-- {
		hops := strings.Split(string(lines[i]), ",")
		for j := len(hops) - 1; j >= 0; j-- {
			hop, ok := parseHop(strings.TrimSpace(hops[j]))
			if !ok {
				return peer
			}
			if peer = hop; !l.trusts(peer) {
				return peer
			}
		}
	}
	return peer
}

// parseHop reads an address, with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return a, false
		}
		a = withPort.Addr()
	}
	return a.WithZone("").Unmap(), true
}

func (l *limits) trusts(a netip.Addr) bool {
	for _, p := range l.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
