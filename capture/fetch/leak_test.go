package fetch_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/fetch"
)

// site is one server under many names that notes what of the configuration and of cookies each request brought.
type site struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newSite(t *testing.T) *site {
	s := &site{}
	s.Server = serve(t, s.answer)
	return s
}

// answer sets the cookie and redirects to the place that the query says.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	host, _, _ := strings.Cut(r.Host, ":")
	s.mu.Lock()
	s.seen = append(s.seen, strings.TrimSpace(fmt.Sprintf("%s%s %s", host, r.URL.Path, strings.Join(compact(
		"key", r.Header.Get("X-Key"), "user", user, "password", password, "cookie", r.Header.Get("Cookie"), "referer", r.Header.Get("Referer")), " "))))
	s.mu.Unlock()
	q := r.URL.Query()
	if c := q.Get("cookie"); c != "" {
		w.Header().Set("Set-Cookie", c)
	}
	if to := q.Get("to"); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func compact(pairs ...string) (all []string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+"="+pairs[i+1])
		}
	}
	return all
}

// link is a URL on a host of the site that sets a cookie and leads on.
func (s *site) link(host, path, cookie, to string) string {
	q := url.Values{}
	if cookie != "" {
		q.Set("cookie", cookie)
	}
	if to != "" {
		q.Set("to", to)
	}
	if len(q) == 0 {
		return at(s.Server, host, path)
	}
	return at(s.Server, host, path) + "?" + q.Encode()
}

// What goes where, over redirects and from request to request.
func TestLeaks(t *testing.T) {
	s := newSite(t)
	dns := resolver(t, map[string][]string{
		"origin.example": {"127.0.0.1"}, "cdn.example": {"127.0.0.1"}, "www.origin.example": {"127.0.0.1"},
		"a.site.example": {"127.0.0.1"}, "b.site.example": {"127.0.0.1"}, "a.co.uk": {"127.0.0.1"}, "b.co.uk": {"127.0.0.1"},
	})
	const own = " key=k user=u password=p"
	for name, tc := range map[string]struct {
		urls []string
		want []string
	}{
		"to an own host":                 {[]string{s.link("origin.example", "/a", "", "")}, []string{"origin.example/a" + own}},
		"to an own host by another form": {[]string{s.link("ORIGIN.example.", "/a", "", "")}, []string{"origin.example/a" + own}},
		"not to an allowed host":         {[]string{s.link("cdn.example", "/a", "", "")}, []string{"cdn.example/a"}},
		"not over a redirect": {
			[]string{s.link("origin.example", "/a", "", s.link("cdn.example", "/b", "", ""))},
			[]string{"origin.example/a" + own, "cdn.example/b"},
		},
		"not over a redirect to a name below": {
			[]string{s.link("origin.example", "/a", "", s.link("www.origin.example", "/b", "", ""))},
			[]string{"origin.example/a" + own, "www.origin.example/b"},
		},
		"there and back": {
			[]string{s.link("origin.example", "/a", "", s.link("cdn.example", "/b", "", s.link("origin.example", "/c", "", "")))},
			[]string{"origin.example/a" + own, "cdn.example/b", "origin.example/c" + own},
		},
		"a URL's user for its own host": {
			[]string{strings.Replace(s.link("cdn.example", "/a", "", "/b"), "://", "://x:y@", 1)},
			[]string{"cdn.example/a user=x password=y", "cdn.example/b user=x password=y"},
		},
		"a URL's user before the configuration's": {
			[]string{strings.Replace(s.link("origin.example", "/a", "", ""), "://", "://x:y@", 1)},
			[]string{"origin.example/a key=k user=x password=y"},
		},
		"a URL's user not for another host": {
			[]string{strings.Replace(s.link("cdn.example", "/a", "", s.link("a.site.example", "/b", "", s.link("cdn.example", "/c", "", ""))), "://", "://x:y@", 1)},
			[]string{"cdn.example/a user=x password=y", "a.site.example/b", "cdn.example/c user=x password=y"},
		},
		"a redirect's user is dropped": {
			[]string{s.link("cdn.example", "/a", "", strings.Replace(s.link("a.site.example", "/b", "", ""), "://", "://x:y@", 1))},
			[]string{"cdn.example/a", "a.site.example/b"},
		},
		"a cookie to the segments": {
			[]string{s.link("cdn.example", "/v/list", "c=1; Path=/", ""), s.link("cdn.example", "/w/seg", "", "")},
			[]string{"cdn.example/v/list", "cdn.example/w/seg cookie=c=1"},
		},
		"a cookie over its own redirect": {
			[]string{s.link("cdn.example", "/a", "c=1; Path=/", "/b")},
			[]string{"cdn.example/a", "cdn.example/b cookie=c=1"},
		},
		"a cookie for its path": {
			[]string{s.link("cdn.example", "/v/list", "c=1; Path=/v", ""), s.link("cdn.example", "/w/seg", "", ""), s.link("cdn.example", "/v/seg", "", "")},
			[]string{"cdn.example/v/list", "cdn.example/w/seg", "cdn.example/v/seg cookie=c=1"},
		},
		"a cookie not for another host": {
			[]string{s.link("cdn.example", "/a", "c=1; Path=/", s.link("origin.example", "/b", "", "")), s.link("a.site.example", "/c", "", "")},
			[]string{"cdn.example/a", "origin.example/b" + own, "a.site.example/c"},
		},
		"a cookie for the site": {
			[]string{s.link("a.site.example", "/a", "c=1; Path=/; Domain=site.example", ""), s.link("b.site.example", "/b", "", ""), s.link("cdn.example", "/c", "", "")},
			[]string{"a.site.example/a", "b.site.example/b cookie=c=1", "cdn.example/c"},
		},
		"a cookie for a foreign site": {
			[]string{s.link("cdn.example", "/a", "c=1; Path=/; Domain=origin.example", ""), s.link("origin.example", "/b", "", "")},
			[]string{"cdn.example/a", "origin.example/b" + own},
		},
		"a cookie for a public suffix": {
			[]string{s.link("a.co.uk", "/a", "c=1; Path=/; Domain=co.uk", ""), s.link("b.co.uk", "/b", "", "")},
			[]string{"a.co.uk/a", "b.co.uk/b"},
		},
		"a cookie for https": {
			[]string{s.link("cdn.example", "/a", "c=1; Path=/; Secure", ""), s.link("cdn.example", "/b", "", "")},
			[]string{"cdn.example/a", "cdn.example/b"},
		},
		"a cookie too large": {
			[]string{s.link("cdn.example", "/a", "c="+strings.Repeat("1", 5000)+"; Path=/", ""), s.link("cdn.example", "/b", "", "")},
			[]string{"cdn.example/a", "cdn.example/b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, fetch.Options{
				Hosts: []string{"origin.example"}, Allow: []string{"cdn.example", "www.origin.example", "a.site.example", "b.site.example", "a.co.uk", "b.co.uk"},
				Header: http.Header{"X-Key": {"k"}}, Username: "u", Password: "p", Resolver: dns,
			})
			s.seen = nil
			for _, u := range tc.urls {
				r, err := h.Get(t.Context(), fetch.Request{URL: address(t, u), Limit: limit})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := r.URL.User.String(), address(t, u).User.String(); r.URL.Hostname() == address(t, u).Hostname() && got != want {
					t.Errorf("the answer's URL has user %q, want %q", got, want)
				}
			}
			if diff := cmp.Diff(tc.want, s.seen); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An origin that sets ever more cookies does not fill the memory, nor the header of later requests.
func TestCookiesAreBounded(t *testing.T) {
	n, most := 0, 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		most = max(most, len(r.Cookies()))
		for range 20 {
			n++
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", n), Value: "v", Path: "/"})
		}
	})
	h := local(t)
	for range 30 {
		if _, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL), Limit: limit}); err != nil {
			t.Fatal(err)
		}
	}
	if most == 0 || most > 128 {
		t.Errorf("%d cookies went to the origin", most)
	}
}

