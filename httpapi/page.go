package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

//go:embed web/index.html
var indexHTML string

// page returns the handler of GET /. Its Content-Security-Policy (CSP level 3) names the page's one script and one
// style sheet by their hashes and lets it talk to this listener only, so a hostile name can do no harm in it.
func page() handler {
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; connect-src 'self'; img-src data:; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		source(indexHTML, "script"), source(indexHTML, "style"))
	return func(ctx *fasthttp.RequestCtx) error {
		h := &ctx.Response.Header
		h.Set(fasthttp.HeaderContentSecurityPolicy, policy)
		h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
		h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
		h.Set(fasthttp.HeaderCacheControl, "no-cache")
		ctx.SetContentType("text/html; charset=utf-8")
		ctx.SetBodyString(indexHTML)
		return nil
	}
}

// source returns the CSP source of what stands in the page's only element of the name, such as 'sha256-...'.
func source(html, element string) string {
	_, rest, _ := strings.Cut(html, "<"+element+">")
	content, _, ok := strings.Cut(rest, "</"+element+">")
	if !ok {
		return "'none'"
	}
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
