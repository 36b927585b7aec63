package httpapi

import (
	"bytes"
	"net/url"

	"github.com/valyala/fasthttp"
)

// carriedKey is the key of a request's user value: the query with which addresses in its answer are to be asked.
type carriedKey struct{}

// carryKey keeps a key that came as a parameter for the addresses in the answer, where that has some: a player that can
// send no header gets all of the stream with the key of the first address. Nothing else sees it.
func carryKey(ctx *fasthttp.RequestCtx, key []byte) {
	if len(key) > 0 && listsAddresses(ctx.Request.URI().PathOriginal()) {
		ctx.SetUserValue(carriedKey{}, "?"+parameterKey+"="+url.QueryEscape(string(key)))
	}
}

// carriedQuery returns what addresses in the answer are to end with: "?key=..." where the request's own did, else nothing.
func carriedQuery(ctx *fasthttp.RequestCtx) string {
	query, _ := ctx.UserValue(carriedKey{}).(string)
	return query
}

// listsAddresses reports whether what is at a path, as it came, leads to addresses that need the key again.
func listsAddresses(path []byte) bool {
	rest, ok := bytes.CutPrefix(path, []byte(prefixMedia))
	if !ok {
		return false
	}
	_, rest, _ = bytes.Cut(rest, []byte("/"))
	return bytes.HasPrefix(rest, []byte("hls/")) || string(rest) == "thumbnails"
}
