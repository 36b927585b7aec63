package fetch_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spotter/capture/fetch"
)

// The configuration of these tests: own hosts, allowed ones and a wildcard. The server listens at 127.0.0.1, which is not
// among them.
var (
	ownHosts  = []string{"origin.example", "127.0.0.9"}
	allowed   = []string{"CDN.example.", "bücher.example", "*.edge.example", "::2", "10.0.0.7"}
	outside   = "not in the media's allow_hosts"
	disguised = "in disguise"
	malformed = "neither a name nor an address"
	forms     = map[string]struct{ host, refused string }{
		"own host":                         {"origin.example", ""},
		"own host in capitals":             {"ORIGIN.Example", ""},
		"own host with the last dot":       {"origin.example.", ""},
		"allowed host":                     {"cdn.example", ""},
		"international name":               {"bücher.example", ""},
		"international name in capitals":   {"BÜCHER.example", ""},
		"international name in punycode":   {"xn--bcher-kva.example", ""},
		"international name, escaped":      {"b%C3%BCcher.example", ""},
		"wide letters":                     {"ｃｄｎ．example", ""},
		"wide dots":                        {"cdn。example", ""},
		"below a wildcard":                 {"a.edge.example", "only a wildcard"},
		"far below a wildcard":             {"a.b.c.edge.example", "only a wildcard"},
		"the wildcard's own name":          {"edge.example", outside},
		"a name that ends like a wildcard": {"notedge.example", outside},
		"a wildcard as a host":             {"*.edge.example", malformed},
		"another host":                     {"evil.example", outside},
		"a name below an own host":         {"a.origin.example", outside},
		"an own host as a prefix":          {"origin.example.evil.example", outside},
		"a look-alike letter":              {"оrigin.example", outside},
		"two dots at the end":              {"origin.example..", malformed},
		"an empty label":                   {"origin..example", malformed},
		"only a dot":                       {".", malformed},
		"a space":                          {"origin.example%C2%A0", "international"},
		"a broken punycode label":          {"xn--a.example", "international"},
		"a label of 64":                    {strings.Repeat("a", 64) + ".edge.example", malformed},
		"a name of 254":                    {strings.Repeat("a.", 121) + "edge.example", "too long"},
		"a very long name":                 {strings.Repeat("ü.", 20_000) + "edge.example", "too long"},
		"a hyphen in front":                {"-a.edge.example", malformed},
		"an underscore":                    {"a_b.edge.example", "only a wildcard"},
		"localhost":                        {"localhost", outside},
		"localhost with a dot":             {"localhost.", outside},
		"below localhost":                  {"a.localhost", outside},
		"loopback":                         {"127.0.0.1", outside},
		"another loopback":                 {"127.8.9.10", outside},
		"loopback in IPv6":                 {"[::1]", outside},
		"loopback in IPv6, long":           {"[0:0:0:0:0:0:0:1]", outside},
		"loopback, mapped":                 {"[::ffff:127.0.0.1]", outside},
		"loopback, mapped in hexadecimal":  {"[::ffff:7f00:1]", outside},
		"loopback, compatible":             {"[::127.0.0.1]", outside},
		"loopback, translated":             {"[::ffff:0:127.0.0.1]", outside},
		"loopback through NAT64":           {"[64:ff9b::7f00:1]", outside},
		"loopback through 6to4":            {"[2002:7f00:1::]", outside},
		"loopback, decimal":                {"2130706433", disguised},
		"loopback, hexadecimal":            {"0x7f000001", disguised},
		"loopback, hexadecimal capitals":   {"0X7F.0.0.1", disguised},
		"loopback, octal":                  {"0177.0.0.1", disguised},
		"loopback, octal in one":           {"017700000001", disguised},
		"loopback, short":                  {"127.1", disguised},
		"loopback, three parts":            {"127.0.1", disguised},
		"loopback, zeros in front":         {"127.0.0.01", disguised},
		"loopback, five parts":             {"127.0.0.0.1", disguised},
		"loopback, mixed":                  {"0x7f.0.0x0.01", disguised},
		"loopback, a bare 0x":              {"127.0.0.0x", disguised},
		"loopback, wide digits":            {"１２７.０.０.１", outside},
		"loopback, wide dots":              {"127。0。0。1", outside},
		"loopback, ringed digits":          {"①②⑦.⓪.⓪.①", outside},
		"loopback, last dot":               {"127.0.0.1.", outside},
		"unspecified":                      {"0.0.0.0", outside},
		"unspecified, short":               {"0", disguised},
		"unspecified in IPv6":              {"[::]", outside},
		"own address":                      {"127.0.0.9", ""},
		"own address, mapped":              {"[::ffff:127.0.0.9]", ""},
		"own address, wide digits":         {"１２７.0.0.9", ""},
		"metadata":                         {"169.254.169.254", outside},
		"metadata, decimal":                {"2852039166", disguised},
		"metadata, hexadecimal":            {"0xa9fea9fe", disguised},
		"metadata, dotted hexadecimal":     {"0xa9.0xfe.0xa9.0xfe", disguised},
		"metadata, octal":                  {"0251.0376.0251.0376", disguised},
		"metadata, short":                  {"169.254.43518", disguised},
		"metadata, overflowing":            {"425.510.425.510", disguised},
		"metadata, mapped":                 {"[::ffff:169.254.169.254]", outside},
		"metadata, mapped in hexadecimal":  {"[::ffff:a9fe:a9fe]", outside},
		"metadata through NAT64":           {"[64:ff9b::a9fe:a9fe]", outside},
		"metadata through a site's NAT64":  {"[64:ff9b:1::a9fe:a9fe]", outside},
		"metadata through 6to4":            {"[2002:a9fe:a9fe::1]", outside},
		"metadata of containers":           {"169.254.170.2", outside},
		"metadata in IPv6":                 {"[fd00:ec2::254]", outside},
		"metadata of Google in IPv6":       {"[fd20:ce::254]", outside},
		"metadata of Google by name":       {"metadata.google.internal", outside},
		"metadata of Alibaba":              {"100.100.100.200", outside},
		"metadata of Oracle":               {"192.0.0.192", outside},
		"metadata of Azure":                {"168.63.129.16", outside},
		"link-local":                       {"169.254.1.1", outside},
		"link-local in IPv6":               {"[fe80::1]", outside},
		"link-local with a zone":           {"[fe80::1%25eth0]", "a zone"},
		"loopback with a zone":             {"[::1%25lo]", "a zone"},
		"an own address with a zone":       {"[::2%25lo]", "a zone"},
		"private 10":                       {"10.0.0.1", outside},
		"private 172":                      {"172.16.0.1", outside},
		"private 192":                      {"192.168.0.1", outside},
		"unique local":                     {"[fc00::1]", outside},
		"shared":                           {"100.64.0.1", outside},
		"multicast":                        {"224.0.0.1", outside},
		"broadcast":                        {"255.255.255.255", outside},
		"a public address":                 {"8.8.8.8", outside},
		"a public address in IPv6":         {"[2606:4700::1111]", outside},
	}
)

