package httpapi

import (
	"io"

	"github.com/valyala/fasthttp"
)

// Decisions are what was decided for viewers, and what came of it.
type Decisions interface {
	// WriteDecisions writes all that is kept, oldest first, in one of the Decisions formats. It is stopped by an error of w.
	WriteDecisions(w io.Writer, format string) error
}

// Formats of decisions.
const (
	DecisionsNDJSON = "ndjson" // one JSON object a line
	DecisionsVW     = "vw"     // Vowpal Wabbit's text for --cb_adf
)

// decisions answers GET /v1/decisions with a stream of any length. What goes wrong on the way cuts it off, so that it does not look
// complete.
func decisions(d Decisions) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if d == nil {
			return notEngaged()
		}
		format, kind := string(ctx.QueryArgs().Peek("format")), "application/x-ndjson"
		switch format {
		case "", DecisionsNDJSON:
			format = DecisionsNDJSON
		case DecisionsVW:
			kind = "text/plain; charset=utf-8"
		default:
			return badParameter("format", "format must be %s or %s", DecisionsNDJSON, DecisionsVW)
		}
		ctx.SetContentType(kind)
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		// The writer ends with the reader: the server closes that when it has all, or the client is gone.
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(d.WriteDecisions(writer, format)) }()
		ctx.SetBodyStream(reader, -1)
		return nil
	}
}
