package httpapi

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

const (
	prefixMedia   = "/v1/media/"
	suffixContext = "/context"
)

// viewer answers the viewer API.
type viewer struct {
	media Media
	// ids has each id as its own value: looking one up by the bytes of a path makes no new string.
	ids        map[string]string
	glances    sync.Pool // of *glance
	room       *room
	engagement Engagement // nil: engagement is off
	settled    string     // Cache-Control of what recognisers will not revise any more
}

// ViewerConfig is what the viewer API shows, and to whom.
type ViewerConfig struct {
	Media Media
	// Engagement chooses the instruments in answers; nil engages nobody.
	Engagement Engagement
	// Access says who may ask what; nil lets everybody ask everything.
	Access *Access
	// Registerer gets the listener's own metrics; it may be nil.
	Registerer prometheus.Registerer
	Log        *slog.Logger
	// Overview, Origins, Thumbnails and Admin are the page's; each may be nil, and its routes then say so.
	Overview   func() Overview
	Origins    Origins
	Thumbnails Thumbnails
	Admin      *PageAdmin
}

// NewViewer returns the viewer API's server, with the page at /. The media that are known now are answered without
// allocating; later ones may come and go. NewViewer panics when the registerer already has a viewer's metrics.
func NewViewer(c ViewerConfig) *Server {
	v := &viewer{media: c.Media, ids: make(map[string]string), room: &room{bytes: roomBytes}, engagement: c.Engagement}
	ids, _ := c.Media.IDs() // those that cannot be told yet cost each look-up one string more
	for _, id := range ids {
		v.ids[id] = id
	}
	v.settled = cacheForever
	if c.Admin != nil && c.Admin.Token != nil && c.Admin.Editor != nil {
		v.settled = cacheSettled
	}
	v.glances.New = func() any { return new(glance) }

	s := newServer("viewer", c.Registerer, c.Log)
	s.room = v.room
	s.pageRoutes()
	s.get("/v1/media", v.list)
	s.get("/v1/media/{media}", v.status)
	s.get("/v1/media/{media}/timeline", v.timeline)
	s.get("/v1/context", v.contexts)
	const events = "/v1/decisions/{decision}/events"
	s.router.POST(events, s.metrics.route(events, s.log, v.event))
	v.cdnRoutes(s)
	v.openapiRoutes(s)
	v.liveRoutes(s, c.Registerer)
	v.overviewRoutes(s, c.Overview)
	v.passthroughRoutes(s, c.Origins)
	v.thumbnailRoutes(s, c.Thumbnails)
	s.pageAdminRoutes(c.Admin)
	lookUp := s.get(routeLookUp, v.context)
	s.router.GlobalOPTIONS = s.metrics.route(routeOther, s.log, preflight)
	s.fast.Handler = func(ctx *fasthttp.RequestCtx) {
		// The router allocates four times for a path with a parameter, so the look-up goes past it.
		if isLookUp(ctx) {
			lookUp(ctx)
		} else {
			s.router.Handler(ctx)
		}
		compress(ctx)
	}
	c.Access.protect(s)
	s.direct = newDirect(v, c.Access, s.metrics)
	return s
}

// isLookUp reports whether ctx matches GET or HEAD /v1/media/{media}/context.
func isLookUp(ctx *fasthttp.RequestCtx) bool {
	_, ok := contextID(ctx.Request.URI().PathOriginal())
	return ok && (ctx.IsGet() || ctx.IsHead())
}

// contextID returns the media's id, still escaped, in the path of a look-up.
func contextID(path []byte) ([]byte, bool) {
	if len(path) < len(prefixMedia)+len(suffixContext) ||
		string(path[:len(prefixMedia)]) != prefixMedia ||
		string(path[len(path)-len(suffixContext):]) != suffixContext {
		return nil, false
	}
	id := path[len(prefixMedia) : len(path)-len(suffixContext)]
	return id, bytes.IndexByte(id, '/') < 0
}

// id returns the media's id from an escaped path segment (RFC 3986, section 2.1).
func (v *viewer) id(segment []byte) string {
	if id, ok := v.ids[string(segment)]; ok {
		return id
	}
	return unescape(string(segment))
}

// unescape returns segment as it is when its escapes are broken: no media is named so.
func unescape(segment string) string {
	if id, err := url.PathUnescape(segment); err == nil {
		return id
	}
	return segment
}

// pathID returns the media's id from the path that the router matched.
func pathID(ctx *fasthttp.RequestCtx) string {
	segment, _ := ctx.UserValue("media").(string)
	return unescape(segment)
}

// missing is the problem of a media that cannot be shown.
func missing(id string, err error) error {
	if errors.Is(err, ErrUnknownMedia) {
		return unknownMedia(id)
	}
	return err
}

// refuse returns what is wrong with a question: that there is no such media comes before its parameters.
func (v *viewer) refuse(id string, bad error) error {
	if _, err := v.media.Status(id); errors.Is(err, ErrUnknownMedia) {
		return unknownMedia(id)
	}
	return bad
}

func (v *viewer) list(ctx *fasthttp.RequestCtx) error {
	answer := struct {
		Media []Status `json:"media"`
	}{Media: []Status{}}
	ids, err := v.media.IDs()
	if err != nil {
		return err
	}
	who := IdentityOf(ctx)
	for _, id := range ids {
		if !who.MayAsk(id) {
			continue
		}
		status, err := v.media.Status(id)
		if errors.Is(err, ErrUnknownMedia) { // it has gone since
			continue
		}
		if err != nil {
			return err
		}
		answer.Media = append(answer.Media, status)
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheBriefly)
	return writeJSON(ctx, answer)
}

func (v *viewer) status(ctx *fasthttp.RequestCtx) error {
	id := pathID(ctx)
	status, err := v.media.Status(id)
	if err != nil {
		return missing(id, err)
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheBriefly)
	return writeJSON(ctx, status)
}

// preflight answers a browser's question before a cross-origin request (Fetch standard, section 3.3).
func preflight(ctx *fasthttp.RequestCtx) error {
	h := &ctx.Response.Header
	allow := string(h.Peek(fasthttp.HeaderAllow))
	h.Set(fasthttp.HeaderAccessControlAllowMethods, strings.TrimSuffix(allow, ", OPTIONS"))
	h.Set(fasthttp.HeaderAccessControlMaxAge, "86400")
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
