package httpapi

import (
	"mime"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// typeBytes is for what a browser is to make nothing of.
const typeBytes = "application/octet-stream"

// parseOriginQuestion reads the delivery directives, and nothing else of the query; errors are problems that name the
// parameter.
func parseOriginQuestion(ctx *fasthttp.RequestCtx) (q OriginQuestion, err error) {
	q.Resource, _ = ctx.UserValue("resource").(string)
	directives := [...]string{"_HLS_msn", "_HLS_part", "_HLS_skip"}
	var given [len(directives)]string
	for key, value := range ctx.QueryArgs().All() {
		for i, name := range directives {
			if string(key) != name {
				continue
			}
			if given[i] != "" {
				return q, badParameter(name, "%s is given twice", name)
			}
			if given[i], err = parseDirective(name, string(value)); err != nil {
				return q, err
			}
		}
	}
	for i, value := range given {
		if value != "" {
			q.Delivery += "&" + directives[i] + "=" + value
		}
	}
	q.Delivery = strings.TrimPrefix(q.Delivery, "&")
	q.Offset, q.Length = parseRange(string(ctx.Request.Header.Peek(fasthttp.HeaderRange)))
	return q, nil
}

// parseDirective reads a delivery directive (rfc8216bis section 6.2.5) into its one form.
func parseDirective(name, value string) (string, error) {
	if name == "_HLS_skip" {
		if value != "YES" && value != "v2" {
			return "", badParameter(name, "%s must be YES or v2", name)
		}
		return value, nil
	}
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return "", badParameter(name, "%s must be a whole number", name)
	}
	return strconv.FormatUint(n, 10), nil
}

// parseRange reads a header Range of one range with a beginning. All others, and what cannot be read, ask for all, as
// RFC 9110, section 14.2 allows.
func parseRange(field string) (offset, length int64) {
	span, ok := strings.CutPrefix(field, "bytes=")
	first, last, dash := strings.Cut(span, "-")
	if !ok || !dash {
		return 0, 0
	}
	from, err := strconv.ParseUint(first, 10, 60)
	if err != nil {
		return 0, 0
	}
	if last == "" {
		return int64(from), 0
	}
	to, err := strconv.ParseUint(last, 10, 60)
	if err != nil || to < from {
		return 0, 0
	}
	return int64(from), int64(to-from) + 1
}

// passedType returns the Content-Type of what an origin sends as sent: one of a segment, of which no browser makes a page
// or a script. All else is bytes; a player looks into them anyway.
func passedType(sent string) string {
	plain, _, err := mime.ParseMediaType(sent)
	if err != nil {
		return typeBytes
	}
	switch plain {
	case "video/mp2t", "video/mp4", "video/iso.segment", "audio/mp4", "audio/aac", "audio/mpeg", "audio/ac3", "audio/eac3",
		"application/mp4", "text/vtt":
		return plain
	}
	return typeBytes
}

func trimWeak(tag string) string { return strings.TrimPrefix(tag, "W/") }

// isTag reports whether s is an entity tag (RFC 9110, section 8.8.3) that is not too long.
func isTag(s string) bool {
	inner := trimWeak(s)
	if len(s) > maxPassedTag || len(inner) < 2 || inner[0] != '"' || inner[len(inner)-1] != '"' {
		return false
	}
	return strings.IndexFunc(inner[1:len(inner)-1], func(r rune) bool { return r <= ' ' || r == '"' || r >= 0x7f }) < 0
}
