package fetch

import (
	"crypto/x509"
	"net/netip"
	"net/url"
)

// NewTrusting returns a getter that trusts a test's own authority instead of the system's.
func NewTrusting(o Options, roots *x509.CertPool) *HTTP { return newHTTP(o, roots) }

// Classify names the class of an address.
func Classify(a netip.Addr) string { return classify(a).String() }

// Check judges a URL, and gives it back as it would be dialled.
func Check(hosts, allow []string, u *url.URL) (*url.URL, error) {
	return newPolicy(hosts, allow).check(u)
}

// Reach judges an address to which a host leads.
func Reach(hosts, allow []string, host string, a netip.Addr) error {
	return newPolicy(hosts, allow).reach(host, a)
}
