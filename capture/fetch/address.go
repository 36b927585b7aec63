package fetch

import "net/netip"

// class is what an address is for, by the IANA special-purpose registries. A later one is judged more strictly.
type class int

const (
	classPublic class = iota
	classLoopback
	classPrivate // RFC 1918, RFC 4193, and what else a site numbers by itself
	classShared  // RFC 6598
	classReserved
	classUnspecified
	classMulticast
	classLinkLocal
	classMetadata // where clouds hand out credentials
)

func (c class) String() string {
	return [...]string{"public", "loopback", "private", "shared", "reserved", "unspecified", "multicast", "link-local", "metadata"}[c]
}

// near reports whether hosts on the own machine or site have such addresses.
func (c class) near() bool { return c >= classLoopback && c <= classShared }

// metadataAddresses are those of AWS, ECS, Azure, Google, Oracle and Alibaba; more are link-local anyway.
var metadataAddresses = [...]netip.Addr{
	netip.AddrFrom4([4]byte{169, 254, 169, 254}),
	netip.AddrFrom4([4]byte{169, 254, 170, 2}),
	netip.AddrFrom4([4]byte{169, 254, 170, 23}),
	netip.AddrFrom4([4]byte{100, 100, 100, 200}),
	netip.AddrFrom4([4]byte{192, 0, 0, 192}),
	netip.AddrFrom4([4]byte{168, 63, 129, 16}),
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd00:ec2::23"),
	netip.MustParseAddr("fd20:ce::254"),
}

type block struct {
	prefix netip.Prefix
	class  class
}

var blocks4 = [...]block{
	{netip.MustParsePrefix("0.0.0.0/8"), classUnspecified},
	{netip.MustParsePrefix("10.0.0.0/8"), classPrivate},
	{netip.MustParsePrefix("100.64.0.0/10"), classShared},
	{netip.MustParsePrefix("127.0.0.0/8"), classLoopback},
	{netip.MustParsePrefix("169.254.0.0/16"), classLinkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), classPrivate},
	{netip.MustParsePrefix("192.0.0.0/24"), classReserved},
	{netip.MustParsePrefix("192.0.2.0/24"), classReserved},
	{netip.MustParsePrefix("192.88.99.0/24"), classReserved},
	{netip.MustParsePrefix("192.168.0.0/16"), classPrivate},
	{netip.MustParsePrefix("198.18.0.0/15"), classPrivate}, // RFC 2544, for test networks
	{netip.MustParsePrefix("198.51.100.0/24"), classReserved},
	{netip.MustParsePrefix("203.0.113.0/24"), classReserved},
	{netip.MustParsePrefix("224.0.0.0/4"), classMulticast},
	{netip.MustParsePrefix("240.0.0.0/4"), classReserved},
}

var blocks6 = [...]block{
	{netip.MustParsePrefix("::/128"), classUnspecified},
	{netip.MustParsePrefix("::1/128"), classLoopback},
	{netip.MustParsePrefix("2001::/23"), classReserved},
	{netip.MustParsePrefix("2001:db8::/32"), classReserved},
	{netip.MustParsePrefix("3fff::/20"), classReserved},
	{netip.MustParsePrefix("2000::/3"), classPublic},
	{netip.MustParsePrefix("fc00::/7"), classPrivate},
	{netip.MustParsePrefix("fe80::/10"), classLinkLocal},
	{netip.MustParsePrefix("fec0::/10"), classPrivate}, // RFC 3879
	{netip.MustParsePrefix("ff00::/8"), classMulticast},
	{netip.MustParsePrefix("::/0"), classReserved},
}

// classify returns the class of an address, or that of the IPv4 address which it carries.
func classify(a netip.Addr) class {
	a = a.WithZone("").Unmap()
	for _, m := range metadataAddresses {
		if a == m {
			return classMetadata
		}
	}
	if a.Is4() {
		return find(blocks4[:], a, classPublic)
	}
	if !a.IsValid() {
		return classReserved
	}
	if carried := carries(a.As16()); len(carried) > 0 {
		worst := classPublic
		for _, b := range carried {
			worst = max(worst, classify(netip.AddrFrom4(b)))
		}
		return worst
	}
	c := find(blocks6[:], a, classReserved)
	if b := a.As16(); b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe { // ISATAP, RFC 5214
		c = max(c, classify(netip.AddrFrom4([4]byte(b[12:]))))
	}
	return c
}

// find takes the first block that holds an address.
func find(blocks []block, a netip.Addr, otherwise class) class {
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b.class
		}
	}
	return otherwise
}

var (
	prefixTeredo    = netip.MustParsePrefix("2001::/32")       // RFC 4380
	prefix6to4      = netip.MustParsePrefix("2002::/16")       // RFC 3056
	prefixNAT64     = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	prefixNAT64Site = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	prefixSIIT      = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765
	prefixCompat    = netip.MustParsePrefix("::/96")           // RFC 4291, 2.5.5.1
)

// carries returns the IPv4 addresses that packets to b may be sent on to; none for an address that is its own.
func carries(b [16]byte) [][4]byte {
	a := netip.AddrFrom16(b)
	low := [4]byte(b[12:])
	switch {
	case prefixCompat.Contains(a):
		if a.IsUnspecified() || a.IsLoopback() {
			return nil
		}
		return [][4]byte{low}
	case prefixNAT64.Contains(a), prefixSIIT.Contains(a):
		return [][4]byte{low}
	case prefixNAT64Site.Contains(a):
		// A site chooses the length of its prefix (RFC 6052, 2.2); the octet b[8] carries nothing. With nothing but
		// zeros in between it is the longest one: the others would read an address of network 0.
		if [6]byte(b[6:12]) == [6]byte{} {
			return [][4]byte{low}
		}
		return [][4]byte{low, {b[6], b[7], b[9], b[10]}, {b[7], b[9], b[10], b[11]}, {b[9], b[10], b[11], b[12]}}
	case prefix6to4.Contains(a):
		return [][4]byte{[4]byte(b[2:6])}
	case prefixTeredo.Contains(a):
		return [][4]byte{[4]byte(b[4:8]), {^b[12], ^b[13], ^b[14], ^b[15]}}
	}
	return nil
}
