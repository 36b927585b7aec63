package fetch_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"spotter/capture/fetch"
)

// FuzzAddress asks for any text as a host: what gets through is an own host, or a plain name below the wildcard.
func FuzzAddress(f *testing.F) {
	for _, tc := range forms {
		f.Add(tc.host, []byte{127, 0, 0, 1})
	}
	for _, a := range []string{"::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fe80::1", "fd00:ec2::254", "2001:0:808:808:0:0:80ff:fffe"} {
		f.Add("a.edge.example", netip.MustParseAddr(a).AsSlice())
	}
	f.Fuzz(func(t *testing.T, host string, packed []byte) {
		for _, u := range []*url.URL{{Scheme: "http", Host: host}, parsed("https://" + host + "/a")} {
			if u != nil {
				checkHost(t, u)
			}
		}
		a, ok := netip.AddrFromSlice(packed)
		if !ok {
			return
		}
		err := fetch.Reach([]string{"own.example"}, []string{"*.edge.example"}, "a.edge.example", a)
		if err != nil && !errors.Is(err, fetch.ErrAddress) {
			t.Fatal(err)
		}
		// The standard library's own judgement, of the address and of any IPv4 address at a place where one is carried.
		inner := []netip.Addr{a.Unmap()}
		if b := a.As16(); a.Is6() && (b[0] == 0 || b[0] == 0x20) {
			six := netip.MustParsePrefix("2002::/16").Contains(a)
			if six {
				inner = append(inner, netip.AddrFrom4([4]byte(b[2:6])))
			}
			if netip.MustParsePrefix("64:ff9b::/96").Contains(a) || netip.MustParsePrefix("::/96").Contains(a) {
				inner = append(inner, netip.AddrFrom4([4]byte(b[12:])))
			}
		}
		for _, a := range inner {
			if err == nil && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()) {
				t.Fatalf("%s is taken for public", a)
			}
		}
	})
}

func parsed(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	return u
}

func checkHost(t *testing.T, u *url.URL) {
	t.Helper()
	got, err := fetch.Check([]string{"own.example", "10.0.0.7"}, []string{"*.edge.example"}, u)
	if err != nil {
		if !errors.Is(err, fetch.ErrAddress) || len(err.Error()) > 600 {
			t.Fatal(err)
		}
		return
	}
	name := got.Hostname()
	if name != "own.example" && name != "10.0.0.7" && !strings.HasSuffix(name, ".edge.example") ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		t.Fatalf("%q got through as %q", u.Host, name)
	}
	again, err := fetch.Check([]string{"own.example", "10.0.0.7"}, []string{"*.edge.example"}, got)
	if err != nil || again.String() != got.String() || parsed(got.String()) == nil {
		t.Fatalf("%q is %q the first time, and then %v, %v", u.Host, got, again, err)
	}
}
