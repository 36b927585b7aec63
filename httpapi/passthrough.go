package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// passTime is how long one answer of an origin may take in all. A viewer has writeTimeout of it to read the answer.
	passTime = 60 * time.Second
	// cachePassed is for segments: what is at an address changes no more, and the addresses last as long as the program.
	cachePassed = "private, max-age=60"
	// policyPassed keeps a browser from making a page of what an origin sends.
	policyPassed = "default-src 'none'; sandbox"
	maxPassedTag = 200 // bytes of an origin's ETag
)

var (
	// ErrNoStream is returned by Origins for media whose stream cannot be passed on, such as recordings.
	ErrNoStream = errors.New("the media has no stream that can be passed on")
	// ErrNoResource is returned by Origins for a resource that no playlist from there has named.
	ErrNoResource = errors.New("no playlist from here names that")
	// ErrOriginsBusy is returned by Origins while as many requests to origins are under way as may be.
	ErrOriginsBusy = errors.New("too many requests to origins are under way")
)

// OriginError is why an origin's answer cannot be passed on.
type OriginError struct {
	Status int    // 502 or 504, or 416 for a range that there is not
	Detail string // for whoever asked: it must hold no address
	Err    error  // for the log
}

func (e *OriginError) Error() string { return e.Detail }

// Unwrap returns the cause.
func (e *OriginError) Unwrap() error { return e.Err }

// Origins gives the streams of the box's own media to the page's player.
type Origins interface {
	// Ask asks a media's origin for a resource of its stream: "index.m3u8", or what a playlist from there names. Errors are
	// ErrUnknownMedia, ErrNoStream, ErrNoResource, ErrOriginsBusy or an *OriginError. The answer's body ends with ctx.
	Ask(ctx context.Context, media string, q OriginQuestion) (*OriginAnswer, error)
}

// OriginQuestion is what a player asks for.
type OriginQuestion struct {
	Resource string
	// Delivery is a query of HLS delivery directives (rfc8216bis section 6.2.5), and of nothing else; it may be empty.
	Delivery string
	// Offset and Length are a range in bytes, for segments; Length 0 means to the end.
	Offset, Length int64
}

// OriginPlaylist is a playlist whose addresses name resources of Ask, relative to its own address.
type OriginPlaylist interface {
	// Append appends the playlist to b, with query behind each address.
	Append(b []byte, query string) []byte
	// Size returns the length in bytes of what Append appends.
	Size(query string) int
}

// OriginAnswer is a playlist or a body.
type OriginAnswer struct {
	Playlist OriginPlaylist // nil: Body
	Body     io.ReadCloser
	Length   int64 // of the body in bytes; -1 where it is not known
	Partial  bool  // the body is a range, from Offset on of Total bytes; Total 0 is not known
	Offset   int64
	Total    int64
	Secret   bool   // the body is a key
	Type     string // Content-Type as the origin sent it; may be empty
	ETag     string // the same
}

// passthrough answers for the streams of the media.
type passthrough struct {
	*viewer
	origins Origins // nil: none
	log     *slog.Logger
	ending  <-chan struct{} // closed when Shutdown begins
}

// passthroughRoutes registers GET /v1/media/{media}/hls/....
func (v *viewer) passthroughRoutes(s *Server, origins Origins) {
	p := &passthrough{v, origins, s.log, s.ending}
	s.get("/v1/media/{media}/hls/{resource}", p.answer)
}

// answer answers GET /v1/media/{media}/hls/{resource}.
func (p *passthrough) answer(ctx *fasthttp.RequestCtx) error {
	id := pathID(ctx)
	q, err := parseOriginQuestion(ctx)
	if err != nil {
		return p.refuse(id, err)
	}
	if _, err := p.media.Status(id); err != nil {
		return missing(id, err)
	}
	if p.origins == nil {
		return p.problem(id, ErrNoStream)
	}
	asking, cancel := p.asking()
	answer, err := p.origins.Ask(asking, id, q)
	if err != nil {
		cancel()
		return p.problem(id, err)
	}
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set(fasthttp.HeaderContentSecurityPolicy, policyPassed)
	if answer.Playlist != nil {
		cancel()
		return p.sendPlaylist(ctx, answer.Playlist)
	}
	sendPassed(ctx, answer, cancel)
	return nil
}

// asking returns what a question to an origin lasts with. It is not the request's, which fasthttp has back before the body ends:
// what began is ended by its limits, and by Shutdown, which would else wait for what a player takes its time to read.
func (p *passthrough) asking() (context.Context, context.CancelFunc) {
	asking, cancel := context.WithTimeout(context.Background(), passTime)
	go func() {
		select {
		case <-p.ending:
			cancel()
		case <-asking.Done():
		}
	}()
	return asking, cancel
}

// problem is what is said of an error of Origins.
func (p *passthrough) problem(id string, err error) error {
	var origin *OriginError
	switch {
	case errors.Is(err, ErrUnknownMedia):
		return unknownMedia(id)
	case errors.Is(err, ErrNoStream):
		return newProblem(fasthttp.StatusNotFound, fmt.Sprintf("the stream of media %q cannot be played through this box: it is a recording, or is watched elsewhere", clip(id)))
	case errors.Is(err, ErrNoResource):
		return newProblem(fasthttp.StatusNotFound, "no playlist of this stream names that, or the box has started anew since: load index.m3u8 again")
	case errors.Is(err, ErrOriginsBusy):
		return newProblem(fasthttp.StatusServiceUnavailable, "as many viewers as are allowed play streams through this box; ask again in a second")
	case errors.As(err, &origin):
		p.log.Debug("the origin's answer is not passed on", "media", id, "err", origin.Err)
		return newProblem(origin.Status, origin.Detail)
	}
	return err
}

func (p *passthrough) sendPlaylist(ctx *fasthttp.RequestCtx, list OriginPlaylist) error {
	query := carriedQuery(ctx)
	n := list.Size(query)
	if err := p.room.take(ctx, n); err != nil {
		return err
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-cache")
	sendTagged(ctx, contentTypePlaylist, list.Append(make([]byte, 0, n), query))
	return nil
}

// passedBody is a body that ends what it is read with.
type passedBody struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close implements io.Closer.
func (b *passedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// sendPassed answers with the body, which fasthttp reads as the client takes it, and closes.
func sendPassed(ctx *fasthttp.RequestCtx, a *OriginAnswer, end context.CancelFunc) {
	h := &ctx.Response.Header
	body := &passedBody{a.Body, end}
	ctx.SetContentType(passedType(a.Type))
	h.Set(fasthttp.HeaderCacheControl, cachePassed)
	if a.Secret {
		ctx.SetContentType(typeBytes)
		h.Set(fasthttp.HeaderCacheControl, cacheNever)
	} else {
		h.Set(fasthttp.HeaderAcceptRanges, "bytes")
		if isTag(a.ETag) {
			h.Set(fasthttp.HeaderETag, a.ETag)
			if !a.Partial && noneMatch(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), []byte(trimWeak(a.ETag))) {
				body.Close()
				ctx.SetStatusCode(fasthttp.StatusNotModified)
				return
			}
		}
	}
	if a.Partial {
		total := "*"
		if a.Total > 0 {
			total = strconv.FormatInt(a.Total, 10)
		}
		ctx.SetStatusCode(fasthttp.StatusPartialContent)
		h.Set(fasthttp.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%s", a.Offset, a.Offset+a.Length-1, total))
	}
	ctx.SetBodyStream(body, int(a.Length))
}