// Each form of a host is asked of the real client, on the real network of the loopback, as a segment's URI would be.
func TestHosts(t *testing.T) {
	var hits atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); fmt.Fprint(w, "in") })
	h := open(t, fetch.Options{Hosts: ownHosts, Allow: allowed, Resolver: resolver(t, everywhere)})
	for name, tc := range forms {
		t.Run(name, func(t *testing.T) {
			before := hits.Load()
			target := at(s, tc.host, "/a.ts?token="+secret)
			if strings.Contains(name, "own address") && tc.refused == "" {
				// The server is not there, but it is asked.
				_, err := fetch.Check(ownHosts, allowed, address(t, target))
				if err != nil {
					t.Error(err)
				}
				return
			}
			r, err := h.Get(t.Context(), fetch.Request{URL: address(t, target), Limit: limit})
			judge(t, string(r.Body), err, tc.refused)
			if got := hits.Load() - before; got != 0 && tc.refused != "" {
				t.Errorf("the refused host was asked %d times", got)
			}
		})
	}
}

// The same forms as the target of an own host's redirect.
func TestRedirectedHosts(t *testing.T) {
	var hits atomic.Int64
	inner := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); fmt.Fprint(w, "in") })
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", at(inner, r.URL.Query().Get("to"), "/b?token="+secret))
		w.WriteHeader(http.StatusFound)
	})
	h := open(t, fetch.Options{Hosts: ownHosts, Allow: allowed, Resolver: resolver(t, everywhere)})
	for name, tc := range forms {
		if strings.Contains(name, "own address") && tc.refused == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			before := hits.Load()
			u := address(t, at(outer, "origin.example", "/"))
			q := u.Query()
			q.Set("to", tc.host)
			u.RawQuery = q.Encode()
			r, err := h.Get(t.Context(), fetch.Request{URL: u, Limit: limit})
			judge(t, string(r.Body), err, tc.refused)
			if got := hits.Load() - before; got != 0 && tc.refused != "" {
				t.Errorf("the refused host was asked %d times", got)
			}
		})
	}
}

