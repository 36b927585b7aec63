package fetch

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"sync"

	"golang.org/x/net/publicsuffix"
)

const (
	maxCookies = 128     // in all, since no jar has a bound of its own
	maxCookie  = 4 << 10 // bytes of each; RFC 6265, 6.1 asks for as much
)

// cookies give each site what it set itself: an origin that hands out a token with the multivariant playlist wants it
// with the segments.
type cookies struct {
	mu   sync.Mutex
	jar  *cookiejar.Jar
	seen map[[5]string]bool
}

func (c *cookies) of(u *url.URL) []*http.Cookie {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jar == nil {
		return nil
	}
	return c.jar.Cookies(u)
}

// set keeps the cookies of an answer. An origin that sets ever more of them loses the old ones.
func (c *cookies) set(u *url.URL, resp *http.Response) {
	if len(resp.Header["Set-Cookie"]) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range resp.Cookies() {
		if len(cookie.Raw) > maxCookie {
			continue
		}
		at := cookie.Path
		if at == "" {
			at = path.Dir(u.Path)
		}
		key := [5]string{u.Hostname(), cookie.Domain, at, cookie.Name, u.Scheme}
		if c.jar == nil || !c.seen[key] && len(c.seen) == maxCookies {
			c.jar, _ = cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // gives no error
			c.seen = map[[5]string]bool{}
		}
		c.seen[key] = true
		c.jar.SetCookies(u, []*http.Cookie{cookie})
	}
}
