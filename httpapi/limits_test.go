package httpapi_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
)

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guarded(t, httpapi.AccessConfig{RequestsPerSecond: 0.5, Burst: 3})
		for i := range 3 {
			if got := ask(s, "GET", lookUpPath, "192.0.2.1").Response.StatusCode(); got != 200 {
				t.Fatalf("request %d: %d", i, got)
			}
		}
		ctx := ask(s, "GET", lookUpPath, "192.0.2.1")
		if got := ctx.Response.StatusCode(); got != 429 || header(ctx, "Retry-After") != "2" {
			t.Errorf("%d, Retry-After %q", got, header(ctx, "Retry-After"))
		}
		if says, _ := detail(t, ctx); says != "a client may ask 0.5 times a second, and 3 times at once" {
			t.Error(says)
		}
		if got := ask(s, "GET", lookUpPath, "192.0.2.2").Response.StatusCode(); got != 200 {
			t.Errorf("another client: %d", got)
		}
		time.Sleep(2 * time.Second) // as it was told
		if a, b := ask(s, "GET", "/", "192.0.2.1").Response.StatusCode(), ask(s, "GET", "/", "192.0.2.1").Response.StatusCode(); a != 200 || b != 429 {
			t.Error(a, b)
		}
	})
}

// TestWhoIsLimited asks twice, with a limit of one request: the second is answered only for another client.
func TestWhoIsLimited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	one, two := keyFor(t, path, "one"), keyFor(t, path, "two")
	key := func(k string) []string { return []string{"X-API-Key", k} }
	via := func(hops ...string) []string {
		var h []string
		for _, hop := range hops {
			h = append(h, "X-Forwarded-For", hop)
		}
		return h
	}
	type request struct {
		from    string
		headers []string
	}
	for name, tc := range map[string]struct {
		keys          bool
		first, second request
		same          bool
	}{
		"same address":                  {false, request{"192.0.2.1", nil}, request{"192.0.2.1", nil}, true},
		"same as IPv6":                  {false, request{"192.0.2.1", nil}, request{"::ffff:192.0.2.1", nil}, true},
		"same network":                  {false, request{"2001:db8::1", nil}, request{"2001:db8::ffff:1", nil}, true},
		"another network":               {false, request{"2001:db8:0:1::1", nil}, request{"2001:db8:0:2::1", nil}, false},
		"same key":                      {true, request{"192.0.2.1", key(one)}, request{"192.0.2.2", key(one)}, true},
		"another key":                   {true, request{"192.0.2.1", key(one)}, request{"192.0.2.1", key(two)}, false},
		"key is not its address":        {true, request{"192.0.2.1", nil}, request{"192.0.2.1", key(two)}, false},
		"guessed keys":                  {true, request{"192.0.2.1", key("a")}, request{"192.0.2.1", key("b")}, true},
		"forged":                        {false, request{"192.0.2.1", via("198.51.100.1")}, request{"192.0.2.1", via("198.51.100.2")}, true},
		"by a proxy":                    {false, request{"10.0.0.1", via("198.51.100.1")}, request{"10.0.0.1", via("198.51.100.2")}, false},
		"by two proxies":                {false, request{"10.0.0.1", via("198.51.100.1")}, request{"10.0.0.2", via("198.51.100.1, 10.9.9.9")}, true},
		"by two proxies, two lines":     {false, request{"10.0.0.1", via("198.51.100.1")}, request{"10.0.0.2", via("198.51.100.1", "10.9.9.9")}, true},
		"forged before a proxy":         {false, request{"10.0.0.1", via("203.0.113.1, 198.51.100.1")}, request{"10.0.0.1", via("203.0.113.2, 198.51.100.1")}, true},
		"with a port":                   {false, request{"10.0.0.1", via("198.51.100.1:4711")}, request{"10.0.0.1", via("198.51.100.1:4712")}, true},
		"no address":                    {false, request{"10.0.0.1", via("unknown")}, request{"10.0.0.1", via("hidden")}, true},
		"a proxy's own":                 {false, request{"10.0.0.1", nil}, request{"10.0.0.2", nil}, false},
		"IPv6 by a proxy":               {false, request{"fd00::1", via("2001:db8::1")}, request{"fd00::1", via("2001:db8::2")}, true},
		"IPv6 by a proxy, two networks": {false, request{"fd00::1", via("2001:db8:1::1")}, request{"fd00::1", via("2001:db8:2::1")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := httpapi.AccessConfig{
				RequestsPerSecond: 0.001, Burst: 1,
				TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
			}
			if tc.keys {
				c.KeysFile = path
			}
			s := guarded(t, c)
			if got := ask(s, "GET", lookUpPath, tc.first.from, tc.first.headers...).Response.StatusCode(); got == 429 {
				t.Fatal(got)
			}
			got := ask(s, "GET", lookUpPath, tc.second.from, tc.second.headers...).Response.StatusCode() == 429
			if got != tc.same {
				t.Errorf("taken for the same client: %v", got)
			}
		})
	}
}

func TestLimitsForget(t *testing.T) {
	const size = 10
	r := httpapi.NewRecent(size)
	for i := range 1000 {
		r.Add(fmt.Sprint(i), i)
		if v, ok := r.Get("0"); !ok || v != 0 { // asked for all the time
			t.Fatalf("%d: %d, %v", i, v, ok)
		}
		if n := r.Len(); n > 2*size {
			t.Fatalf("%d entries", n)
		}
	}
	if _, ok := r.Get("500"); ok {
		t.Error("500 is still there")
	}
	if v := r.Add("0", 7); v != 0 {
		t.Errorf("what was there was replaced by %d", v)
	}
}
