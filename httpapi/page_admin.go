package httpapi

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// prefixAdmin is what begins the paths of what the page steers. None of it is a viewer's: keys and tokens of viewers do not
// count there, and no page of another origin may read it.
const prefixAdmin = "/admin/"

// longBodyTimeout is readTimeout for bodies of more than maxBody, for those who send the token.
const longBodyTimeout = 2 * time.Minute

// PageAdmin is what the page steers for those who send the admin listener's token. Each part may be nil: its routes then say what
// to configure.
type PageAdmin struct {
	// Token tells who may; without one nobody may do anything here.
	Token *AdminToken
	// Control starts and stops media.
	Control Control
	// Profiles and Instruments are what engagement stands on.
	Profiles    Profiles
	Instruments Instruments
	// Editor changes observations, People the gallery.
	Editor Editor
	People People
}

// routes is where handlers are registered: a listener, or the part of one that asks for the admin token.
type routes interface {
	// handle registers h for a method, and for HEAD too where that is GET.
	handle(method, pattern string, h func(ctx *fasthttp.RequestCtx) error)
}

// guarded registers routes below /admin that ask for the admin token.
type guarded struct {
	s     *Server
	token *AdminToken
}

// handle registers h at /admin + pattern, such as /v1/gallery. What h reads as the request's body has at most maxBody bytes.
func (g *guarded) handle(method, pattern string, h func(ctx *fasthttp.RequestCtx) error) {
	g.handleBody(method, pattern, maxBody, h)
}

// handleBody is handle with a limit of its own for bodies, in bytes, of at most maxPhoto. h finds the whole body in ctx.PostBody.
func (g *guarded) handleBody(method, pattern string, most int64, h func(ctx *fasthttp.RequestCtx) error) {
	pattern = "/admin" + pattern
	wrapped := g.s.metrics.route(pattern, g.s.log, sameOrigin(g.guard(most, h)))
	g.s.router.Handle(method, pattern, wrapped)
	if method == fasthttp.MethodGet {
		g.s.router.HEAD(pattern, wrapped)
	}
}

// guard has h asked by those alone who send the token.
func (g *guarded) guard(most int64, h handler) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if g.token == nil {
			return newProblem(fasthttp.StatusNotFound,
				"nothing is steered from here: name a file with a token in http.admin.token_file of the configuration")
		}
		refused := g.token.admit(ctx, time.Now())
		dropCredential(ctx)
		if refused != nil {
			refused.write(ctx)
			return nil
		}
		if int64(len(ctx.PostBody())) > most {
			return tooLarge(most)
		}
		err := h(ctx)
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return err
	}
}

// roomForBodies lets who sends the token below /admin/ send bodies of up to maxPhoto bytes, and takes their time; each route then has
// its own limit. All other bodies have the listener's.
func (t *AdminToken) roomForBodies(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	if h.ContentLength() <= maxBody && h.ContentLength() >= 0 || !bytes.HasPrefix(h.RequestURI(), []byte(prefixAdmin)) {
		return c
	}
	if t.mayBeLong(bearer(h.Peek(fasthttp.HeaderAuthorization)), time.Now()) {
		c.MaxRequestBodySize, c.ReadTimeout = maxPhoto, longBodyTimeout
	}
	return c
}

// pageAdminRoutes registers everything below /admin/v1/.
func (s *Server) pageAdminRoutes(a *PageAdmin) {
	if a == nil {
		a = new(PageAdmin)
	}
	if a.Token != nil {
		s.fast.HeaderReceived = a.Token.roomForBodies
	}
	g := &guarded{s, a.Token}
	controlRoutes(g, a.Control)
	viewerRoutes(g, a.Profiles)
	instrumentRoutes(g, a.Instruments)
	g.editRoutes(a.Editor)
	g.peopleRoutes(a.People)
}

// controlRoutes registers what starts and stops media.
func controlRoutes(r routes, c Control) {
	for verb, do := range map[string]func(Control, string) error{"start": Control.Start, "stop": Control.Stop} {
		r.handle(fasthttp.MethodPost, "/v1/media/{media}/"+verb, func(ctx *fasthttp.RequestCtx) error {
			if c == nil {
				return newProblem(fasthttp.StatusNotFound,
					"this process shows media that another watches: start and stop them at the box that does")
			}
			return steer(func(id string) error { return do(c, id) })(ctx)
		})
	}
}