func judge(t *testing.T, body string, err error, refused string) {
	t.Helper()
	quiet(t, err)
	switch {
	case refused == "" && (err != nil || body != "in"):
		t.Errorf("%q, %v", body, err)
	case refused != "" && !errors.Is(err, fetch.ErrAddress):
		t.Errorf("%v, want a refused address", err)
	case refused != "" && !strings.Contains(err.Error(), refused):
		t.Errorf("%v, want %q in it", err, refused)
	}
}

// everywhere is a DNS in which every name leads to the loopback.
var everywhere = func() map[string][]string {
	all := map[string][]string{}
	for _, name := range []string{"origin.example", "cdn.example", "xn--bcher-kva.example", "a.edge.example", "a.b.c.edge.example", "a_b.edge.example", "evil.example", "edge.example"} {
		all[name] = []string{"127.0.0.1"}
	}
	return all
}()

// What a name may lead to, by how the configuration names it: public, near, or only by the address itself.
func TestClasses(t *testing.T) {
	for a, class := range map[string]string{
		"8.8.8.8": "public", "2606:4700::1111": "public", "100.63.255.255": "public", "172.32.0.1": "public", "192.0.1.1": "public",
		"64:ff9b::808:808": "public", "64:ff9b:1::808:808": "public", "2002:808:808::1": "public", "::8.8.8.8": "public", "::ffff:8.8.8.8": "public",
		"2001:0:808:808:0:0:f7f7:f7f7": "public",
		"127.0.0.1":                    "loopback", "127.255.255.255": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback", "::127.0.0.1": "loopback",
		"::ffff:0:127.0.0.1": "loopback", "64:ff9b::7f00:1": "loopback", "2002:7f00:1::": "loopback",
		"2001:0:808:808:0:0:80ff:fffe": "loopback", "2001:0:7f00:1:0:0:f7f7:f7f7": "loopback", "2606:4700::5efe:7f00:1": "loopback",
		"2606:4700::200:5efe:127.0.0.1": "loopback",
		"10.0.0.1":                      "private", "172.31.255.255": "private", "192.168.255.1": "private", "198.18.0.1": "private", "fc00::1": "private", "fdff::1": "private", "fec0::1": "private",
		"::ffff:10.0.0.1": "private", "64:ff9b::a00:1": "private",
		"100.64.0.1": "shared", "100.127.255.255": "shared",
		"192.0.2.1": "reserved", "198.51.100.1": "reserved", "203.0.113.1": "reserved", "240.0.0.1": "reserved", "255.255.255.255": "reserved", "192.0.0.1": "reserved",
		"2001:db8::1": "reserved", "3fff::1": "reserved", "100::1": "reserved", "5f00::1": "reserved", "4000::1": "reserved", "2001:10::1": "reserved",
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified", "::ffff:0.0.0.0": "unspecified", "64:ff9b::": "unspecified",
		"64:ff9b:1:7f00:0:100::": "unspecified", // loopback with a short prefix; read with a long one it is 0.0.0.0
		"224.0.0.1":              "multicast", "239.255.255.255": "multicast", "ff02::1": "multicast",
		"169.254.1.1": "link-local", "fe80::1": "link-local", "febf::1": "link-local", "fe80::1%eth0": "link-local", "::ffff:169.254.1.1": "link-local",
		"169.254.169.254": "metadata", "169.254.170.2": "metadata", "100.100.100.200": "metadata", "192.0.0.192": "metadata", "168.63.129.16": "metadata",
		"fd00:ec2::254": "metadata", "fd20:ce::254": "metadata", "fd00:ec2::254%eth0": "metadata", "::ffff:169.254.169.254": "metadata",
		"::169.254.169.254": "metadata", "64:ff9b::a9fe:a9fe": "metadata", "64:ff9b:1::a9fe:a9fe": "metadata", "64:ff9b:1:a9fe:a9:fe00::": "metadata",
		"2002:a9fe:a9fe::1": "metadata", "2001:0:a9fe:a9fe::1": "metadata", "fe80::5efe:a9fe:a9fe": "metadata",
	} {
		t.Run(a, func(t *testing.T) {
			addr := netip.MustParseAddr(a)
			if got := fetch.Classify(addr); got != class {
				t.Fatalf("%s, want %s", got, class)
			}
			near := class == "loopback" || class == "private" || class == "shared"
			for how, tc := range map[string]struct {
				hosts, allow []string
				want         bool
			}{
				"by name":                            {[]string{"h.example"}, nil, class == "public" || near},
				"allowed by name":                    {nil, []string{"h.example"}, class == "public" || near},
				"by wildcard":                        {nil, []string{"*.example"}, class == "public"},
				"by wildcard, the address named too": {nil, []string{"*.example", a}, class == "public"},
				"by name and address":                {[]string{"h.example"}, []string{addr.WithZone("").String()}, true},
			} {
				err := fetch.Reach(tc.hosts, tc.allow, "h.example", addr)
				if (err == nil) != tc.want || err != nil && !errors.Is(err, fetch.ErrAddress) {
					t.Errorf("%s: %v", how, err)
				}
			}
		})
	}
}

