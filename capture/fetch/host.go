package fetch

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxName is the length of a name in bytes (RFC 1035, 2.3.4), without the dot at the end.
const maxName = 253

// hostName returns the one form in which a host is compared and dialled: an address as netip writes it, with IPv4 in
// IPv6 unwrapped, or a name in lower case and punycode without the dot at the end. Anything else is ErrAddress.
func hostName(s string) (string, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return "", fmt.Errorf("%w: the address %s has a zone", ErrAddress, quote(s))
		}
		return a.Unmap().String(), nil
	}
	if len(s) > 4*maxName { // before IDNA, whose work grows with the square of the length
		return "", fmt.Errorf("%w: host %s is too long", ErrAddress, quote(s))
	}
	name := strings.ToLower(s)
	if !isASCII(name) || strings.Contains(name, "xn--") {
		mapped, err := idna.Lookup.ToASCII(s)
		if again, e := idna.Lookup.ToASCII(mapped); err != nil || e != nil || again != mapped || !utf8.ValidString(s) {
			return "", fmt.Errorf("%w: host %s is not a valid international name", ErrAddress, quote(s))
		}
		if name = strings.ToLower(mapped); isAddress(name) { // wide digits, dots of another script
			return hostName(name)
		}
	}
	name = strings.TrimSuffix(name, ".")
	if isAddress(name) {
		return hostName(name)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return "", fmt.Errorf("%w: host %s is neither a name nor an address", ErrAddress, quote(s))
		}
	}
	// The URL standard reads any name with a number at its end as an IPv4 address, and so do many resolvers.
	if isNumber(labels[len(labels)-1]) {
		return "", fmt.Errorf("%w: host %s is an IPv4 address in disguise: write it as four decimal numbers", ErrAddress, quote(s))
	}
	if len(name) > maxName {
		return "", fmt.Errorf("%w: host %s is too long", ErrAddress, quote(s))
	}
	return name, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// isLabel allows the underscore too, which names in private zones do have.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumber reports what the URL standard's "ends in a number" asks of the last label.
func isNumber(label string) bool {
	if digits, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
