package httpapi

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// What pages of other origins may send and read beside what they always may (Fetch standard, sections 3.3.2 and 3.3.3).
const (
	allowHeaders  = "Authorization, Content-Type, If-None-Match, Last-Event-ID, " + headerAPIKey
	exposeHeaders = "ETag, Retry-After"
)

// origins are those whose pages may read answers. Cookies and other credentials of the browser are never let in: a page
// sends its key or token itself.
type origins struct {
	any  bool
	list []string
}

func newOrigins(list []string) origins {
	return origins{any: slices.Contains(list, "*"), list: list}
}

// CheckOrigin returns what is wrong with an entry of AccessConfig.Origins: one is "*", or scheme, host and port as a
// browser sends them in the header Origin (RFC 6454, section 6.2).
func CheckOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("%q is not an origin such as https://app.example or https://app.example:8443, without a path, or *", origin)
	}
	standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port := u.Port(); strings.ToLower(origin) != origin || port == standard || strings.HasSuffix(u.Host, ":") || strings.Contains(u.Host, "*") {
		return fmt.Errorf("%q is no origin that a browser sends: it has small letters, no *, and no port that its scheme has anyway", origin)
	}
	return nil
}

// write tells a browser whether the page that asked may read the answer.
func (o *origins) write(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	allowed := "*"
	if bytes.HasPrefix(ctx.Request.URI().PathOriginal(), []byte(prefixAdmin)) {
		allowed = ""
	} else if !o.any {
		allowed = o.match(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
		if len(o.list) > 0 {
			h.Add(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
		}
	}
	if allowed == "" {
		h.Del(fasthttp.HeaderAccessControlAllowOrigin)
		h.Del(fasthttp.HeaderAccessControlAllowMethods)
		h.Del(fasthttp.HeaderAccessControlAllowHeaders)
		h.Del(fasthttp.HeaderAccessControlMaxAge)
		return
	}
	setHeader(h, fasthttp.HeaderAccessControlAllowOrigin, allowed)
	if !ctx.IsOptions() {
		setHeader(h, fasthttp.HeaderAccessControlExposeHeaders, exposeHeaders)
	} else if len(h.Peek(fasthttp.HeaderAccessControlAllowMethods)) > 0 {
		h.Set(fasthttp.HeaderAccessControlAllowHeaders, allowHeaders)
	}
}

// match returns the entry that equals origin; empty where there is none.
func (o *origins) match(origin []byte) string {
	for _, allowed := range o.list {
		if string(origin) == allowed {
			return allowed
		}
	}
	return ""
}