func TestSchemes(t *testing.T) {
	h := local(t)
	for name, target := range map[string]string{
		"file":                   "file:///etc/passwd?token=" + secret,
		"ftp with a password":    "ftp://user:" + secret + "@127.0.0.1/a",
		"gopher":                 "gopher://127.0.0.1/" + secret,
		"data":                   "data:text/plain," + strings.Repeat(secret, 1000),
		"javascript":             "javascript:" + secret,
		"no scheme":              "//127.0.0.1/a?" + secret,
		"a path":                 "/a?" + secret,
		"no host":                "http:///a?token=" + secret,
		"opaque":                 "http:127.0.0.1/" + secret,
		"only a port":            "http://:80/?" + secret,
		"a port out of range":    "http://127.0.0.1:65536/?" + secret,
		"port 0":                 "http://127.0.0.1:0/?" + secret,
		"a long scheme":          strings.Repeat("x", 1000) + "://127.0.0.1/" + secret,
		"another host's user":    "http://127.0.0.1@evil.example/?" + secret,
		"a host in the password": "http://a:127.0.0.1@evil.example/?" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Get(t.Context(), fetch.Request{URL: address(t, target), Limit: limit})
			if !errors.Is(err, fetch.ErrAddress) {
				t.Errorf("%v, want a refused address", err)
			}
			quiet(t, err)
		})
	}
	for _, host := range []string{"[127.0.0.1]", "::1", "[::1", "::1]", "127.0.0.1:80:80", "user@127.0.0.1", "127.0.0.1/", "127.0.0.1 ", "127.0.0.1\x00", "127.0.0.1:x", "[]", "[]:80", "%31"} {
		if _, err := h.Get(t.Context(), fetch.Request{URL: &url.URL{Scheme: "http", Host: host, Path: "/"}, Limit: limit}); !errors.Is(err, fetch.ErrAddress) {
			t.Errorf("host %q: %v", host, err)
		}
	}
	if _, err := h.Get(t.Context(), fetch.Request{}); !errors.Is(err, fetch.ErrAddress) {
		t.Errorf("no URL: %v", err)
	}
}