// Headers that are not a configuration's to set are left out; those that no server would take are refused.
func TestHeader(t *testing.T) {
	var got http.Header
	var host string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	h := open(t, fetch.Options{Hosts: []string{"127.0.0.1"}, UserAgent: "spotter/1", Header: http.Header{
		"authorization": {"Bearer b"}, "X-Two": {"1", "2"}, "Cookie": {"own=1"},
		"Host": {"evil.example"}, "Range": {"bytes=0-1"}, "accept-encoding": {"br"}, "Connection": {"close"}, "Te": {"trailers"},
		"Transfer-Encoding": {"chunked"}, "If-None-Match": {"*"}, "Proxy-Authorization": {"x"}, "Content-Length": {"5"}, "Upgrade": {"h2c"},
	}})
	if _, err := h.Get(t.Context(), fetch.Request{URL: address(t, s.URL), Limit: limit}); err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Authorization": {"Bearer b"}, "X-Two": {"1", "2"}, "Cookie": {"own=1"}, "Accept-Encoding": {"identity"}, "User-Agent": {"spotter/1"}}
	if diff := cmp.Diff(want, got); diff != "" || host != address(t, s.URL).Host {
		t.Error(host, diff)
	}
	for name, o := range map[string]fetch.Options{
		"a name":       {Header: http.Header{"X Key": {secret}}},
		"a value":      {Header: http.Header{"X-Key": {secret + "\r\nX: y"}}},
		"a user agent": {UserAgent: secret + "\n"},
	} {
		o.Hosts = []string{"127.0.0.1"}
		_, err := open(t, o).Get(t.Context(), fetch.Request{URL: address(t, s.URL), Limit: limit})
		if err == nil || !strings.Contains(err.Error(), "character") && !strings.Contains(err.Error(), "name of an HTTP header") {
			t.Errorf("%s: %v", name, err)
		}
		quiet(t, err)
	}
}

// A proxy of the environment is asked for allowed hosts alone. It looks names up itself.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Proxy-Authorization"), "Basic "))
		asked = append(asked, r.Method+" "+r.RequestURI+" "+string(user))
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	t.Setenv("HTTP_PROXY", strings.Replace(proxy.URL, "://", "://me:"+secret+"@", 1))
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "")
	h := open(t, fetch.Options{Hosts: []string{"origin.example"}, Allow: []string{"*.edge.example"}})
	for target, refused := range map[string]string{
		"http://origin.example/a":        "",
		"http://a.edge.example/b":        "",
		"https://origin.example/c":       "the proxy answered 403 Forbidden",
		"http://evil.example/":           outside,
		"http://169.254.169.254/":        outside,
		"http://2852039166/":             disguised,
		proxy.URL + "/":                  outside,
		"http://[::ffff:10.0.0.1]:3128/": outside,
	} {
		_, err := h.Get(t.Context(), fetch.Request{URL: address(t, target), Limit: limit})
		if (err == nil) != (refused == "") || err != nil && !strings.Contains(err.Error(), refused) {
			t.Errorf("%s: %v", target, err)
		}
		quiet(t, err)
	}
	for _, a := range asked {
		if a != "GET http://origin.example/a me:"+secret && a != "GET http://a.edge.example/b me:"+secret && a != "CONNECT origin.example:443 " {
			t.Errorf("the proxy was asked: %s", a)
		}
	}
	if len(asked) != 3 {
		t.Errorf("the proxy was asked %d times", len(asked))
	}
}
