package httpapi

import (
	"errors"

	"github.com/valyala/fasthttp"
)

// contexts answers GET /v1/context: what GET /v1/media/{media}/context says of each of several media, in the order in which
// they are named. Where that says that it cannot, as of a media that there is not, its problem stands in the answer's place.
func (v *viewer) contexts(ctx *fasthttp.RequestCtx) error {
	media, err := parseMedia(ctx.QueryArgs())
	if err != nil {
		return err
	}
	q, err := parseContextQuery(ctx.URI())
	if err != nil {
		return err
	}
	who, err := q.engage(ctx)
	if err != nil {
		return err
	}
	kept, err := q.decisions(len(media))
	if err != nil {
		return err
	}
	body := []byte(`{"contexts":`)
	taken := 0
	for i, id := range media {
		body = append(body, separator(i))
		who.keep = kept[i]
		if body, err = v.appendContextOrProblem(body, id, q, who); err != nil {
			return err
		}
		if len(body) > taken+longAnswer {
			if err := v.room.take(ctx, len(body)-taken); err != nil {
				return err
			}
			taken = len(body)
		}
	}
	ctx.SetContentType(contentTypeJSON)
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, q.cache())
	// Raw, so that one long answer is not kept as the buffer of all the short ones after it.
	ctx.Response.SetBodyRaw(append(body, `]}`...))
	return nil
}

// appendContextOrProblem returns an error where it is nobody's fault who asked: then the whole answer fails.
func (v *viewer) appendContextOrProblem(b []byte, id string, q contextQuery, who engaged) ([]byte, error) {
	answer, err := v.appendContext(b, id, q, who)
	var p *problem
	if !errors.As(err, &p) {
		return answer, err
	}
	text, err := marshal(p)
	if err != nil {
		return nil, err
	}
	b = appendString(append(b, `{"media":`...), clip(id))
	b = append(append(b, `,"problem":`...), text...)
	return append(b, '}'), nil
}