// A name that is public at one look-up and 127.0.0.1 at the next is judged by what is dialled.
func TestRebinding(t *testing.T) {
	var hits atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); fmt.Fprint(w, "in") })
	const public = "2d00::1" // global unicast, but allocated to nobody: it cannot be reached, which is no refusal
	for name, answers := range map[string][]string{
		"at once":               {"127.0.0.1"},
		"the second time":       {public, "127.0.0.1"},
		"the third time":        {public, public, "127.0.0.1"},
		"in IPv6":               {public, "::1"},
		"mapped":                {public, "::ffff:127.0.0.1"},
		"metadata":              {public, "169.254.169.254"},
		"metadata in IPv6":      {public, "fd00:ec2::254"},
		"unspecified":           {public, "0.0.0.0"},
		"both families":         {public, "::1,127.0.0.1"},
		"private":               {public, "10.0.0.1"},
		"beside a public one":   {public + ",127.0.0.1"},
		"two beside each other": {"10.0.0.1,127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, fetch.Options{Allow: []string{"*.edge.example"}, Resolver: resolver(t, map[string][]string{"a.edge.example": answers})})
			for i := range 4 {
				now, idle := answers[min(i, len(answers)-1)], 5*time.Second
				if strings.Contains(now, public) {
					idle = 100 * time.Millisecond
				}
				_, err := h.Get(t.Context(), fetch.Request{URL: address(t, at(s, "a.edge.example", "/?"+secret)), Limit: limit, Idle: idle})
				quiet(t, err)
				if err == nil || errors.Is(err, fetch.ErrAddress) != (now != public) && now != public+",127.0.0.1" {
					t.Errorf("look-up %d, to %s: %v", i, now, err)
				}
			}
			if hits.Load() != 0 {
				t.Error("the loopback was asked")
			}
		})
	}
	t.Run("the address that may be asked is", func(t *testing.T) {
		h := open(t, fetch.Options{Hosts: []string{"origin.example"}, Resolver: resolver(t, map[string][]string{"origin.example": {"169.254.169.254,0.0.0.0,127.0.0.1"}})})
		r, err := h.Get(t.Context(), fetch.Request{URL: address(t, at(s, "origin.example", "/")), Limit: limit})
		if err != nil || string(r.Body) != "in" {
			t.Errorf("%q, %v", r.Body, err)
		}
	})
}

func TestCheckHost(t *testing.T) {
	for pattern, good := range map[string]bool{
		"cdn.example": true, "*.cdn.example": true, "127.0.0.1": true, "::1": true, "bücher.example": true, "host": true,
		"": false, "*": false, "*.": false, "*.10.0.0.1": false, "a.*.example": false, "cdn.example:80": false, "http://cdn.example": false, "127.1": false, "fe80::1%eth0": false,
	} {
		if err := fetch.CheckHost(pattern); (err == nil) != good || err != nil && !errors.Is(err, fetch.ErrAddress) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}
