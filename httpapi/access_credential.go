package httpapi

import (
	"bytes"
	"strconv"

	"github.com/valyala/fasthttp"
)

// headerAPIKey is where keys are sent that are not sent as RFC 6750 says.
const headerAPIKey = "X-API-Key"

// parameterKey is the query parameter for what can send no header: EventSource, and what a video element loads. It is
// second best: addresses end up in histories and in the logs of proxies.
const parameterKey = "key"

// refusal is a problem with the headers that tell a client what to do about it.
type refusal struct {
	*problem
	// challenge is the header WWW-Authenticate (RFC 6750, section 3); empty where there is none.
	challenge string
	// retryAfter is in seconds; 0 where it is not said.
	retryAfter int
}

func refuse(status int, detail string) *refusal {
	return &refusal{problem: newProblem(status, detail)}
}

// unauthorized returns a 401. The code is one of RFC 6750, section 3.1, or empty where nothing was sent.
func unauthorized(code, detail string) *refusal {
	r := refuse(fasthttp.StatusUnauthorized, detail)
	r.challenge = challenge(code, detail)
	return r
}

// challenge returns a header WWW-Authenticate; the words must need no escaping in a quoted string.
func challenge(code, description string) string {
	c := `Bearer realm="spotter"`
	if code == "" {
		return c
	}
	c += `, error="` + code + `"`
	if description != "" {
		c += `, error_description="` + description + `"`
	}
	return c
}

func (r *refusal) write(ctx *fasthttp.RequestCtx) {
	r.problem.write(ctx)
	if r.challenge != "" {
		ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, r.challenge)
	}
	if r.retryAfter > 0 {
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(r.retryAfter))
	}
}

// findCredential returns the key or token of a request; empty where there is none. The bytes live until dropCredential.
func findCredential(ctx *fasthttp.RequestCtx) ([]byte, *refusal) {
	h := &ctx.Request.Header
	var credential []byte
	sent := 0
	authorization := h.Peek(fasthttp.HeaderAuthorization)
	if v := bearer(authorization); v != nil {
		credential, sent = v, 1
	}
	if v := h.Peek(headerAPIKey); len(v) > 0 {
		credential, sent = v, sent+1
	}
	if v := ctx.QueryArgs().Peek(parameterKey); len(v) > 0 {
		credential, sent = v, sent+1
	}
	if sent == 0 && len(authorization) > 0 { // else it is for something in front of the box
		return nil, unauthorized("", "the header Authorization must be of the scheme Bearer")
	}
	if sent > 1 {
		r := refuse(fasthttp.StatusBadRequest, "send the key or token one way, not several")
		r.challenge = challenge("invalid_request", "")
		return nil, r
	}
	return credential, nil
}

// dropCredential takes keys and tokens out of a request, so that nothing that handles it afterwards can show them.
func dropCredential(ctx *fasthttp.RequestCtx) {
	h := &ctx.Request.Header
	h.Del(fasthttp.HeaderAuthorization)
	h.Del(headerAPIKey)
	args := ctx.QueryArgs()
	if !args.Has(parameterKey) {
		return
	}
	carryKey(ctx, args.Peek(parameterKey))
	args.Del(parameterKey)
	// Both the query as it came and the request's address have the key too.
	query := string(args.QueryString())
	uri := ctx.Request.URI()
	uri.SetQueryString(query)
	h.SetRequestURIBytes(uri.RequestURI())
}

// bearer returns what follows the scheme Bearer, which is in any letter case (RFC 9110, section 11.1); nil for others.
func bearer(header []byte) []byte {
	const scheme = "Bearer "
	if len(header) <= len(scheme) || !bytes.EqualFold(header[:len(scheme)], []byte(scheme)) {
		return nil
	}
	return bytes.TrimSpace(header[len(scheme):])
}
