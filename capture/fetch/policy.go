package fetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// policy says which addresses may be asked, and with whose credentials. Playlists, redirects and DNS answers are taken
// for hostile, the configuration for trusted:
//
//   - Only http and https are spoken. A redirect from https to http is followed to the configuration's own hosts alone.
//   - A host must be one of the configuration's own hosts, or be allowed by it: by name, by address, or by a wildcard,
//     which stands for all names below it but not for the name itself. Any port will do.
//   - Names are compared in lower case, in punycode and without the dot at the end. An address is compared by value,
//     so ::ffff:192.0.2.1 is 192.0.2.1. Addresses that only some programs read (2130706433, 0x7f.1, 0177.0.0.1) and
//     those with a zone are refused.
//   - A host allowed by a wildcard must lead to a public address. One named in full may also lead to loopback, private
//     and shared addresses. Link-local, metadata, multicast, unspecified and reserved addresses are reached only where
//     the configuration names that very address.
//   - An address that carries an IPv4 address (NAT64, 6to4, Teredo, ISATAP and so on) is as good as the one it carries.
//   - What is judged is the address that is dialled, for each connection, so a name that changes between two look-ups
//     gains nothing. Behind a proxy the proxy looks names up: there names and literal addresses are judged alone.
//   - Headers and credentials of the configuration go to its own hosts alone, those of a URL to that URL's host alone,
//     cookies to the site that set them; there is no Referer but a configured one.
type policy struct {
	own   map[string]bool // hosts of the configuration's own URLs
	exact map[string]bool // own, and those allowed by name or address
	wild  []string        // suffixes with the dot in front
}

func newPolicy(hosts, allow []string) policy {
	p := policy{own: map[string]bool{}, exact: map[string]bool{}}
	for _, h := range hosts {
		if name, err := hostName(h); err == nil {
			p.own[name], p.exact[name] = true, true
		}
	}
	for _, h := range allow {
		below, wild := strings.CutPrefix(h, "*.")
		name, err := hostName(below)
		switch {
		case err != nil: // it can match no host, and asking for it says why
		case !wild:
			p.exact[name] = true
		case !isAddress(name):
			p.wild = append(p.wild, "."+name)
		}
	}
	return p
}

// CheckHost returns ErrAddress for what cannot stand in Options.Allow.
func CheckHost(pattern string) error {
	below, wild := strings.CutPrefix(pattern, "*.")
	name, err := hostName(below)
	if err == nil && wild && isAddress(name) {
		err = fmt.Errorf("%w: %s: there are no names below an address", ErrAddress, quote(pattern))
	}
	return err
}

// check returns u with its host as it is compared and dialled, without fragment, or ErrAddress.
func (p policy) check(u *url.URL) (*url.URL, error) {
	if u == nil {
		return nil, fmt.Errorf("%w: no URL", ErrAddress)
	}
	if scheme := strings.ToLower(u.Scheme); scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("%w: the scheme %s is not http or https", ErrAddress, quote(u.Scheme))
	}
	if u.Opaque != "" || u.Host == "" {
		return nil, fmt.Errorf("%w: a URL without a host", ErrAddress)
	}
	host, port, err := splitHost(u.Host)
	if err != nil {
		return nil, err
	}
	if !p.allowed(host) {
		return nil, fmt.Errorf("%w: host %s is not in the media's allow_hosts", ErrAddress, quote(host))
	}
	judged := *u
	judged.Scheme, judged.Fragment, judged.RawFragment = strings.ToLower(u.Scheme), "", ""
	if judged.Host = host; strings.Contains(host, ":") {
		judged.Host = "[" + host + "]"
	}
	if port != "" {
		judged.Host += ":" + port
	}
	return &judged, nil
}

func (p policy) allowed(host string) bool {
	if p.exact[host] {
		return true
	}
	for _, suffix := range p.wild {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

// reach returns ErrAddress where a connection for host, which check let pass, must not go to a.
func (p policy) reach(host string, a netip.Addr) error {
	a = a.WithZone("").Unmap()
	if p.exact[a.String()] && p.exact[host] {
		return nil
	}
	c := classify(a)
	switch {
	case c == classPublic || c.near() && p.exact[host]:
		return nil
	case c.near():
		return fmt.Errorf("%w: host %s leads to %s, a %s address, but only a wildcard allows it: put its full name in the media's allow_hosts", ErrAddress, quote(host), a, c)
	default:
		return fmt.Errorf("%w: host %s leads to %s, a %s address, which the media's allow_hosts must name itself", ErrAddress, quote(host), a, c)
	}
}

// splitHost reads the host part of a URL into a name as hostName gives it, and a port, which may be empty.
func splitHost(s string) (host, port string, err error) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
			return "", "", fmt.Errorf("%w: the port of host %s is not one from 1 to 65535", ErrAddress, quote(host))
		}
	}
	inner, bracket := strings.CutPrefix(host, "[")
	if !bracket {
		if strings.ContainsAny(host, ":[]") {
			return "", "", fmt.Errorf("%w: host %s is neither a name nor an address", ErrAddress, quote(host))
		}
		name, err := hostName(host)
		return name, port, err
	}
	inner, closed := strings.CutSuffix(inner, "]")
	if !closed || !strings.Contains(inner, ":") {
		return "", "", fmt.Errorf("%w: host %s is not an IPv6 address", ErrAddress, quote(host))
	}
	name, err := hostName(inner)
	return name, port, err
}

// quote makes a hostile text fit for a message.
func quote(s string) string { return fmt.Sprintf("%.80q", s) }
