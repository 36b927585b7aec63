package httpapi

import (
	"bytes"
	"strconv"

	"github.com/valyala/fasthttp"
)

// minCompressed is the least size of a body, in bytes, for which compressing is worth its time: what is smaller goes in one packet.
const minCompressed = 1024

// Levels that compress an answer of 10 KB in a fraction of a millisecond.
const (
	brotliLevel = 4
	gzipLevel   = fasthttp.CompressDefaultCompression
)

// The content codings that answers are sent in (RFC 9110, section 8.4.1; RFC 7932 for br).
const (
	identity     = ""
	codingGzip   = "gzip"
	codingBrotli = "br"
)

// compress puts the body of an answer of status 200 into the coding that the client likes best. Small ones, streams and what is
// encoded already stay as they are.
func compress(ctx *fasthttp.RequestCtx) {
	resp := &ctx.Response
	if resp.IsBodyStream() || resp.StatusCode() != fasthttp.StatusOK {
		return
	}
	body := resp.Body()
	if len(body) < minCompressed || len(resp.Header.ContentEncoding()) > 0 {
		return
	}
	if len(resp.Header.Peek(fasthttp.HeaderVary)) == 0 {
		setHeader(&resp.Header, fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	} else {
		resp.Header.Add(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	}
	var packed []byte
	coding := chooseCoding(ctx, len(body))
	switch coding {
	case codingBrotli:
		packed = fasthttp.AppendBrotliBytesLevel(nil, body, brotliLevel)
	case codingGzip:
		packed = fasthttp.AppendGzipBytesLevel(nil, body, gzipLevel)
	default:
		return
	}
	resp.Header.SetContentEncoding(coding)
	resp.SetBodyRaw(packed)
}

// chooseCoding returns the coding in which a body of n bytes is sent: of those that Accept-Encoding allows the one of the highest
// weight, the smaller result where two weigh the same (RFC 9110, section 12.5.3).
func chooseCoding(ctx *fasthttp.RequestCtx, n int) string {
	if n < minCompressed {
		return identity
	}
	field := ctx.Request.Header.Peek(fasthttp.HeaderAcceptEncoding)
	if len(field) == 0 {
		return identity
	}
	const unsaid = -1
	br, gzip, plain, rest := unsaid, unsaid, unsaid, 0
	for one := range bytes.SplitSeq(field, []byte(",")) {
		name, parameters, _ := bytes.Cut(one, []byte(";"))
		q := weight(parameters)
		switch name = bytes.TrimSpace(name); {
		case bytes.EqualFold(name, []byte(codingBrotli)):
			br = q
		case bytes.EqualFold(name, []byte(codingGzip)), bytes.EqualFold(name, []byte("x-gzip")):
			gzip = q
		case bytes.EqualFold(name, []byte("identity")):
			plain = q
		case string(name) == "*":
			rest = q
		}
	}
	if br == unsaid {
		br = rest
	}
	if gzip == unsaid {
		gzip = rest
	}
	switch {
	case br > 0 && br >= gzip && br >= plain:
		return codingBrotli
	case gzip > 0 && gzip >= plain:
		return codingGzip
	}
	return identity
}

// weight returns the weight q that a field's parameters give, in thousandths (RFC 9110, section 12.4.2). One that cannot be read
// counts as 0: what the client may not want is not sent.
func weight(parameters []byte) int {
	parameters = bytes.TrimSpace(parameters)
	if len(parameters) == 0 {
		return 1000
	}
	name, value, _ := bytes.Cut(parameters, []byte("="))
	if !bytes.EqualFold(bytes.TrimSpace(name), []byte("q")) {
		return 0
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return 0
	}
	return int(f * 1000)
}
